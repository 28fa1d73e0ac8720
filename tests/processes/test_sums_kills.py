"""Two processes fold while records are written, and are killed in between: what is read is the sum of the records."""

import os
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from core.money import costs
from core.runtime import db
from tests.pages import made
from tests.processes.running import Process, until

pytestmark = [pytest.mark.kills, pytest.mark.usefixtures("database")]
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
KILLS, WRITES = 3, 12


def folding_process(url: str, log: Path) -> Process:
    log.touch()
    process = Process("tests.processes.folding_process", [url], os.environ, log)
    until(lambda: log.read_text() == "ready\n", log.read_text)
    return process


def write(number: int) -> None:
    at = BEGIN + timedelta(hours=number)
    made.usage(f"job_{number % 3}", time=at, cost_usd=Decimal(number) / 8, input_tokens=number)
    with db.transaction() as session:
        db.execute(session, "UPDATE usage_record SET status = 'unusable', cost_usd = cost_usd + 1 WHERE id % 5 = 0")
        db.execute(session, "DELETE FROM usage_record WHERE input_tokens = :number", number=number - 7)


def compare() -> None:
    """In one snapshot, by the days of the zone that counts in it."""
    with costs.reading() as now:
        by_day = {row.keys: (row.sums.calls, row.sums.cost_usd) for row in now.table(["day", "status"]).rows}
        found = db.rows(now.session, RECORDS)
        assert by_day == {(row.day, row.status): (row.calls, row.cost) for row in found}


RECORDS = """
SELECT to_char(time AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, status, count(*) AS calls, sum(cost_usd) AS cost
FROM usage_record WHERE workspace_id = :workspace GROUP BY 1, 2
"""


def test_a_fold_that_is_killed_at_any_point_loses_and_doubles_nothing(database: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        for round_ in range(KILLS):
            both = []
            for which in range(2):
                both.append(folding_process(database, tmp_path / f"{round_}-{which}.log"))
                stack.callback(both[-1].kill)
            for number in range(WRITES):
                write(round_ * WRITES + number)
                compare()
            for process in both:
                process.kill()
            compare()
