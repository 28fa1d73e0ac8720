"""How Cairn is: components at this moment, circuit breakers, stuck work, history, and reuse."""

import streamlit as st

from core.calls import breaker_report
from core.health import components as measured
from core.health import report
from core.health.components import Health
from core.runtime import db
from core.upkeep import stuck
from pages.common import failures, formats
from pages.health import breakers as health_breakers
from pages.health import components, history, tables
from pages.health import reuse as health_reuse
from pages.health import stuck as health_stuck

st.title("Health")
failures.show_notice()

# What was read last: whether there is more to show.
known: list[Health] = []


@failures.live(5)
def at_this_moment() -> None:
    moment = formats.utc_now()
    found = measured.read(moment)
    known[:] = [found]
    components.show(found.components, moment)
    tables.processes(found.workers)
    tables.models(found.models, moment)


@failures.live(2)
def breakers() -> None:
    health_breakers.show(formats.utc_now())


@failures.live(5)
def standing_still() -> None:
    health_stuck.show(formats.utc_now())


# By itself: it measures a round trip.
at_this_moment()
if known and known[0].reachable:
    with db.side_by_side() as group:
        group.ahead(breaker_report.lately)
        group.ahead(breaker_report.changes, health_breakers.SHOWN_CHANGES)
        group.ahead(stuck.read)
        group.ahead(report.newest_sample)
        group.ahead(health_reuse.read)
    breakers()
    health_breakers.by_name()
    health_breakers.dialogs()
    standing_still()
    history.show()
    health_reuse.show()
