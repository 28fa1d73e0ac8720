"""What the page is about, all of it in the link: the stretch of time, what it is by, the measure, and the filters."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import get_args
from zoneinfo import ZoneInfo

import streamlit as st

from core.access import actor, roles
from core.money import series, stretches
from core.money.costs import Costs
from core.money.series import Step
from core.money.stretches import Stretch
from core.money.sums import Dimension, Filters
from pages.common import formats
from pages.words import costs as words

LAST: Mapping[str, int] = MappingProxyType({"1 day": 1, "7 days": 7, "30 days": 30, "90 days": 90})
THIS_MONTH, LAST_MONTH, RANGE = "This month", "Last month", "Range"
PERIODS = (*LAST, THIS_MONTH, LAST_MONTH, RANGE)
FIRST_PERIOD, FIRST_BY = "30 days", "model"
DIMENSIONS: tuple[Dimension, ...] = tuple(one for one in get_args(Dimension) if one != "workspace")


def period() -> str:
    return str(
        st.segmented_control(
            "Period",
            PERIODS,
            default=FIRST_PERIOD,
            required=True,
            key="period",
            bind="query-params",
            label_visibility="collapsed",
        )
    )


def days(chosen: str, given: tuple[date, date] | None, now: datetime, zone: ZoneInfo) -> Stretch:
    """The days of the reporting zone that a period is of, up to now. `given`: the first and the last of a range."""
    today = now.astimezone(zone).date()
    if chosen in LAST:
        return stretches.last_days(LAST[chosen], now, zone)
    if chosen == THIS_MONTH:
        return stretches.month(today, now, zone)
    if chosen == LAST_MONTH:
        return stretches.month(today.replace(day=1) - timedelta(days=1), now, zone)
    assert given is not None
    return stretches.whole_days(*given, now, zone)


def range_(today: date) -> tuple[date, date]:
    """The first and the last day."""
    with st.container(horizontal=True, width="content"):
        first = st.date_input("From", today - timedelta(days=29), max_value=today, key="from", bind="query-params")
        last = st.date_input("To", today, max_value=today, key="to", bind="query-params")
    return min(first, last), max(first, last)


def by() -> Dimension:
    chosen: Dimension = st.selectbox(
        "By",
        DIMENSIONS,
        DIMENSIONS.index(FIRST_BY),
        words.DIMENSIONS.__getitem__,
        key="by",
        bind="query-params",
        width=220,
    )
    return chosen


def step(stretch: Stretch, zone: ZoneInfo) -> Step:
    """Hours of up to two days, days of a quarter, weeks of a year, else months."""
    number = stretches.number_of_days(stretch, zone)
    if number <= min(2, series.HOURS_OF.days):
        return "hour"
    return "day" if number <= 93 else "week" if number <= 366 else "month"


def filters() -> Filters:
    """As they stand in the link, each repeatable. Whoever may not see all costs is given their own alone."""
    given = {name: tuple(st.query_params.get_all(name)) for name in DIMENSIONS}
    return Filters(**given) if sees_all() else Filters(**{**given, "user": (actor.current(),)})


def sees_all() -> bool:
    return roles.may("usage.read_all")


def narrow(dimension: Dimension, key: str | None) -> None:
    """Show only what has this key from now on."""
    st.query_params[dimension] = [key or ""]
    st.rerun()


def labels(now: Costs, chosen: Filters) -> dict[tuple[Dimension, str], str]:
    """What the chosen ones are called."""
    return {
        (name, key): label
        for name in DIMENSIONS
        if getattr(chosen, name)
        for key, label in now.labels(name, getattr(chosen, name)).items()
    }


def show_filters(chosen: Filters, names: Mapping[tuple[Dimension, str], str]) -> None:
    """Each filter as a button that takes it away."""
    if not chosen.given():
        return
    with st.container(horizontal=True, key="cost_filters"):
        for name in DIMENSIONS:
            values: tuple[str, ...] = getattr(chosen, name)
            if name == "user" and not sees_all():
                continue
            for value in values:
                label = words.key(name, value or None, names.get((name, value)))
                said = f"{words.DIMENSIONS[name]}: {formats.plain(label)}"
                if st.button(said, icon=":material/close:", key=f"without-{name}-{value}", help="Show all again"):
                    left = tuple(one for one in values if one != value)
                    st.query_params[name] = list(left)
                    st.rerun()
