"""How often a piece of work has waited for the database: what the driver says it has sent."""

import re
from collections.abc import Callable
from pathlib import Path

import psycopg

from core.runtime import engines

# After each of these the driver waits for an answer.
ENDS_A_MESSAGE = re.compile(r"^F\t\d+\t(Sync|Query)\b", re.MULTILINE)
IS_ASKED = re.compile(r"^F\t\d+\tBind\b", re.MULTILINE)


def count(work: Callable[[], object], scratch: Path, what: re.Pattern[str] = ENDS_A_MESSAGE) -> int:
    """Of work that needs one connection at a time, which is the one that the pool gives out."""
    log = scratch / "sent"
    with log.open("w") as file:
        _trace(lambda driver: (driver.pgconn.trace(file.fileno()), driver.pgconn.set_trace_flags(FLAGS)))
        work()
        _trace(lambda driver: driver.pgconn.untrace())
    return len(what.findall(log.read_text()))


FLAGS = psycopg.pq.Trace.SUPPRESS_TIMESTAMPS


def _trace(act: Callable[[psycopg.Connection], object]) -> None:
    with engines.engine().connect() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        act(driver)
