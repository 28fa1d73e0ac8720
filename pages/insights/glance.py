"""How what is listed grows, where people look rather than read."""

from datetime import datetime, timedelta

import streamlit as st

from core.insights import growth_report
from core.insights.growth_report import Day
from core.insights.report import Filters
from pages.common import charts, formats, widgets
from pages.common.charts import DaySeries
from pages.words import insights

DAYS, LATELY = 60, 14


def show(filters: Filters) -> None:
    now = formats.utc_now()
    _shares(filters)
    days = growth_report.by_day(filters, now - timedelta(days=DAYS), now)
    if days:
        _chart(days, now)
    _growing(filters, now)


def _shares(filters: Filters) -> None:
    found = growth_report.shares(filters)
    with widgets.tiles():
        widgets.figure("Insights", found.insights, insights.NEWEST_ALONE if found.capped else None)
        widgets.figure("Corroborated", found.corroborated, insights.share_of(found.corroborated, found.insights))
        widgets.figure("With a quote", found.supported, insights.share_of(found.supported, found.insights))
        widgets.figure("Open conflicts", found.in_conflict, insights.share_of(found.in_conflict, found.insights))


def _chart(days: list[Day], now: datetime) -> None:
    names = [f"{one.day}" for one in days]
    alone = [one.new - one.corroborated for one in days]
    one_document = DaySeries("one document or none", names, alone, pale=True, of="insights")
    corroborated = DaySeries("corroborated by now", names, [one.corroborated for one in days], of="insights")
    title = f"First seen, by day in UTC, the last {DAYS} days at most"
    charts.show(charts.stacked_days(title, [corroborated, one_document], now - timedelta(days=DAYS), now), "first-seen")


def _growing(filters: Filters, now: datetime) -> None:
    st.caption(f"**What grows**: known before, and said by more documents in the last {LATELY} days")
    found = growth_report.growing(filters, now - timedelta(days=LATELY))
    with widgets.lines("growing"):
        for one in found:
            label = f"{formats.plain(one.words)} :gray[· {insights.grown(one)}]"
            widgets.link(label, "insight/insight.py", ":material/trending_up:", id=one.insight)
    if not found:
        st.caption("Nothing: no recent document says again what was known before.")
