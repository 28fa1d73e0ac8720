"""A figure is the sum of its records: whatever is written, changed, deleted, folded or killed, in either zone."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from core.money import costs, folding
from core.money.costs import Costs
from core.money.stretches import Stretch
from core.money.sums import DIMENSIONS, FIRST, LAST, MEASURES, By, Filters
from core.runtime import db, workspace
from tests import databases, emptying
from tests.pages import made
from tests.pipeline import change, rows

pytestmark = pytest.mark.usefixtures("database")
# Around the night in which clocks in Berlin are set back: its day has 25 hours.
NIGHT = datetime(2026, 10, 24, 20, tzinfo=UTC)
ZONES = ("UTC", "Europe/Berlin", "Asia/Kathmandu")
MOMENTS = st.integers(0, 60 * 60).map(lambda minutes: NIGHT + timedelta(minutes=minutes))
MONEY = st.one_of(st.none(), st.decimals(0, 3, places=12))
RECORD = st.fixed_dictionaries(
    {
        "time": MOMENTS,
        "job_id": st.sampled_from((None, "job_1", "job_2")),
        "template_id": st.sampled_from((None, "qa")),
        "user": st.sampled_from(("", "ann")),
        "collection": st.sampled_from((None, "a", "b, (c)")),
        "model": st.sampled_from(("m", "m2", "x" * 5000)),
        "lane": st.sampled_from(("live", "batch")),
        "tier": st.sampled_from(("standard", "batch")),
        "status": st.sampled_from(("ok", "unusable", "unheard")),
        "input_tokens": st.integers(0, 10**12),
        "cached_input_tokens": st.integers(0, 5),
        "cache_write_tokens": st.integers(0, 5),
        "output_tokens": st.integers(0, 9),
        "reasoning_tokens": st.integers(0, 3),
        "cost_usd": MONEY,
        "list_usd": MONEY,
        "saved_usd": MONEY,
        "priced": st.booleans(),
        "reused": st.booleans(),
    }
)
STEPS = st.one_of(
    st.tuples(st.just("insert"), st.lists(RECORD, min_size=1, max_size=4)),
    st.tuples(
        st.just("update"), st.sampled_from(("status = 'unusable'", "cost_usd = 1.25, priced = true", "lane = 'live'"))
    ),
    st.tuples(st.just("move"), MOMENTS),
    st.tuples(st.just("delete"), st.integers(0, 2)),
    st.tuples(st.just("fold")),
    st.tuples(st.just("zone"), st.sampled_from(ZONES)),
    st.tuples(st.just("kill"), st.sampled_from((folding.FOLD, "DELETE FROM usage_record", "NEXT"))),
)


def take(step: tuple[Any, ...], url: str) -> None:
    match step:
        case "insert", records:
            for record in records:
                made.usage(**{"job_id": None, **record})
        case "update", what:
            change(f"UPDATE usage_record SET {what} WHERE id % 2 = 0")
        case "move", at:
            change("UPDATE usage_record SET time = :at WHERE id % 3 = 0", at=at)
        case "delete", rest:
            change("DELETE FROM usage_record WHERE id % 3 = :rest", rest=rest)
        case ("fold",):
            folding.keep_up(zone())
        case "zone", name:
            folding.keep_up(name)
        case "kill", statement:
            killed(url, folding.NEXT_EDITION.replace(":zone", "'Asia/Tokyo'") if statement == "NEXT" else statement)


def zone() -> str:
    return str(rows("SELECT zone FROM sums_edition")[0]["zone"])


def killed(url: str, statement: str) -> None:
    """A process that dies between a statement and its commit."""
    with (
        psycopg.connect(databases.owners(url)) as dying,
        psycopg.connect(databases.owners(url), autocommit=True) as other,
    ):
        dying.execute(statement)
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (dying.info.backend_pid,))
        dying.close()


def summed(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """By Python, from the records alone."""
    called = [one for one in records if not one["reused"]]
    listed = [one for one in records if one["list_usd"] is not None]
    money = {
        name: sum((one[name] or 0 for one in records), Decimal(0)) for name in ("cost_usd", "list_usd", "saved_usd")
    }
    tokens = {name: sum(one[name] for one in records) for name in MEASURES if name.endswith("_tokens")}
    by_batch = sum((one["list_usd"] - (one["cost_usd"] or 0) for one in listed if one["tier"] == "batch"), Decimal(0))
    return {
        **money,
        **tokens,
        "calls": len(called),
        "reused": len(records) - len(called),
        "unpriced": sum(not one["priced"] for one in records),
        "unheard": sum(one["status"] == "unheard" for one in called),
        "unusable": sum(one["status"] == "unusable" for one in called),
        "web_searches": 0,
        "listed": len(listed),
        "saved_by_batch_usd": by_batch,
    }


def key(record: dict[str, Any], by: By, of: ZoneInfo) -> str | None:
    if by in ("day", "month"):
        return record["time"].astimezone(of).date().isoformat()[: 10 if by == "day" else 7]
    return record[DIMENSIONS[by].strip('"')] or None


def compare(now: Costs, by: Sequence[By], stretch: Stretch, filters: Filters) -> None:
    of = now.zone if stretch.days == "reporting" else ZoneInfo("UTC")
    records = [
        dict(row._mapping)
        for row in db.rows(now.session, "SELECT * FROM usage_record WHERE workspace_id = :workspace ORDER BY id")
        if (stretch.start or FIRST) <= row.time < (stretch.stop or LAST)
        and all((row._mapping[DIMENSIONS[name].strip('"')] or "") in given for name, given in filters.given().items())
    ]
    table = now.table(by, stretch, filters)
    assert vars(table.total) == summed(records)
    expected: dict[tuple[str | None, ...], list[dict[str, Any]]] = {}
    for record in records:
        expected.setdefault(tuple(key(record, one, of) for one in by), []).append(record)
    assert {row.keys: vars(row.sums) for row in table.rows} == {keys: summed(of) for keys, of in expected.items()}
    assert vars(now.total(stretch, filters)) == summed(records)


STRETCHES = st.builds(
    lambda first, second, days: (
        Stretch(min(first, second), max(first, second), days) if first and second else Stretch(first, second, days)
    ),
    st.one_of(st.none(), MOMENTS),
    st.one_of(st.none(), MOMENTS),
    st.sampled_from(("utc", "reporting")),
)


@settings(max_examples=25, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(STEPS, min_size=1, max_size=10),
    st.lists(st.sampled_from(("day", "month", *DIMENSIONS)), min_size=1, max_size=2, unique=True),
    STRETCHES,
    st.sampled_from((Filters(), Filters(job=("", "job_1"), lane=("live",)), Filters(collection=("b, (c)",)))),
)
def test_a_figure_is_the_sum_of_its_records(
    database: str, steps: list[tuple[Any, ...]], by: list[By], stretch: Stretch, filters: Filters
) -> None:
    emptying.empty(database)
    take(("insert", [{"time": NIGHT + timedelta(hours=4), "cost_usd": Decimal("0.1")}]), database)
    with workspace.bound("ws_other"):
        made.usage("job_1", time=NIGHT)
    for step in steps:
        take(step, database)
        with costs.reading() as now:
            compare(now, by, stretch, filters)
    with costs.reading() as now:
        for days in ("utc", "reporting"):
            compare(now, ["day", "model"], Stretch(days=days), Filters())
