"""Costs: what each query of the page takes beside a bare one, over 90 days and two years of usage records, and what the
sums take from keeping answers.

`python -m tests.bench.money 10000000` measures at ten million records, which takes some six minutes; `make bench` at
half a million.
"""

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from core.asking import templates
from core.health.counters import USAGE
from core.money import costs
from core.money.costs import Costs
from core.money.stretches import Stretch, before, last_days
from core.money.sums import Filters
from core.runtime import db, engines, migrate
from core.runtime.embedded_postgres import EmbeddedPostgres
from tests.bench import money_data, money_keeping
from tests.bench.measuring import p50_p95_ms, taken

RECORDS, RUNS = 500_000, 30
STRETCHES = {"90 days": 90, "two years": money_data.DAYS}
Query = Callable[[Costs, Stretch], object]
# Those that the Costs page makes at once.
PAGE: Mapping[str, Query] = {
    "total": lambda now, stretch: now.total(stretch),
    "total before": lambda now, stretch: now.total(before(stretch, now.zone)),
    "spend by model and day": lambda now, stretch: now.series("spend", "model", _step(stretch), stretch),
    "table by model": lambda now, stretch: now.table(["model"], stretch, limit=50),
    "table by job": lambda now, stretch: now.table(["job"], stretch, limit=50),
    "new insights": lambda now, stretch: now.new_insights(stretch),
}
OTHERS: Mapping[str, Query] = {
    "tokens by kind and day": lambda now, stretch: now.series("tokens", "kind", _step(stretch), stretch),
    "spend by job and day": lambda now, stretch: now.series("spend", "job", _step(stretch), stretch),
    "table by person": lambda now, stretch: now.table(["user"], stretch, limit=50),
    "table by collection": lambda now, stretch: now.table(["collection"], stretch, limit=50),
    "by day and model": lambda now, stretch: now.table(["day", "model"], stretch),
    "jobs of a person": lambda now, stretch: now.table(["job"], stretch, Filters(user=("person_3",)), limit=50),
}


def measure(scratch: Path, records: int = RECORDS) -> dict[str, dict[str, Any]]:
    postgres = EmbeddedPostgres(scratch)
    url = postgres.start()
    try:
        engines.configure(url)
        migrate.upgrade()
        templates.sync_built_ins()
        keeping = money_keeping.measure(scratch)
        with taken() as making:
            money_data.make(records)
        with taken() as summing:
            money_data.sum_up("Europe/Berlin")
        made = {"records": records, "made_s": round(making.wall_s), "summed_s": round(summing.wall_s, 1), **_sizes()}
        return {**keeping, "data": made, **_queries(), "metrics": _metrics()}
    finally:
        engines.engine().dispose()
        postgres.stop()
        shutil.rmtree(scratch, ignore_errors=True)


def _step(stretch: Stretch) -> Any:
    """As the page has it: about as many bars as there is room for."""
    assert stretch.start is not None
    assert stretch.stop is not None
    return "day" if (stretch.stop - stretch.start).days <= 100 else "month"


def _sizes() -> dict[str, Any]:
    with db.transaction() as session:
        found = db.row(session, SIZES)
    assert found is not None
    return dict(found._mapping)


SIZES = """
SELECT (SELECT count(*) FROM usage_sum) AS sums, pg_total_relation_size('usage_sum') / 1000000 AS sums_mb,
  pg_total_relation_size('usage_record') / 1000000 AS records_mb
"""


def _queries() -> dict[str, dict[str, Any]]:
    figures = {}
    for name, days in STRETCHES.items():
        with costs.reading() as now:
            stretch = last_days(days, now.as_of, now.zone)
            found = {"a bare query": _row(_times(partial(db.scalar, now.session, "SELECT 1")))}
            for query, ask in {**PAGE, **OTHERS}.items():
                found[query] = _row(_times(partial(ask, now, stretch)))
            found["all of the page"] = _row(_times(partial(_page, now, stretch)))
            if days < money_data.DAYS:
                seconds = _times(partial(db.rows, now.session, FROM_RECORDS, start=stretch.start), 3)
                found["by day and model, from records"] = {"ms": round(min(seconds) * 1000)}
        figures |= {f"{name}: {query}": row for query, row in found.items()}
    return figures


def _page(now: Costs, stretch: Stretch) -> None:
    for ask in PAGE.values():
        ask(now, stretch)


# As it was before there were sums.
FROM_RECORDS = """
SELECT (time AT TIME ZONE 'UTC')::date AS day, provider, model, count(*), sum(input_tokens), sum(output_tokens),
  sum(cost_usd) FROM usage_record WHERE workspace_id = :workspace AND time >= :start GROUP BY 1, 2, 3
"""


def _metrics() -> dict[str, Any]:
    with db.transaction() as session:
        return _row(_times(partial(db.rows, session, USAGE)))


def _times(ask: Callable[[], object], runs: int = RUNS) -> list[float]:
    ask()
    seconds = []
    for _ in range(runs):
        begun = time.perf_counter()
        ask()
        seconds.append(time.perf_counter() - begun)
    return seconds


def _row(seconds: list[float]) -> dict[str, Any]:
    p50, p95 = p50_p95_ms(seconds)
    return {"p50_ms": p50, "p95_ms": p95, "least_ms": round(min(seconds) * 1000, 1)}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        print(json.dumps(measure(Path(place) / "money", int(sys.argv[1]) if sys.argv[1:] else RECORDS), indent=1))
