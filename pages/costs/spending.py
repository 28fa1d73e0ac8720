"""What was spent in a stretch of time: tiles, a chart, and the table of the same figures. A click narrows."""

from zoneinfo import ZoneInfo

import streamlit as st

from core.money import costs, forecast, stretches
from core.money.stretches import Stretch
from core.money.sums import Dimension, Filters, Sums
from core.runtime import db
from pages.common import formats, widgets
from pages.costs import chart, choosing, records, table, tiles, unusual
from pages.parts import exporting


def show() -> None:
    period = choosing.period()
    given = choosing.range_(formats.utc_now().date()) if period == choosing.RANGE else None
    filters = choosing.filters()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        by = choosing.by()
        shown = chart.metric()
    with costs.reading() as now:
        zone = now.zone
        stretch = choosing.days(period, given, now.as_of, zone)
        with db.side_by_side() as group:
            of_before = group.read(now.total, stretches.before(stretch, zone), filters)
            new = group.read(now.new_insights, stretch, filters)
            listed = group.read(table.read, now, by, stretch, filters)
            # Both are of the whole workspace.
            end = group.read(forecast.read, now) if choosing.sees_all() else None
            odd = group.read(unusual.read, now) if choosing.sees_all() else None
            labels = group.read(choosing.labels, now, filters)
            first = group.read(now.first_day, stretch, filters)
        (found, names), before, insights = listed.found, of_before.found, new.found
        month = None if end is None else end.found
        days, templates = odd.found if odd else ((), {})
        total = found.total
        # Where nothing was called before either, it begins with the first day on which something was.
        begin = None if before.calls or before.reused else first.found
        bars, step = chart.read(now, shown, by, stretch, filters, begin)
    named = labels.found
    choosing.show_filters(filters, named)
    if not choosing.sees_all():
        st.caption("These are the costs of what you asked yourself. Managers see those of all.")
    if not total.calls and not total.reused:
        _nothing(period, filters)
        return
    tiles.show(total, before, insights, formats.plain(_words(period)), month)
    unusual.show(days, templates)
    _warn(total)
    bar = chart.show(bars, shown, by, step, zone, names)
    row = table.show(found, by, names)
    clicked = row if bar is None else bar
    if clicked is not None:
        _follow(by, clicked, filters)
    records.show(stretch, filters, total)
    _export(by, stretch, filters, zone)


def _nothing(period: str, filters: Filters) -> None:
    if filters.given():
        st.info("Nothing of this kind was called in this time. Take a filter away or choose a longer time.")
        return
    widgets.empty(
        f"No model was called in this time: {formats.plain(_words(period))}.",
        "analyse/analyse.py",
        "Analyse documents",
    )


def _words(period: str) -> str:
    return {choosing.RANGE: "days chosen"}.get(period, period[0].lower() + period[1:])


def _warn(total: Sums) -> None:
    if total.unpriced:
        st.warning(f"Without a known price, and not in these sums: {formats.count(total.unpriced, 'call')}.")
        widgets.link("Set their price", "costs/costs.py", ":material/sell:", tab="Unpriced")
    if total.unheard:
        st.warning(f"Never answered, and in the sums as an estimate: {formats.count(total.unheard, 'call')}.")


def _follow(by: Dimension, key: str, filters: Filters) -> None:
    """A click narrows; what is narrowed to one job already leads there."""
    if by == "job" and key:
        widgets.go("job/job.py", id=key)
    if filters.given().get(by) != [key]:
        choosing.narrow(by, key)


def _export(by: Dimension, stretch: Stretch, filters: Filters, zone: ZoneInfo) -> None:
    assert stretch.start is not None
    assert stretch.stop is not None
    begin, end = stretch.start.isoformat(), stretch.stop.isoformat()
    given = [(name, value) for name, values in filters.given().items() for value in values]
    exporting.table(
        "costs",
        "usage/export",
        [("by", by), ("zone", "reporting"), ("start", begin), ("stop", end), *given],
        "A row for each row of this table, with its calls, tokens and cost.",
        ("focus", "FOCUS 1.2, for tools that take the bills of many providers"),
    )
    st.caption(f"Days are of {formats.plain(zone.key)}. What price was applied is stored with each call.")
