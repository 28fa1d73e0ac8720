"""Times: the reader's zone, with UTC beside it."""

import pytest
from streamlit.testing.v1 import AppTest

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
