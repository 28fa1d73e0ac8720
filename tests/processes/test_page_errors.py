"""A page that breaks in a real web process: what its user is shown leads to the cause in the log, which is all JSON."""

import json
import re
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.journeys import page_run
from tests.journeys.conftest import data_dir, start_app

pytestmark = pytest.mark.kills
__all__ = ["data_dir"]
# What Streamlit prints when it starts, on stdout.
# Streamlit's own lines; the last is of a process that is forked, in which options were read before.
BANNER = re.compile(
    r"\s*(You can now view your Streamlit app in your browser\.|URL: \S+"
    r"|\S+ \S+ An update to the \[server\] config option section was detected\..*)?\s*"
)
REFERENCE = re.compile(r"Reference: ([0-9a-f]{12})")


def break_table(data: Path) -> None:
    url = f"postgresql://postgres@/cairn?host={data / 'postgres'}&port=5432"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER TABLE job RENAME COLUMN name TO title")


def parsed(log: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.splitlines() if not BANNER.fullmatch(line)]


def test_the_reference_that_a_page_shows_is_on_the_traceback_in_the_log(data_dir: Path) -> None:
    app = start_app(data_dir, ENVIRONMENT="production", SECRET_KEY="w" * 40, EMBEDDED_JOBS="false")
    try:
        break_table(data_dir)
        text = page_run.shown(app.url, "jobs").text
    finally:
        app.stop()
    assert "Something went wrong that Cairn did not expect" in text
    assert "UndefinedColumn" not in text
    (reference,) = REFERENCE.findall(text)
    lines = [line for line in parsed(app.log.read_text()) if line.get("correlation_id") == reference]
    assert {line["event"] for line in lines} == {"Uncaught app execution", "page failed"}
    (cause,) = [line["exception"] for line in lines if "exception" in line]
    assert "UndefinedColumn" in cause
