"""What a day is, and which days stand before others, also where clocks are changed."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from core.errors import InvalidInput
from core.money.stretches import Stretch, before, last_days, midnight, moment, month, number_of_days, split, whole_days

BERLIN = ZoneInfo("Europe/Berlin")
# Monday after the night in which clocks were set back by an hour.
NOW = datetime(2026, 10, 26, 9, 30, tzinfo=UTC)


def test_days_last_until_now_and_are_set_against_as_many_cut_at_the_same_time_of_day() -> None:
    days = last_days(7, NOW, BERLIN)
    assert (days.start, days.stop) == (datetime(2026, 10, 19, 22, tzinfo=UTC), NOW)
    assert number_of_days(days, BERLIN) == 7
    # 10:30 in Berlin on both days; a week ago that was an hour earlier in UTC.
    assert before(days, BERLIN) == Stretch(
        datetime(2026, 10, 12, 22, tzinfo=UTC), datetime(2026, 10, 19, 8, 30, tzinfo=UTC), "reporting"
    )


def test_months_and_whole_days_end_where_they_end_or_now() -> None:
    assert month(date(2026, 10, 26), NOW, BERLIN).stop == NOW
    september = month(date(2026, 9, 5), NOW, BERLIN)
    assert (september.start, september.stop) == (
        midnight(date(2026, 9, 1), BERLIN),
        midnight(date(2026, 10, 1), BERLIN),
    )
    assert before(september, BERLIN).start == midnight(date(2026, 8, 2), BERLIN)
    # The day with 25 hours.
    day = whole_days(date(2026, 10, 25), date(2026, 10, 25), NOW, BERLIN)
    assert (day.start, day.stop) == (datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC))
    assert number_of_days(day, BERLIN) == 1


@pytest.mark.parametrize(
    ("start", "stop", "first", "last", "parts"),
    [
        ("2026-10-24T22:00Z", "2026-10-25T23:00Z", "2026-10-25", "2026-10-26", []),
        ("2026-10-24T21:59Z", "2026-10-25T23:01Z", "2026-10-25", "2026-10-26", [(-1, 0), (0, 1)]),
        ("2026-10-25T01:00Z", "2026-10-25T02:00Z", "2026-10-26", "2026-10-26", [(0, 60)]),
        ("2026-10-25T01:00Z", "2026-10-26T02:00Z", "2026-10-26", "2026-10-26", [(0, 22 * 60), (0, 180)]),
    ],
)
def test_a_stretch_is_whole_days_and_parts_of_days(
    start: str, stop: str, first: str, last: str, parts: list[tuple[int, int]]
) -> None:
    found = split(Stretch(datetime.fromisoformat(start), datetime.fromisoformat(stop)), BERLIN)
    assert (found.first, found.last) == (date.fromisoformat(first), date.fromisoformat(last))
    minutes = [end - begin for begin, end in parts]
    assert [(end - begin) / timedelta(minutes=1) for begin, end in found.parts] == minutes


def test_an_open_stretch_is_all_days() -> None:
    assert (split(Stretch(), BERLIN).first, split(Stretch(), BERLIN).last) == (date.min, date.max)


def test_a_day_begins_with_its_zone_and_a_time_needs_its_offset() -> None:
    assert moment("2026-10-26", BERLIN) == datetime(2026, 10, 25, 23, tzinfo=UTC)
    assert moment("2026-10-26T10:00:00+01:00", BERLIN) == datetime(2026, 10, 26, 9, tzinfo=UTC)
    for given in ("2026-10-26T10:00:00", "2026-13-01", "", "now", "0001-01-01"):
        with pytest.raises(InvalidInput):
            moment(given, BERLIN)
