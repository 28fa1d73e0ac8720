"""What a job's actions ask before they are carried out: each says what it comes to."""

from collections.abc import Callable
from decimal import Decimal

import streamlit as st

from core.jobs import launch, report
from core.jobs.launch import Lane
from core.jobs.report import JobRow
from core.runtime.paging import MOST
from pages.common import widgets
from pages.words import batches, jobs


def _carry_out(action: Callable[[], object], success: str = "") -> None:
    """What a dialog's last button does. The dialog runs once more after it, on what is changed by then: see `_over`."""
    widgets.attempt(action, success)
    st.session_state["dialog_over"] = True


def _over() -> bool:
    """Whether this dialog was carried out; it then has nothing to show any more."""
    return bool(st.session_state.pop("dialog_over", False))


@st.dialog("Cancel this job")
def cancel(row: JobRow) -> None:
    if _over():
        st.rerun()
    st.markdown(f"Cancel **{widgets.plain(row.name)}**?")
    st.markdown(
        f"- Not sent any more: {widgets.count(row.pending, 'request')}\n"
        f"- Under way: {row.in_flight:,}. What is at a provider is cancelled there; what finishes first is kept and "
        "billed.\n"
        f"- Answered, and kept: {row.succeeded:,}"
    )
    st.caption("What is dropped can be sent again later.")
    st.button("Cancel job", type="primary", on_click=lambda: _carry_out(lambda: launch.cancel(row.id)))


@st.dialog("Send again")
def send_again(row: JobRow) -> None:
    if _over():
        st.rerun()
    left = launch.resend_estimate(row.id, widgets.utc_now())
    unanswered = row.failed + row.cancelled
    if not left.requests:
        st.markdown(f"Nothing of **{widgets.plain(row.name)}** can be sent again: {_not_sendable(unanswered)}.")
        return
    st.markdown(
        f"Send **{widgets.count(left.requests, 'request')}** of {widgets.plain(row.name)} again: what failed, expired "
        "or was cancelled, and only that. What is answered stays as it is."
    )
    if unanswered > left.requests:
        st.caption(f"Left out: {_not_sendable(unanswered - left.requests)}.")
    prices: dict[Lane, Decimal | None] = {"batch": left.cost_batch, "live": left.cost_live}
    st.radio(
        "Where",
        list(prices),
        index=list(prices).index("batch" if row.lane == "batch" else "live"),
        format_func={"batch": "As a new batch", "live": "Live, now"}.__getitem__,
        captions=[f"About {widgets.money(cost)}, {_when(lane, row.provider)}" for lane, cost in prices.items()],
        key="resend_lane",
    )

    def act() -> None:
        lane = st.session_state["resend_lane"]
        _carry_out(lambda: launch.retry(row.id, lane))

    st.button(f"Send {left.requests:,} again", type="primary", on_click=act)


def _when(lane: Lane, provider: str) -> str:
    if provider == "offline":
        return "on this machine"
    return "within 24 hours" if lane == "batch" else "at full price"


def _not_sendable(number: int) -> str:
    return f"{widgets.count(number, 'request')}, too long for the model or with a document that was deleted"


@st.dialog("Settle by hand")
def settle(row: JobRow) -> None:
    if _over():
        st.rerun()
    found = [batch for batch in report.provider_batches(row.id, limit=MOST).items if batch.state == "settling"]
    if not found:
        st.markdown("It is settled by now.")
        return
    choice = st.selectbox(
        "Batch", found, format_func=lambda batch: f"{batch.id}, {widgets.count(batch.requests, 'request')}"
    )
    st.markdown(widgets.plain(batches.meaning(choice, widgets.utc_now())))
    name = jobs.PROVIDERS.get(row.provider, row.provider)
    st.warning(
        f"Look at {name} first. If the batch is not there, say so here, and its requests go out again at once. If it "
        "is there after all, they are billed twice."
    )
    st.button("It is not there", type="primary", on_click=lambda: _carry_out(lambda: launch.give_up_looking(choice.id)))


@st.dialog("Rename")
def rename(row: JobRow) -> None:
    if _over():
        st.rerun()
    st.text_input("Name", row.name, max_chars=200, key="new_name")
    st.text_area("Description", row.description, max_chars=2000, key="new_description")

    def act() -> None:
        name, description = st.session_state["new_name"], st.session_state["new_description"]
        _carry_out(lambda: launch.rename(row.id, name, description))

    st.button("Save", type="primary", on_click=act)


@st.dialog("Delete this job")
def delete(row: JobRow) -> None:
    if _over():
        widgets.go("jobs.py")
    going = launch.removal(row.id)
    st.markdown(f"Delete **{widgets.plain(row.name)}** for good?")
    st.markdown(
        f"- Removed: {widgets.count(going.requests, 'request')}, {widgets.count(going.responses, 'answer')}, "
        f"{widgets.count(going.provider_batches, 'provider batch', 'provider batches')} and the timeline\n"
        "- Kept: insights with their quotes, the answers that carry them or that other jobs reuse, and every usage "
        f"record: {widgets.plain(widgets.money_of(row.cost_usd, row.unpriced))} stays in the costs"
    )

    st.button(
        "Delete", type="primary", on_click=lambda: _carry_out(lambda: launch.delete(row.id), "The job is deleted.")
    )
