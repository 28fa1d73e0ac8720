"""Charts and figures of costs, and what becomes of sums at their edges: another zone, two folds at once, TRUNCATE."""

import threading
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest

from core.errors import InvalidInput
from core.money import costs, folding
from core.money.series import LARGEST
from core.money.stretches import Stretch
from core.money.sums import Filters
from core.runtime import db
from core.settings import reporting_zone
from tests import databases
from tests.pages import made
from tests.pipeline import add_document, make_job, rows, run_job

pytestmark = pytest.mark.usefixtures("database")
# A Monday, which is the first of its week, 8 days before the end of its month.
DAY = datetime(2026, 3, 23, tzinfo=UTC)
TWO_WEEKS = Stretch(DAY, DAY + timedelta(days=14))


def test_the_largest_are_bands_and_the_others_one_more() -> None:
    for number in range(LARGEST + 2):
        made.usage(None, model=f"m{number}", cost_usd=Decimal(number), time=DAY + timedelta(days=number))
    made.usage(None, model="m9", cost_usd=Decimal(5), time=DAY)
    with costs.reading() as now:
        found = now.series("spend", "model", "day", TWO_WEEKS)
        weeks = now.series("calls", "provider", "week", TWO_WEEKS)
        months = now.series("spend", "job", "month", TWO_WEEKS)
    assert [(band.key, band.others) for band in found.bands] == [
        *((f"m{number}", False) for number in (9, 8, 7, 6, 5, 4, 3, 2)),
        (None, True),
    ]
    assert found.starts == tuple((DAY + timedelta(days=number)).date() for number in range(14))
    assert found.bands[0].values == (Decimal(5), *[0] * 8, Decimal(9), *[0] * 4)
    assert sum(found.bands[-1].values) == 1
    assert (weeks.starts, weeks.bands[0].values) == ((date(2026, 3, 23), date(2026, 3, 30)), (8, 3))
    # Of no job, and yet no others.
    assert [(band.key, band.others, band.values) for band in months.bands] == [(None, False, (41, 9))]
    assert months.starts == (date(2026, 3, 1), date(2026, 4, 1))


def test_hours_are_those_of_their_zone_and_of_few_days() -> None:
    folding.keep_up("Asia/Kathmandu")  # 5:45 ahead
    made.usage(None, cost_usd=Decimal(1), time=DAY + timedelta(minutes=14))
    made.usage(None, cost_usd=Decimal(2), time=DAY + timedelta(minutes=16))
    with costs.reading() as now:
        stretch = Stretch(DAY, DAY + timedelta(hours=2), "reporting")
        found = now.series("spend", "model", "hour", stretch, Filters(model=("gpt-5.6-luna",)))
        assert [start.strftime("%H:%M") for start in found.starts] == ["23:15", "00:15", "01:15"]
        assert found.bands[0].values == (1, 2, 0)
        with pytest.raises(InvalidInput):
            now.series("spend", "model", "hour", TWO_WEEKS)


def test_tokens_by_kind_are_all_tokens() -> None:
    counts = {"input_tokens": 100, "cached_input_tokens": 30, "cache_write_tokens": 20, "output_tokens": 50}
    made.usage(None, **counts, reasoning_tokens=40, time=DAY)
    with costs.reading() as now:
        found = now.series("tokens", "kind", "day", TWO_WEEKS)
        (all_of_them,) = now.series("tokens", "model", "day", TWO_WEEKS).bands
    assert {band.key: band.values[0] for band in found.bands} == {
        **{"uncached": 50, "cached": 30, "written": 20, "output": 10, "reasoning": 40}
    }
    assert all_of_them.values[0] == 150


def test_new_insights_are_those_of_the_calls_that_are_asked_for() -> None:
    run_job(job := make_job([add_document()], "key_points", params={"count": 2}))
    now_ = datetime.now(UTC)
    today = Stretch(now_ - timedelta(hours=1), now_ + timedelta(hours=1))
    with costs.reading() as now:
        assert now.new_insights(today) == now.new_insights(today, Filters(job=(job,))) == 2
        assert now.new_insights(today, Filters(lane=("batch",))) == now.new_insights(Stretch(stop=today.start)) == 0
        assert now.labels("job", [job, None, "gone"]) == {job: rows("SELECT name FROM job")[0]["name"]}


def test_two_that_fold_at_once_count_nothing_twice(database: str) -> None:
    for _ in range(20):
        made.usage("job_1", cost_usd=Decimal("0.5"), time=DAY)
    threads = [threading.Thread(target=folding.keep_up, args=("UTC",)) for _ in range(4)]
    # Without the lock that keeps them apart, as if it were lost.
    with psycopg.connect(databases.owners(database), autocommit=True) as other:
        for thread in threads:
            thread.start()
        other.execute(folding.FOLD)
        for thread in threads:
            thread.join()
    assert rows("SELECT sum(calls)::int AS calls, sum(cost_usd)::float8 AS cost FROM usage_sum") == [
        {"calls": 20, "cost": 10.0}
    ]
    assert rows("SELECT 1 FROM usage_delta") == []


def test_a_statement_of_many_records_is_one_delta() -> None:
    with db.transaction() as session:
        db.execute(
            session,
            """INSERT INTO usage_record (workspace_id, time, job_id, provider, model, lane, priced, status, cost_usd)
               SELECT 'ws_default', :at, 'job_1', 'openai', 'm', 'batch', true, 'ok', 0.1
               FROM generate_series(1, 500)""",
            at=DAY,
        )
        db.execute(session, "UPDATE usage_record SET latency_ms = 3")
    assert rows("SELECT calls, cost_usd::float8 AS cost FROM usage_delta") == [{"calls": 500, "cost": 50.0}]


def test_all_that_is_read_at_once_is_of_one_moment() -> None:
    made.usage("job_1", time=DAY)
    with costs.reading() as now:
        before = now.table(["day"], Stretch(days="reporting")), now.zone
        made_beside = threading.Thread(target=lambda: (made.usage("job_2"), folding.keep_up("Asia/Tokyo")))
        made_beside.start()
        made_beside.join()
        assert (now.table(["day"], Stretch(days="reporting")), now.zone) == before
        assert now.total().calls == 1
    with costs.reading() as now:
        assert (now.total().calls, now.zone.key) == (2, "Asia/Tokyo")


def test_only_one_edition_of_the_sums_counts() -> None:
    made.usage("job_1", time=DAY)
    folding.keep_up("UTC")
    with db.transaction() as session:
        db.execute(session, "CREATE TEMP TABLE other AS SELECT * FROM usage_sum")
        db.execute(session, "UPDATE other SET edition = 7")
        db.execute(session, "INSERT INTO usage_sum SELECT * FROM other")
        db.execute(session, "DROP TABLE other")
    with costs.reading() as now:
        assert [now.total(Stretch(days=days)).calls for days in ("utc", "reporting")] == [1, 1]


def test_records_that_are_emptied_leave_no_sums() -> None:
    made.usage("job_1", time=DAY)
    folding.keep_up("UTC")
    made.usage("job_1", time=DAY)
    with databases.as_owner() as connection:
        connection.execute("TRUNCATE usage_record")
    assert rows("SELECT 1 FROM usage_sum UNION ALL SELECT 1 FROM usage_delta") == []


def test_a_zone_is_set_undone_and_checked() -> None:
    assert reporting_zone.name() == ("UTC", "default")
    reporting_zone.change("Europe/Berlin")
    assert reporting_zone.name() == ("Europe/Berlin", "here")
    made.usage("job_1", time=DAY - timedelta(minutes=30))
    folding.keep_up("Europe/Berlin")
    with costs.reading() as now:
        assert now.zone.key == "Europe/Berlin"
        assert now.table(["day"], Stretch(days="reporting")).rows[0].keys == ("2026-03-23",)
    # The sums of before are gone with their edition.
    assert rows("SELECT DISTINCT edition FROM usage_sum") == [{"edition": 1}]
    folding.keep_up("Nowhere/Land")
    assert rows("SELECT zone FROM sums_edition") == [{"zone": "Europe/Berlin"}]
    for zone in ("Nowhere/Land", "../etc", ""):
        with pytest.raises(InvalidInput):
            reporting_zone.change(zone)
    reporting_zone.change(None)
    assert reporting_zone.name() == ("UTC", "default")
