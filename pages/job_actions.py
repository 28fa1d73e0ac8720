"""What can be done with a job: which buttons there are, and the dialogs that say what each comes to."""

from decimal import Decimal

import streamlit as st

from core import jobs
from core.jobs import Lane
from core.reports import canary
from core.reports import jobs as report
from core.reports.jobs import JobRow
from core.reports.page import MOST
from pages import batch_words, job_words, widgets


def offered(row: JobRow) -> frozenset[str]:
    """The actions that make sense now."""
    deciding = job_words.waits_for_decision(row)
    ended = row.ended or row.state == "draft"
    possible = {
        "start": row.state == "draft" and row.total > 0,
        "release": deciding,
        "drop": deciding,
        "resume": row.state == "paused" and not deciding,
        "pause": row.state in ("queued", "running"),
        "cancel": row.state in ("queued", "running", "paused") and not deciding,
        "again": row.state not in ("draft", "queued", "cancelling") and row.failed + row.cancelled > 0,
        "settle": row.settling > 0,
        "insights": row.succeeded > 0,
        "output": row.done > 0,
        "rename": True,
        "delete": ended,
    }
    return frozenset(name for name, is_so in possible.items() if is_so)


def show(row: JobRow, *, makes_insights: bool) -> None:
    actions = offered(row)
    if "release" in actions:
        decide(row)
    with st.container(horizontal=True):
        if "start" in actions:
            _now("Start", ":material/play_arrow:", lambda: jobs.start(row.id), primary=True)
        if "resume" in actions:
            _now("Resume", ":material/play_arrow:", lambda: jobs.resume(row.id), primary=True)
        if "pause" in actions:
            _now("Pause", ":material/pause:", lambda: jobs.pause(row.id))
        if "cancel" in actions and st.button("Cancel job", icon=":material/stop_circle:"):
            cancel(row)
        if "again" in actions and st.button("Send again", icon=":material/replay:"):
            send_again(row)
        if "settle" in actions and st.button("Settle by hand", icon=":material/rule:"):
            settle(row)
        if "insights" in actions and makes_insights and st.button("Insights", icon=":material/lightbulb:"):
            # The filter's part of a link is what it shows, so the name and not the id.
            widgets.go("insights.py", template=row.template_name or "")
        if "output" in actions:
            st.link_button("Download output", f"api/v1/jobs/{row.id}/output", icon=":material/download:")
        if st.button("Rename", icon=":material/edit:"):
            rename(row)
        if "delete" in actions and st.button("Delete", icon=":material/delete:"):
            delete(row)


def _now(label: str, icon: str, act: "object", *, primary: bool = False) -> None:
    """A button whose action needs no questions."""
    kind = "primary" if primary else "secondary"
    if st.button(label, icon=icon, type=kind, on_click=lambda: widgets.attempt(act)):  # type: ignore
        st.rerun()


def decide(row: JobRow) -> None:
    """The canary is through: what it cost, what the rest would, and the decision."""
    found = canary.read(row.id, widgets.utc_now())
    with st.container(border=True):
        st.subheader("Release the rest?")
        rest, where = widgets.count(found.rest, "request"), job_words.LANES[row.lane]
        st.markdown(
            f"{widgets.count(found.asked, 'request')} went first, live, and cost "
            f"**{widgets.plain(widgets.money(found.cost_usd))}**. The rest, **{rest}**, would go {where} for about "
            f"**{widgets.plain(_rest_cost(found.rest_usd, row, measured=found.measured))}**, "
            f"{'going by these' if found.measured else 'as estimated before'}. The answers are below."
        )
        if row.unread:
            st.caption(f"Not in the rest yet, as they are still being read: {widgets.count(row.unread, 'document')}.")
        with st.container(horizontal=True):
            _now(f"Release {rest}", ":material/play_arrow:", lambda: jobs.resume(row.id), primary=True)
            if st.button("Drop the rest", icon=":material/stop_circle:"):
                cancel(row)


def _rest_cost(cost: Decimal | None, row: JobRow, *, measured: bool) -> str:
    """By what the canary took; where its answers were all known, there is nothing to go by but the estimate."""
    return widgets.money(cost if measured else row.estimate_usd)


@st.dialog("Cancel this job")
def cancel(row: JobRow) -> None:
    st.markdown(f"Cancel **{widgets.plain(row.name)}**?")
    st.markdown(
        f"- Not sent any more: {widgets.count(row.pending, 'request')}\n"
        f"- Under way: {row.in_flight:,}. What is at a provider is cancelled there; what finishes first is kept and "
        "billed.\n"
        f"- Answered, and kept: {row.succeeded:,}"
    )
    st.caption("What is dropped can be sent again later.")
    if st.button("Cancel job", type="primary", on_click=lambda: widgets.attempt(lambda: jobs.cancel(row.id))):
        st.rerun()


@st.dialog("Send again")
def send_again(row: JobRow) -> None:
    left = jobs.resend_estimate(row.id, widgets.utc_now())
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
        widgets.attempt(lambda: jobs.retry(row.id, st.session_state["resend_lane"]))

    if st.button(f"Send {left.requests:,} again", type="primary", on_click=act):
        st.rerun()


def _when(lane: Lane, provider: str) -> str:
    if provider == "offline":
        return "on this machine"
    return "within 24 hours" if lane == "batch" else "at full price"


def _not_sendable(number: int) -> str:
    return f"{widgets.count(number, 'request')}, too long for the model or with a document that was deleted"


@st.dialog("Settle by hand")
def settle(row: JobRow) -> None:
    found = [batch for batch in report.provider_batches(row.id, limit=MOST).items if batch.state == "settling"]
    if not found:
        st.markdown("It is settled by now.")
        return
    choice = st.selectbox(
        "Batch", found, format_func=lambda batch: f"{batch.id}, {widgets.count(batch.requests, 'request')}"
    )
    st.markdown(widgets.plain(batch_words.meaning(choice, widgets.utc_now())))
    name = job_words.PROVIDERS.get(row.provider, row.provider)
    st.warning(
        f"Look at {name} first. If the batch is not there, say so here, and its requests go out again at once. If it "
        "is there after all, they are billed twice."
    )

    def act() -> None:
        widgets.attempt(lambda: jobs.give_up_looking(choice.id))

    if st.button("It is not there", type="primary", on_click=act):
        st.rerun()


@st.dialog("Rename")
def rename(row: JobRow) -> None:
    st.text_input("Name", row.name, max_chars=200, key="new_name")
    st.text_area("Description", row.description, max_chars=2000, key="new_description")

    def act() -> None:
        name, description = st.session_state["new_name"], st.session_state["new_description"]
        widgets.attempt(lambda: jobs.rename(row.id, name, description))

    if st.button("Save", type="primary", on_click=act):
        st.rerun()


@st.dialog("Delete this job")
def delete(row: JobRow) -> None:
    going = jobs.removal(row.id)
    st.markdown(f"Delete **{widgets.plain(row.name)}** for good?")
    st.markdown(
        f"- Removed: {widgets.count(going.requests, 'request')}, {widgets.count(going.responses, 'answer')}, "
        f"{widgets.count(going.provider_batches, 'provider batch', 'provider batches')} and the timeline\n"
        "- Kept: insights with their quotes, the answers that carry them or that other jobs reuse, and every usage "
        f"record: {widgets.plain(widgets.money_of(row.cost_usd, row.unpriced))} stays in the costs"
    )

    def act() -> None:
        widgets.attempt(lambda: jobs.delete(row.id), "The job is deleted.")

    if st.button("Delete", type="primary", on_click=act):
        widgets.go("jobs.py")
