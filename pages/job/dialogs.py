"""The dialogs of a job's actions: each names the consequences before it acts."""

from collections.abc import Callable
from decimal import Decimal

import streamlit as st

from core.jobs import batches_report, control, deletion, resend
from core.jobs.launch import Lane
from core.jobs.report import JobRow
from core.runtime.paging import MOST
from core.settings import provider_rows
from pages.common import failures, formats, widgets
from pages.words import batches, jobs


def _carry_out(action: Callable[[], object], success: str = "") -> None:
    """Act, for a dialog's last button. The dialog runs once more after that, on changed data: see `_over`."""
    failures.attempt(action, success)
    st.session_state["dialog_over"] = True


def _over() -> bool:
    """Whether this dialog has acted. It then closes instead of showing anything."""
    return bool(st.session_state.pop("dialog_over", False))


LANES: tuple[Lane, ...] = ("batch", "live")


@failures.dialog("Cancel this job")
def cancel(row: JobRow) -> None:
    if _over():
        st.rerun()
    st.markdown(f"Cancel **“{formats.plain(row.name)}”**")
    st.markdown(
        f"- Not sent any more: {formats.count(row.pending, 'request')}\n"
        f"- Under way: {row.in_flight:,}. What is at a provider is cancelled there; what finishes first is kept and "
        "billed.\n"
        f"- Answered, and kept: {row.succeeded:,}"
    )
    st.caption("What is dropped can be sent again later.")
    st.button("Cancel job", type="primary", on_click=lambda: _carry_out(lambda: control.cancel(row.id)))


@failures.dialog("Send again")
def send_again(row: JobRow) -> None:
    if _over():
        st.rerun()
    now = formats.utc_now()
    left = resend.resend_estimate(row.id, now)
    if stopped := sum(one.requests for one in left.left_out if one.why == "filtered"):
        label = f"Also {formats.count(stopped, 'request')} that the provider's content filter stopped"
        if st.checkbox(label, key="resend_filtered", help="It will probably stop them again."):
            left = resend.resend_estimate(row.id, now, filtered=True)
    if left.requests:
        st.markdown(
            f"Send **{formats.count(left.requests, 'request')}** of “{formats.plain(row.name)}” again: what failed, "
            "expired or was cancelled, and only that. What is answered stays as it is."
        )
    else:
        st.markdown(f"Nothing of **“{formats.plain(row.name)}”** can be sent again.")
    if left.left_out:
        lines = "\n".join(f"- {jobs.not_sendable(one)}" for one in left.left_out)
        st.markdown(f"Left out, because it would fail again:\n{lines}")
    if not left.requests:
        st.caption("Launch another job for these documents, with a larger model or without what stops it.")
        return
    prices: dict[Lane, Decimal | None] = {"batch": left.cost_batch, "live": left.cost_live}
    st.radio(
        "Where",
        LANES,
        index=LANES.index("batch" if row.lane == "batch" else "live"),
        format_func={"batch": "As a new batch", "live": "Live, now"}.__getitem__,
        captions=[
            f"About {formats.money(cost)}, {_when(lane, row.provider)}"
            for lane, cost in ((lane, prices[lane]) for lane in LANES)
        ],
        key="resend_lane",
    )

    def act() -> None:
        lane = st.session_state["resend_lane"]
        filtered = st.session_state.get("resend_filtered", False)
        _carry_out(lambda: resend.retry(row.id, lane, filtered=filtered))

    st.button(f"Send {left.requests:,} again", type="primary", on_click=act)


def _when(lane: Lane, provider: str) -> formats.Markdown:
    if provider_rows.can(provider).is_local:
        return "on this machine"
    return "within 24 hours" if lane == "batch" else "at full price"


@failures.dialog("Settle by hand")
def settle(row: JobRow) -> None:
    if _over():
        st.rerun()
    found = [batch for batch in batches_report.provider_batches(row.id, limit=MOST).items if batch.state == "settling"]
    if not found:
        st.markdown("It is settled by now.")
        return
    choice = st.selectbox(
        "Batch", found, format_func=lambda batch: f"{batch.id}, {formats.count(batch.requests, 'request')}"
    )
    st.markdown(formats.plain(batches.meaning(choice, formats.utc_now())))
    name = formats.plain(provider_rows.can(row.provider).label_in_sentences)
    st.warning(
        f"Look at {name} first. If the batch is not there, say so here, and its requests go out again at once. If it "
        "is there after all, they are billed twice."
    )
    st.button(
        "Not there: send again",
        type="primary",
        on_click=lambda: _carry_out(lambda: resend.give_up_looking(choice.id)),
    )


@failures.dialog("Rename")
def rename(row: JobRow) -> None:
    if _over():
        st.rerun()
    st.text_input("Name", row.name, max_chars=200, key="new_name")
    st.text_area("Description", row.description, max_chars=2000, key="new_description")

    def act() -> None:
        name, description = st.session_state["new_name"], st.session_state["new_description"]
        _carry_out(lambda: control.rename(row.id, name, description))

    st.button("Save", type="primary", on_click=act)


@failures.dialog("Delete this job")
def delete(row: JobRow) -> None:
    if _over():
        widgets.go("jobs/jobs.py")
    going = deletion.removal(row.id)
    st.markdown(f"Delete **“{formats.plain(row.name)}”** for good")
    st.markdown(
        f"- Removed: {formats.count(going.requests, 'request')}, {formats.count(going.responses, 'answer')}, "
        f"{formats.count(going.provider_batches, 'provider batch', 'provider batches')} and the timeline\n"
        "- Kept: insights with their quotes, the answers that carry them or that other jobs reuse, and every usage "
        f"record: {formats.plain(formats.money_of(row.cost_usd, row.unpriced))} stays in the costs"
    )

    st.button(
        "Delete", type="primary", on_click=lambda: _carry_out(lambda: deletion.delete(row.id), "The job is deleted.")
    )
