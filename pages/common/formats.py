"""Figures, times and text of documents and models as pages show them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from core.exports.markdown import inert
from core.runtime import shared_clock

# Text for Streamlit to render. What is not ours in it went through `plain`: tests/pages/test_foreign_words.py.
Markdown: TypeAlias = str


def plain(text: str) -> Markdown:
    """Foreign text for Markdown, in one line: it is read as it is, and decides nothing."""
    return inert(text)


def money(amount: Decimal | None) -> Markdown:
    """USD to the cent, smaller amounts with two digits. None has no known price, and is not shown as free."""
    if amount is None:
        return "not priced"
    shown = rounded(amount)
    return f"${shown:f}" if shown and abs(shown) < Decimal("0.01") else f"${shown:,.2f}"


def rounded(amount: Decimal) -> Decimal:
    """An amount as `money` shows it: a sum or a difference of these adds up on the page."""
    return Decimal(f"{amount:.2g}" if abs(amount) < Decimal("0.01") else f"{amount:.2f}")


def money_of(cost: Decimal | None, unpriced: int) -> Markdown:
    """The cost of many calls: not known, and never 0, if none of them has a price."""
    return money(None if unpriced and not cost else cost)


def of_column(amounts: Iterable[float | None]) -> str:
    """The format of a grid's column of USD: to the cent where none is small, and no amount but 0 looks like 0."""
    smallest = min((abs(amount) for amount in amounts if amount), default=None)
    if smallest is None or smallest >= 0.1:
        return "$%.2f"
    return next((f"$%.{digits}f" for digits in (4, 6, 8) if smallest >= 10**-digits), "$%.10f")


UTC_ZONE = ZoneInfo("UTC")


def zone() -> ZoneInfo:
    """The reader's time zone, as the browser says; UTC where it says none that is known."""
    try:
        return ZoneInfo(st.context.timezone or UTC_ZONE.key)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC_ZONE


def time(moment: datetime, *, seconds: bool = False) -> Markdown:
    """Date and time for the reader; `exact` belongs beside it, where a pointer finds it."""
    at = moment.astimezone(zone())
    return f"{at:%Y-%m-%d %H:%M:%S}" if seconds else f"{at:%Y-%m-%d %H:%M}"


def clock(moment: datetime) -> Markdown:
    return f"{moment.astimezone(zone()):%H:%M}"


def date(moment: datetime) -> Markdown:
    return f"{moment.astimezone(zone()):%Y-%m-%d}"


def exact(moment: datetime | None) -> Markdown:
    """To the second, for the reader and in UTC: what logs, the API and others elsewhere name."""
    if moment is None:
        return "never"
    at, utc = moment.astimezone(zone()), moment.astimezone(UTC)
    name = plain(zone().key)
    if at.utcoffset() == utc.utcoffset():
        return f"{utc:%Y-%m-%d %H:%M:%S} UTC"
    other = f"{utc:%H:%M:%S}" if at.date() == utc.date() else f"{utc:%Y-%m-%d %H:%M:%S}"
    return f"{at:%Y-%m-%d %H:%M:%S} {name} ({other} UTC)"


def ago(moment: datetime | None, now: datetime) -> Markdown:
    if moment is None:
        return "never"
    seconds = max(0, int((now - moment).total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def lasted(begun: datetime, ended: datetime) -> Markdown:
    return span((ended - begun).total_seconds())


def span(seconds: float) -> Markdown:
    """A duration in its largest unit; from an hour on with the next smaller one."""
    seconds = max(0, int(seconds))
    days, hours, minutes = seconds // 86_400, seconds // 3_600 % 24, seconds // 60 % 60
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min" if minutes else f"{seconds} s"


def until(moment: datetime, now: datetime) -> Markdown:
    return f"in {lasted(now, moment)}" if moment >= now + timedelta(seconds=1) else "any moment now"


def count(number: int, noun: Markdown, plural: Markdown = "") -> Markdown:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {plural or f'{noun}s'}"


def utc_now() -> datetime:
    return shared_clock.now()


def size(bytes_: int) -> Markdown:
    return f"{bytes_ / 1_048_576:,.1f} MB" if bytes_ >= 1_048_576 else f"{max(bytes_ / 1024, 0.1):,.1f} KB"
