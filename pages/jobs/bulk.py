"""What is done to several jobs at once: to each by itself and as on its own page, with the outcome of each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

import streamlit as st

from core.errors import NotFound
from core.jobs import control, deletion, moving, report, resend
from core.jobs.launch import Lane
from core.jobs.report import JobRow
from core.jobs.resend import Resend
from pages.common import failures, formats
from pages.common.formats import Markdown
from pages.parts import job_actions
from pages.words import jobs, many_jobs
from pages.words.many_jobs import ACTIONS

OUTCOME = "jobs_outcome"
OVER = "jobs_bulk_over"
# By the names of job_actions.offered: what a canary's decision calls "drop" is a cancellation.
ALSO = {"cancel": "drop"}
WHERE: dict[str, Lane | None] = {"Each where it was": None, "All as batches": "batch", "All live, now": "live"}
TALLEST = 260
USE_CASES: dict[str, Callable[[str], object]] = {
    "pause": control.pause,
    "resume": control.resume,
    "cancel": control.cancel,
    "again": lambda job_id: resend.retry(job_id, WHERE[st.session_state["jobs_where"]]),
    "delete": deletion.delete,
}


@dataclass(frozen=True)
class Outcome:
    """Of one job. `refused`: why nothing was done, "" if it was."""

    job: str
    became: str
    refused: str


def bar(rows: Sequence[JobRow], clear: Callable[[], None]) -> None:
    """The same buttons whatever is selected, so that the grid below them stays in its place. `clear` ends the
    selection."""
    for action, words in ACTIONS.items():
        able = _able(action, rows)
        label = many_jobs.numbered(action, len(able), len(rows))
        if st.button(label, icon=words.icon, disabled=not able, key=f"jobs-{action}"):
            _open(action, [row.id for row in rows], clear)


def _able(action: str, rows: Sequence[JobRow]) -> list[JobRow]:
    names = {action, ALSO.get(action, action)}
    return [row for row in rows if names & job_actions.offered(row)]


def _open(action: str, ids: Sequence[str], clear: Callable[[], None]) -> None:
    failures.dialog(ACTIONS[action].verb.format("jobs"))(_confirm)(action, ids, clear)


def _confirm(action: str, ids: Sequence[str], clear: Callable[[], None]) -> None:
    """The states are read anew: those of the list may be seconds old."""
    if st.session_state.pop(OVER, False):
        st.rerun()
    rows = [row for id_ in ids if (row := _found(id_))]
    able = _able(action, rows)
    others = [row for row in rows if row not in able]
    if able:
        st.markdown(many_jobs.asked(action, able, len(rows)))
        CONSEQUENCES[action](able)
    for sentence in many_jobs.left_out(action, others):
        st.caption(sentence)
    if not able:
        st.info("Nothing is left to do: these jobs have changed meanwhile.")
        return

    def carry_out() -> None:
        st.session_state[OUTCOME] = [_carry_out(action, row) for row in able]
        st.session_state[OVER] = True
        clear()

    label = ACTIONS[action].verb.format(formats.count(len(able), "job"))
    st.button(label, type="primary", key="jobs-bulk-act", on_click=partial(failures.guarded, carry_out))


def _found(job_id: str) -> JobRow | None:
    try:
        return report.get(job_id)
    except NotFound:
        return None


def _carry_out(action: str, row: JobRow) -> Outcome:
    refused = failures.refusal(lambda: USE_CASES[action](row.id))
    there = None if refused else _found(row.id)
    return Outcome(row.name, many_jobs.ended(action, there.state if there else ""), refused)


def _pause(rows: Sequence[JobRow]) -> None:
    waiting = formats.count(sum(row.pending for row in rows), "request")
    st.markdown(
        f"- Not sent until somebody resumes them: {waiting}\n"
        f"- Under way: {sum(row.in_flight for row in rows):,}. These go on, and their answers are kept and billed."
    )


def _resume(rows: Sequence[JobRow]) -> None:
    now = formats.utc_now()
    found = [(row, moving.estimate(row.id, now)) for row in rows]
    cost = _cost([there.cost_batch if row.lane == "batch" else there.cost_live for row, there in found])
    waiting = formats.count(sum(row.pending for row in rows), "request")
    st.markdown(f"- Sent again as soon as it can be: {waiting}, for {cost}")


def _cancel(rows: Sequence[JobRow]) -> None:
    st.markdown(
        f"- Not sent any more: {formats.count(sum(row.pending for row in rows), 'request')}\n"
        f"- Under way: {sum(row.in_flight for row in rows):,}. What is at a provider is cancelled there; what finishes "
        "first is kept and billed.\n"
        f"- Answered, and kept: {sum(row.succeeded for row in rows):,}\n"
        "- What is dropped can be sent again later."
    )


def _again(rows: Sequence[JobRow]) -> None:
    now = formats.utc_now()
    found = [(row, resend.resend_estimate(row.id, now)) for row in rows]
    st.radio(
        "Where",
        list(WHERE),
        captions=[_cost([_in(lane, *one) for one in found]) for lane in WHERE.values()],
        key="jobs_where",
    )
    sent = sum(left.requests for _, left in found)
    told = f"- Sent again: {formats.count(sent, 'request')}. What is answered stays as it is."
    st.markdown(told)
    for row, left in found:
        for one in left.left_out:
            st.caption(f"Not sent, because it would fail again: {jobs.not_sendable(one)} ({formats.plain(row.name)}).")


def _in(lane: Lane | None, row: JobRow, left: Resend) -> Decimal | None:
    return left.cost_batch if (lane or row.lane) == "batch" else left.cost_live


def _delete(rows: Sequence[JobRow]) -> None:
    going = [deletion.removal(row.id) for row in rows]
    batches = sum(one.provider_batches for one in going)
    st.markdown(
        f"- Removed for good: {formats.count(sum(one.requests for one in going), 'request')}, "
        f"{formats.count(sum(one.responses for one in going), 'answer')}, "
        f"{formats.count(batches, 'provider batch', 'provider batches')} and the timelines\n"
        "- Kept: insights with their quotes, the answers that carry them or that other jobs reuse, and every usage "
        "record"
    )


CONSEQUENCES: dict[str, Callable[[Sequence[JobRow]], None]] = {
    "pause": _pause,
    "resume": _resume,
    "cancel": _cancel,
    "again": _again,
    "delete": _delete,
}


def _cost(costs: Sequence[Decimal | None]) -> Markdown:
    """Of all of them together; what has no known price is said, and not counted as free."""
    known = [cost for cost in costs if cost is not None]
    without = len(costs) - len(known)
    if not known:
        return "a price that is not known"
    beside = f", and {formats.count(without, 'job')} without a known price" if without else ""
    return formats.plain(f"about {formats.money(sum(known, Decimal(0)))}{beside}")


def show_outcome() -> None:
    """What became of each job, until the next action or until it is closed."""
    outcomes: list[Outcome] = st.session_state.get(OUTCOME, [])
    if not outcomes:
        return
    refused = sum(bool(one.refused) for one in outcomes)
    with st.container(border=True, height="content" if len(outcomes) < 8 else TALLEST, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            total = formats.count(len(outcomes), "job")
            st.markdown(f"**Done: {len(outcomes) - refused:,} of {total}.**", width="stretch")
            st.button("Close", icon=":material/close:", type="tertiary", on_click=_forget, key="jobs-outcome-close")
        for one in outcomes:
            sign = ":red[:material/error:]" if one.refused else ":green[:material/check_circle:]"
            st.markdown(f"{sign} **{formats.plain(one.job)}** {formats.plain(one.refused or one.became)}")


def _forget() -> None:
    st.session_state.pop(OUTCOME, None)
