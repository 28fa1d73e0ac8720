"""Times: the reader's zone, with UTC beside it."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.common import formats

PAGE = """
import streamlit as st
from datetime import UTC, datetime
from pages.common import formats
at = datetime(2026, 7, 1, 22, 30, 5, tzinfo=UTC)
st.text(f"{formats.time(at)} | {formats.clock(at)} | {formats.date(at)}")
st.text(formats.exact(at))
"""


@pytest.mark.parametrize(
    ("zone", "shown", "exact"),
    [
        ("Europe/London", "2026-07-01 23:30 | 23:30 | 2026-07-01", "2026-07-01 23:30:05 Europe/London (22:30:05 UTC)"),
        (
            "Asia/Tokyo",
            "2026-07-02 07:30 | 07:30 | 2026-07-02",
            "2026-07-02 07:30:05 Asia/Tokyo (2026-07-01 22:30:05 UTC)",
        ),
        ("Africa/Abidjan", "2026-07-01 22:30 | 22:30 | 2026-07-01", "2026-07-01 22:30:05 UTC"),
        (None, "2026-07-01 22:30 | 22:30 | 2026-07-01", "2026-07-01 22:30:05 UTC"),
        ("No/Such", "2026-07-01 22:30 | 22:30 | 2026-07-01", "2026-07-01 22:30:05 UTC"),
        ("../etc", "2026-07-01 22:30 | 22:30 | 2026-07-01", "2026-07-01 22:30:05 UTC"),
    ],
)
def test_times_are_the_readers_and_exact_says_utc(zone: str | None, shown: str, exact: str) -> None:
    at = AppTest.from_string(PAGE)
    at.context["timezone"] = zone
    assert [text.value for text in at.run().text] == [shown, exact]


# Times of a chart's axis, and of days in the zone of the sums.
OWN_ZONES = {"common/formats.py", "common/charts.py", "costs/chart.py"}


def test_no_page_writes_a_clock_of_its_own() -> None:
    pages = Path(__file__).resolve().parents[3] / "pages"
    found = {str(path.relative_to(pages)) for path in pages.rglob("*.py") if "%H" in path.read_text(encoding="utf-8")}
    assert found == OWN_ZONES


@pytest.mark.parametrize(
    ("amounts", "shown"),
    [
        ([], "$%.2f"),
        ([0.0, None], "$%.2f"),
        ([0.0, None, 12.5], "$%.2f"),
        ([0.0, 0.012, 12.5], "$%.4f"),
        ([0.0001, 3.0], "$%.4f"),
        ([0.00003], "$%.6f"),
        ([2e-12], "$%.10f"),
    ],
)
def test_no_amount_in_a_grid_looks_like_nothing_spent(amounts: list[float | None], shown: str) -> None:
    assert formats.of_column(amounts) == shown
