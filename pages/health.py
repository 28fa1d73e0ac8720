"""Is everything up: database, scheduler, workers, queue and what this web process supervises."""

from datetime import datetime, timedelta

import pandas as pd
import streamlit as st

from core import boot, calls, health
from core.health import DatabaseHealth
from core.reports import health as report
from core.settings import get_settings
from pages import health_reuse, widgets

st.title("Health")
widgets.show_told()


def line(well: bool | None, name: str, text: str) -> None:
    """`well` is None for what is switched off."""
    icon = {True: ":green[:material/check_circle:]", False: ":red[:material/error:]", None: ":gray[:material/remove:]"}[
        well
    ]
    st.markdown(f"{icon} **{name}** · {widgets.plain(text)}")


def processes(moment: datetime) -> None:
    """What does not need the database to be known."""
    for name in calls.NAMES:
        # Nobody needs all of them: one that is not set up is no fault.
        there = True if name in calls.configured() else None
        key = f"not set up; to use it, set {name.upper()}_API_KEY and start again"
        line(there, widgets.PROVIDERS[name], "set up" if there else key)
    for child in boot.children():
        since = f"running for {widgets.lasted(child.since, moment)}" if child.since else f"down: {child.last_exit}"
        again = f", started again {widgets.count(child.restarts, 'time')}" if child.restarts else ""
        line(child.since is not None, f"Process {child.name}", since + again)


def work(moment: datetime) -> None:
    ticked = {sample.component: sample for sample in report.latest_samples()}.get("scheduler")
    workers = [worker for worker in report.workers() if worker.alive]
    waiting = report.queue()
    late = ticked is None or moment - ticked.time > timedelta(seconds=90)
    heartbeat = f"last heartbeat {widgets.ago(ticked.time, moment)}" if ticked else "no heartbeat yet"
    line(not late, "Scheduler", heartbeat + ("; start a jobs process: python -m jobs" if late else ""))
    busy = widgets.count(sum(worker.busy for worker in workers), "call")
    alive = f"{len(workers)} alive, {busy} in flight"
    line(bool(workers), "Workers", alive if workers else "none is alive; start one: python -m jobs")
    oldest = f", the oldest since {widgets.ago(waiting.oldest_document, moment)}" if waiting.oldest_document else ""
    documents = f"{widgets.count(waiting.queued_documents, 'document')} to be read{oldest}"
    requests = f"{widgets.count(waiting.pending_requests, 'request')} to be sent"
    line(True, "Queue", f"{documents}; {requests}, {waiting.in_flight_requests:,} in flight")
    if workers:
        rows = [(w.name, "leader" if w.leader else "", w.busy, w.last_seen) for w in workers]
        table = pd.DataFrame(rows, columns=["Worker", "Role", "Calls in flight", "Last seen"])
        st.dataframe(
            table, hide_index=True, column_config={"Last seen": st.column_config.DatetimeColumn(format="distance")}
        )


def round_trips() -> None:
    st.subheader("Database round trip, last hour")
    now = widgets.utc_now()
    history = [
        one for one in report.past(now - timedelta(hours=1), timedelta(seconds=60)) if one.component == "database"
    ]
    if len(history) < 2:
        st.caption("A sample is taken every 30 s; the chart appears with the second one.")
        return
    frame = pd.DataFrame([(s.time, s.figures.get("round_trip_ms")) for s in history], columns=["Time", "ms"])
    st.line_chart(frame, x="Time", y="ms", x_label="", height=200)


def about(found: DatabaseHealth) -> str:
    """The figures, or what to do."""
    if found.healthy:
        used = f"{found.active_connections} of {found.pool_size} connections in use"
        return f"{found.response_time_ms} ms, {used}, schema up to date"
    if found.connected:
        return found.error or "its schema is not at this version"
    if get_settings().database_url is None:
        return "cannot be reached; it is started again by itself, and if it stays away, the log says why"
    return "cannot be reached; check that PostgreSQL runs and that DATABASE_URL points at it"


@widgets.live(5)
def now() -> None:
    moment = widgets.utc_now()
    found = health.database()
    line(found.healthy, "Database", about(found))
    processes(moment)
    if found.connected:
        work(moment)


now()
if health.database().connected:
    round_trips()
    health_reuse.show()
