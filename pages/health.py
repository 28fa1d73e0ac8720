"""Is everything up: database, scheduler, workers, queue and what this web process supervises."""

from datetime import timedelta

import pandas as pd
import streamlit as st

from core import boot, calls, health
from core.reports import health as report
from pages import widgets

st.title("Health")


def line(well: bool | None, name: str, text: str) -> None:
    """`well` is None for what is switched off."""
    icon = {True: ":green[:material/check_circle:]", False: ":red[:material/error:]", None: ":gray[:material/remove:]"}[
        well
    ]
    st.markdown(f"{icon} **{name}** · {widgets.plain(text)}")


@widgets.live(5)
def now() -> None:
    moment = widgets.utc_now()
    found = health.database()
    samples = {sample.component: sample for sample in report.latest_samples()}
    workers = [worker for worker in report.workers() if worker.alive]
    waiting = report.queue()
    detail = f"{found.response_time_ms} ms, {found.active_connections} of {found.pool_size} connections in use, "
    line(found.healthy, "Database", found.error or detail + f"schema {found.migration_status.replace('_', ' ')}")
    ticked = samples.get("scheduler")
    late = ticked is None or moment - ticked.time > timedelta(seconds=90)
    heartbeat = f"last heartbeat {widgets.ago(ticked.time, moment)}" if ticked else "no heartbeat yet"
    line(not late, "Scheduler", heartbeat + ("; start a jobs process: python -m jobs" if late else ""))
    busy = sum(worker.busy for worker in workers)
    alive = f"{len(workers)} alive, {busy} calls in flight"
    line(bool(workers), "Workers", alive if workers else "none is alive; start one: python -m jobs")
    oldest = f", the oldest since {widgets.ago(waiting.oldest_document, moment)}" if waiting.oldest_document else ""
    text = f"{waiting.queued_documents:,} documents wait{oldest}; {waiting.pending_requests:,} requests wait"
    line(True, "Queue", f"{text}, {waiting.in_flight_requests:,} in flight")
    for name in calls.NAMES:
        there = name in calls.configured()
        line(
            there, f"Provider {name}", "set up" if there else f"not set up: set {name.upper()}_API_KEY and start again"
        )
    for child in boot.children():
        since = f"running since {widgets.ago(child.since, moment)}" if child.since else f"down: {child.last_exit}"
        line(child.since is not None, f"Process {child.name}", f"{since}, restarted {child.restarts} times")
    if workers:
        rows = [(w.name, "leader" if w.leader else "", w.busy, w.last_seen) for w in workers]
        table = pd.DataFrame(rows, columns=["Worker", "Role", "Calls in flight", "Last seen"])
        st.dataframe(
            table, hide_index=True, column_config={"Last seen": st.column_config.DatetimeColumn(format="distance")}
        )


now()
st.subheader("Database round trip, last hour")
history = report.samples("database", widgets.utc_now() - timedelta(hours=1))
if len(history) > 1:
    st.line_chart(
        pd.DataFrame([(s.time, s.latency_ms) for s in history], columns=["Time", "ms"]), x="Time", y="ms", height=200
    )
else:
    st.caption("A sample is taken every 30 s; the chart appears with the second one.")
