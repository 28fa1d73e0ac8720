"""Is everything up, since when, what stands still, and how it was: each red row says what to do."""

from datetime import datetime

import pandas as pd
import streamlit as st

from core import boot
from core.calls import clients
from core.calls import report as calls_report
from core.health import database, now
from core.health import report as reports_health
from core.health.now import Component
from core.health.readings import PROVIDER
from core.providers import capabilities
from pages.common import failures, formats
from pages.health import breakers as health_breakers
from pages.health import history, reuse
from pages.health import stuck as health_stuck
from pages.words import health

st.title("Health")
failures.show_notice()


def line(well: bool | None, name: str, text: str, since: str = "") -> None:
    """`well` is None for what is switched off or not known."""
    icon = {True: ":green[:material/check_circle:]", False: ":red[:material/error:]", None: ":gray[:material/remove:]"}[
        well
    ]
    st.markdown(f"{icon} **{name}** · {formats.plain(text)}{f' :gray[· {since}]' if since else ''}")


def told(one: Component, moment: datetime) -> None:
    since = f"for {formats.lasted(one.since, moment)}" if one.since and one.healthy is not None else ""
    line(one.healthy, health.name(one.name), one.message, since)


def setting_up(found: list[Component]) -> None:
    """Providers that no sample tells of: nobody needs all of them, so one that is not set up is no fault."""
    known = {one.name for one in found}
    for name in capabilities.NAMES:
        if f"{PROVIDER}{name}" not in known:
            there = True if name in clients.configured() else None
            key = "not set up; to use it, set its key on the Settings page"
            line(there, health.name(f"{PROVIDER}{name}"), "set up" if there else key)


def processes(moment: datetime) -> None:
    """What this web process supervises; the database is not needed to know it."""
    for child in boot.children():
        running = "running" if child.since else f"down: {child.last_exit}; it is started again by itself"
        again = f", started again {formats.count(child.restarts, 'time')}" if child.restarts else ""
        since = f"for {formats.lasted(child.since, moment)}" if child.since else ""
        line(child.since is not None, f"Process {child.name}", running + again, since)


def in_all(found: list[Component]) -> None:
    red = sum(one.healthy is False for one in found)
    if red:
        st.markdown(f":red-badge[:material/error: {formats.count(red, 'part needs', 'parts need')} attention]")
    elif any(one.healthy is None for one in found):
        st.markdown(":orange-badge[:material/help: Not everything is known at the moment]")
    else:
        st.markdown(":green-badge[:material/check_circle: All is well]")


def process_table() -> None:
    rows = [
        (
            w.name,
            w.kind,
            "leads" if w.leader and w.alive else "",
            w.alive,
            w.busy,
            w.memory_bytes / (1 << 20),
            w.last_seen,
        )
        for w in reports_health.workers(kind=None)
    ]
    columns = ["Process", "Kind", "Scheduler", "Alive", "Calls in flight", "Memory, MB", "Last seen"]
    if rows:
        st.dataframe(
            pd.DataFrame(rows, columns=columns),
            hide_index=True,
            column_config={"Last seen": st.column_config.DatetimeColumn(format="distance"), "Memory, MB": WHOLE},
        )


def model_table(moment: datetime) -> None:
    rows = [
        (
            capabilities.label(m.provider),
            m.model,
            m.breaker.replace("_", " "),
            formats.until(m.retry_at, moment) if m.breaker == "open" and m.retry_at else "",
            m.calls,
            100 * m.failed / m.calls if m.calls else None,
            calls_report.quantile_ms(m.latencies, 0.5),
            calls_report.quantile_ms(m.latencies, 0.95),
            None if m.headroom is None else 100 * m.headroom,
        )
        for m in calls_report.models()
    ]
    names = ["Provider", "Model", "Breaker", "Tried again", "Calls in 10 min", *FIGURES]
    if rows:
        config = dict.fromkeys(FIGURES, WHOLE)
        st.dataframe(pd.DataFrame(rows, columns=names), hide_index=True, placeholder="–", column_config=config)


FIGURES = ("Failed, %", "p50, ms", "p95, ms", "Rate limit left, %")
WHOLE = st.column_config.NumberColumn(format="%.0f")


@failures.live(5)
def at_this_moment() -> None:
    moment = formats.utc_now()
    found = now.components(moment)
    in_all(found)
    for one in found:
        told(one, moment)
    setting_up(found)
    processes(moment)
    if len(found) > 1:
        process_table()
        model_table(moment)


@failures.live(2)
def breakers() -> None:
    health_breakers.show(formats.utc_now())


@failures.live(5)
def stuck() -> None:
    health_stuck.show(formats.utc_now())


at_this_moment()
if database.database().connected:
    breakers()
    health_breakers.by_name()
    health_breakers.dialogs()
    stuck()
    history.show(formats.utc_now())
    reuse.show()
