"""How long documents and ended jobs are kept: what a rule would delete now, when it runs, what it deleted."""

import streamlit as st

from core.documents import report as documents_report
from core.environment import get_settings
from core.health.sampling import KEEP_HOURS, KEEP_SAMPLES
from core.retention import report, rules
from core.retention.rules import KINDS, Kind, RetentionRule
from pages.common import failures, formats
from pages.words import retention

WHAT: dict[Kind, str] = {
    "documents": "With a document go its file, its text, what was asked of it, answers and evidence, as when a person "
    "deletes it; insights that only it supports go, too. Counted from its upload.",
    "jobs": "With an ended job go its requests and answers; insights and their evidence stay. Counted from its end.",
}
SUGGESTED = 90


def show() -> None:
    st.caption(
        "Everything is kept for ever unless set here. Usage records always stay, and with them every cost. Health "
        f"samples: {KEEP_SAMPLES.days} days, then {KEEP_HOURS.days} days by the hour."
    )
    with st.grid(2, min_column_width=340):
        for kind in KINDS:
            with st.container(border=True, height="stretch"):
                _card(kind)
    _removed()


def _card(kind: Kind) -> None:
    rule, now = rules.rule(kind), formats.utc_now()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{TITLES[kind]}**")
        if rule is None:
            st.badge("kept for ever", color="gray")
        else:
            st.badge(f"deleted after {formats.count(rule.days, 'day')}", color="orange")
    st.caption(WHAT[kind])
    wanted = _entered(kind, rule)
    found = report.preview(kind, wanted, now)
    with st.container(border=False, gap="xsmall"):
        st.markdown(f"Older than that now: {retention.found(kind, found)}.")
        if rule is not None:
            run = report.next_run(kind, now)
            st.caption(f"Next run {retention.moment(run, now)}.", help=formats.exact(run))
    with st.container(horizontal=True):
        after = formats.count(wanted.days, "day")
        if st.button(
            f"Delete after {after}", key=f"retention-{kind}", disabled=wanted == rule or get_settings().settings_locked
        ):
            _preview(kind, wanted)
        if rule is not None and st.button("Keep for ever", key=f"forever-{kind}", icon=":material/undo:"):
            failures.attempt(lambda: rules.change(kind, None), "Kept for ever from now on.")
            st.rerun()


TITLES: dict[Kind, str] = {"documents": "Documents", "jobs": "Ended jobs"}


def _entered(kind: Kind, rule: RetentionRule | None) -> RetentionRule:
    days = st.number_input(
        "Days to keep them",
        rules.LEAST_DAYS,
        rules.MOST_DAYS,
        rule.days if rule else SUGGESTED,
        key=f"days-{kind}-{rule}",
        width=200,
    )
    if kind != "documents":
        return RetentionRule(days)
    names = documents_report.collection_names()
    already = [name for name in rule.excepted if name in names] if rule else []
    excepted = st.multiselect("Except those in", names, already, key=f"excepted-{rule}", placeholder="none")
    return RetentionRule(days, tuple(sorted(excepted)))


@failures.dialog("Delete what is older, from now on")
def _preview(kind: Kind, wanted: RetentionRule) -> None:
    now = formats.utc_now()
    found = report.preview(kind, wanted, now)
    what = TITLES[kind].lower()
    excepted = f" except those in {formats.plain(', '.join(wanted.excepted))}" if wanted.excepted else ""
    st.markdown(f"From now on {what}{excepted} are deleted for good after **{formats.count(wanted.days, 'day')}**.")
    begins = retention.moment(rules.next_run(now, now), now)
    if found.number:
        st.warning(
            f"The first run is {begins}. It deletes {retention.found(kind, found)}.", icon=":material/delete_forever:"
        )
        if found.busy:
            busy = formats.count(found.busy, "of them is", "of them are")
            st.caption(f"{busy} being asked in jobs: those requests are cancelled.")
        st.text_input(f"Type {found.number:d} to confirm", key="retention-typed")
    else:
        st.markdown(f"Nothing is that old now. The first run is {begins}.")
    st.caption("Until then it can be undone on this page. What has gone cannot be brought back.")

    if st.button("Save", type="primary", on_click=_save, args=(kind, wanted, found.number)):
        st.rerun()


def _save(kind: Kind, wanted: RetentionRule, number: int) -> None:
    typed = st.session_state.get("retention-typed", "").strip().replace(",", "")
    if number and typed != str(number):
        failures.notify(f"Nothing was changed: {number} was to be typed to confirm.", "warning")
    else:
        failures.attempt(lambda: rules.change(kind, wanted), "Saved.")


def _removed() -> None:
    runs = report.runs()
    if not runs:
        return
    st.markdown("Deleted lately")
    now = formats.utc_now()
    for run in runs:
        st.caption(f"{retention.removed(run)} · {formats.ago(run.time, now)}", help=formats.exact(run.time))
