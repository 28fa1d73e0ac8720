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


def found() -> Health:
    return measured.read(formats.utc_now())


@failures.live(5)
def at_this_moment() -> None:
    now = db.read(found)
    components.show(now.components, formats.utc_now())
    tables.processes(now.workers)
    tables.models(now.models, formats.utc_now())


@failures.live(2)
def breakers() -> None:
    health_breakers.show(formats.utc_now())


@failures.live(5)
def standing_still() -> None:
    health_stuck.show(formats.utc_now())


with db.side_by_side() as group:
    group.ahead(found)
    group.ahead(breaker_report.lately)
    group.ahead(breaker_report.changes, health_breakers.SHOWN_CHANGES)
    group.ahead(stuck.read)
    group.ahead(report.newest_sample)
    group.ahead(health_reuse.read)
at_this_moment()
# What else there is was not read where the database cannot be reached.
if db.read(found).reachable:
    breakers()
    health_breakers.by_name()
    health_breakers.dialogs()
    standing_still()
    history.show()
    health_reuse.show()
