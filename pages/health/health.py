"""How Cairn is: components at this moment, circuit breakers, stuck work, history, and reuse."""

import streamlit as st

from core.health import components as measured
from core.health.components import Health
from pages.common import failures, formats
from pages.health import breakers as health_breakers
from pages.health import components, history, reuse, tables
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
def stuck() -> None:
    health_stuck.show(formats.utc_now())


at_this_moment()
if known and known[0].reachable:
    breakers()
    health_breakers.by_name()
    health_breakers.dialogs()
    stuck()
    history.show()
    reuse.show()
