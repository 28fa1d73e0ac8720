"""A page that breaks in a real web process: what its user is shown leads to the cause in the log, which is all JSON."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.journeys.conftest import App, data_dir, start_app
from tests.pipeline import PATIENCE_S

pytestmark = pytest.mark.kills
__all__ = ["data_dir"]
# What Streamlit prints when it starts, on stdout.
# Streamlit's own lines; the last is of a process that is forked, in which options were read before.
BANNER = re.compile(
    r"\s*(You can now view your Streamlit app in your browser\.|URL: \S+"
    r"|\S+ \S+ An update to the \[server\] config option section was detected\..*)?\s*"
)
REFERENCE = re.compile(r"Reference: ([0-9a-f]{12})")


def shown(app: App, page: str) -> str:
    """All that a browser is sent for one run of a page."""

    async def run() -> str:
        asked = BackMsg()
        asked.rerun_script.page_name = page
        told = ""
        async with (
            aiohttp.ClientSession() as client,
            client.ws_connect(f"{app.url}/_stcore/stream", protocols=("streamlit",), max_msg_size=0) as stream,
        ):
            await stream.send_bytes(asked.SerializeToString())
            while True:
                message = ForwardMsg.FromString(await stream.receive_bytes(timeout=PATIENCE_S))
                told += str(message)
                if message.WhichOneof("type") == "script_finished":
                    return told

    return asyncio.run(run())


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
        text = shown(app, "jobs")
    finally:
        app.stop()
    assert "Something went wrong that Cairn did not expect" in text
    assert "UndefinedColumn" not in text
    (reference,) = REFERENCE.findall(text)
    lines = [line for line in parsed(app.log.read_text()) if line.get("correlation_id") == reference]
    assert {line["event"] for line in lines} == {"Uncaught app execution", "page failed"}
    (cause,) = [line["exception"] for line in lines if "exception" in line]
    assert "UndefinedColumn" in cause
