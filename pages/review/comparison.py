"""A head and what may be the same as it or contradicts it: quotes, the words that differ, and what can be said."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from core.insights import evidence_report, merging, review_report
from core.insights.evidence_report import InContext
from core.insights.merging import Candidate
from core.insights.report import InsightRow
from core.insights.review_report import Item
from core.runtime import db
from pages.common import formats, marking, widgets
from pages.common.marking import Mark
from pages.parts.insight import evidence
from pages.review import saying
from pages.review.saying import Which
from pages.words import insights, review

QUOTES = 2
PAGE = "insight/insight.py"


def show(pairs: Sequence[Item], collection: str | None) -> None:
    """`pairs`: with the same insight as `a`; the first one is what comes next."""
    head, item = pairs[0].a, pairs[0]
    others = [one.b for one in pairs]
    with db.side_by_side() as group:
        evidence_of_all = group.read(
            evidence_report.evidence_in_context, [head.id, *(one.id for one in others)], most=QUOTES
        )
        if len(pairs) == 1:
            group.ahead(review_report.count_alike, item.id, collection)
    told = merging.compared(head, others)
    quoted = evidence_of_all.found
    buttons = st.container()
    left, right = st.columns(2)
    with left:
        st.markdown("**First**")
        with st.container(border=True):
            _side(head, [span for each in pairs[0].differs for span in each.a_spans], quoted)
    with right:
        st.markdown("**Second**" if len(pairs) == 1 else "**Second: those that are ticked**")
        ticked = [one for one in pairs if _candidate(one, told[one.b.id], quoted, len(pairs) > 1)]
    with buttons:
        doubted = any(_is_doubted(told[one.b.id]) for one in ticked)
        _say(head, ticked, item, collection, doubted=doubted)


def _is_doubted(told: Candidate) -> bool:
    """Whether a merge would be refused."""
    return told.blocks or told.other_question


def _candidate(pair: Item, told: Candidate, quoted: InContext, several: bool) -> bool:
    """Whether it is meant, too. At first those are left out, but the first one, that a merge would be refused for."""
    with st.container(border=True):
        doubted = _is_doubted(told)
        ticked = not several or st.checkbox(
            "My decision is for this one, too", not (doubted and pair.kind == "merge"), key=f"tick-{pair.id}"
        )
        _side(pair.b, [span for each in pair.differs for span in each.b_spans], quoted)
        st.caption(f"{review.proposed(pair)} {insights.differing([each.kind for each in pair.differs])}")
        if told.other_question:
            st.caption(":material/block: It answers another question, so the two are never one.")
        elif saying.is_refused(pair.id):
            st.warning(insights.refused(told.reasons), icon=":material/warning:")
    return ticked


def _side(row: InsightRow, spans: Sequence[tuple[int, int]], quoted: InContext) -> None:
    """Spans are those of what the model said, which is what is compared."""
    marking.show(row.statement, [Mark(*span) for span in spans])
    if row.shown:
        st.caption(f":material/edit: Reworded by a person: “{formats.plain(row.shown)}”")
    if row.question:
        st.caption(f":material/help: Answers “{formats.plain(row.question)}”")
    with st.container(horizontal=True, vertical_alignment="center"):
        widgets.state_badge(row.state)
        st.caption(insights.known(row))
        widgets.link("Its own page", PAGE, ":material/open_in_full:", id=row.id)
    evidence.show([one for one in quoted.rows if one.insight == row.id], quoted.contexts)


def _say(head: InsightRow, ticked: Sequence[Item], item: Item, collection: str | None, *, doubted: bool) -> None:
    """The keys carry the pair: a key that is struck twice says the same of the same pair."""
    which = Which(head.id, ticked, _keep(head, ticked, item), _alike(ticked, collection), collection)
    number = which.alike or len(ticked)
    # Of those that differ in what matters, nothing is suggested.
    expected = item.kind if item.kind != "merge" else None if doubted else "same"
    with st.container(horizontal=True, vertical_alignment="center"):
        for verdict, (label, icon, shortcut, help_) in review.SAYING.items():
            st.button(
                label if number < 2 or (verdict == "later" and which.alike) else f"{label} ({number:,})",
                icon=icon,
                help=help_,
                shortcut=shortcut,
                key=f"{verdict}-{item.id}",
                type="primary" if verdict == expected else "secondary",
                disabled=not ticked,
                on_click=partial(saying.say, which, verdict),
            )
    if any(saying.is_refused(one.id) for one in ticked):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f":material/warning: {review.REFUSED}")
            force = partial(saying.say, which, "same", force=True)
            st.button("Merge anyway", shortcut="F", key=f"force-{item.id}", on_click=force)


def _keep(head: InsightRow, ticked: Sequence[Item], item: Item) -> str:
    rows = [head, *(one.b for one in ticked)]
    with st.popover("Which wording stays", icon=":material/edit_note:") if len(rows) > 3 else st.container():
        kept = st.radio(
            "If they are the same, this wording stays",
            range(len(rows)),
            format_func=lambda at: formats.plain(rows[at].words),
            key=f"keep-{item.id}-{hash(tuple(row.id for row in rows))}",
        )
    return rows[kept].id


def _alike(ticked: Sequence[Item], collection: str | None) -> int:
    """How many pairs are meant with this one, if all that differ like it are: 0 if not."""
    if len(ticked) != 1:
        return 0
    number = db.read(review_report.count_alike, ticked[0].id, collection)
    if number < 2:
        return 0
    chosen = st.checkbox(f"All {number:,} pairs that differ in just this way", key=f"alike-{ticked[0].id}")
    return number if chosen else 0
