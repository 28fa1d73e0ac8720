"""Two processes fold while records are written, and are killed in between: what is read is the sum of the records."""

import subprocess
import sys
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core.money import costs
from core.runtime import db
from tests.pages import made

pytestmark = [pytest.mark.kills, pytest.mark.usefixtures("database")]
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
KILLS, WRITES = 3, 16


def folding_process(url: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.processes.folding_process", url]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
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


def test_a_fold_that_is_killed_at_any_point_loses_and_doubles_nothing(database: str) -> None:
    with ExitStack() as stack:
        for round_ in range(KILLS):
            both = [stack.enter_context(folding_process(database)) for _ in range(2)]
            for process in both:
                stack.callback(process.kill)
            for number in range(WRITES):
                write(round_ * WRITES + number)
                compare()
            for process in both:
                process.kill()
            compare()
