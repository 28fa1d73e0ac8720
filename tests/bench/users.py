"""The pages behind the real server, asked over its websocket as browsers ask: the CPU seconds that a run of each page
costs the server, beside a trivial page behind a server of the same kind, and how long 50 users wait.

By itself: python -m tests.bench.users [directory]; what is made in a directory is kept there and used again.
"""

import asyncio
import json
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

from core.asking import templates
from core.runtime import engines, migrate
from core.runtime.embedded_postgres import EmbeddedPostgres
from tests.bench import house
from tests.bench.measuring import by_hand, p50_p95_ms
from tests.journeys import page_run
from tests.journeys.conftest import ROOT, App, command, start_app

RUNS = 15
USERS, THINKING_S, ROUNDS = 50, 2.0, 6
# As app.py, with a page that says one word.
TRIVIAL = """
import streamlit as st
from core.boot import lifespan
app = st.App("trivial_page.py", lifespan=lifespan(
    lambda: "127.0.0.1", lambda: st.get_option("server.port"), lambda: ""))
"""


def measure(scratch: Path, *, keep: bool = False) -> dict[str, dict[str, Any]]:
    postgres = EmbeddedPostgres(scratch)
    url = postgres.start()
    try:
        opened = _house(url, scratch / "house.json" if keep else None)
        with _server(scratch, "trivial", url) as trivial:
            least = asyncio.run(_cost(trivial, "", {}))
        rows = {"trivial page": _row(least, least)}
        with _server(scratch, "cairn", url) as app:
            for name, (page, link) in opened.items():
                rows[name] = _row(asyncio.run(_cost(app, ADDRESSES.get(page, page), link)), least)
            rows[f"{USERS} users"] = asyncio.run(_crowd(app, opened))
        return rows
    finally:
        postgres.stop()


# Pages whose address is not their name.
ADDRESSES = {"overview": "", "health": "system"}


def _house(url: str, kept: Path | None) -> dict[str, tuple[str, Mapping[str, str]]]:
    engines.configure(url)
    try:
        migrate.upgrade()
        templates.sync_built_ins()
        if kept and kept.exists():
            return {name: (page, link) for name, (page, link) in json.loads(kept.read_text()).items()}
        made = house.make()
        if kept:
            kept.write_text(json.dumps(made))
        return made
    finally:
        engines.engine().dispose()


@contextmanager
def _server(scratch: Path, name: str, url: str) -> Iterator[App]:
    """It makes no work of its own: the jobs process is left out."""
    script = ROOT / "app.py"
    if name == "trivial":
        script = scratch / "trivial.py"
        script.write_text(TRIVIAL)
        (scratch / "trivial_page.py").write_text("import streamlit as st\nst.title('trivial')\n")

    def begin(arguments: list[str], env: dict[str, str], log: Path) -> Any:
        return command(["run", str(script), *arguments[2:]], env | {"PYTHONPATH": str(ROOT)}, log)

    app = start_app(scratch / name, begin, DATABASE_URL=url, EMBEDDED_JOBS="false")
    try:
        yield app
    finally:
        app.stop()


async def _run(server: ClientConnection, address: str, link: Mapping[str, str]) -> float:
    """Seconds from asking for a page until its run has ended."""
    asked = page_run.request(address, **link)
    begun = time.perf_counter()
    await server.send(asked)
    while not page_run.is_last(answer := ForwardMsg.FromString(await server.recv(decode=False))):
        pass
    assert answer.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
    return time.perf_counter() - begun


def _connected(app: App) -> connect:
    address = f"ws://127.0.0.1:{app.port}/_stcore/stream"
    return connect(address, subprotocols=["streamlit"], origin=app.url, max_size=None)  # type: ignore[arg-type,list-item]


async def _cost(app: App, address: str, link: Mapping[str, str]) -> tuple[float, list[float]]:
    """(CPU seconds of the server for a run, the seconds that each of RUNS took)."""
    server = psutil.Process(app.process.pid or 0)
    async with _connected(app) as connection:
        for _ in range(3):
            await _run(connection, address, link)
        begun = server.cpu_times()
        seconds = [await _run(connection, address, link) for _ in range(RUNS)]
        ended = server.cpu_times()
    return (ended.user + ended.system - begun.user - begun.system) / RUNS, seconds


async def _crowd(app: App, opened: Mapping[str, tuple[str, Mapping[str, str]]]) -> dict[str, Any]:
    """Users who read for a while, then open a page at random."""
    chance = random.Random(17)
    many = list(opened.values())

    async def user() -> list[float]:
        async with _connected(app) as connection:
            await _run(connection, "", {})
            seconds = []
            for _ in range(ROUNDS):
                await asyncio.sleep(chance.uniform(0.5, 1.5) * THINKING_S)
                page, link = chance.choice(many)
                seconds.append(await _run(connection, ADDRESSES.get(page, page), link))
            return seconds

    server = psutil.Process(app.process.pid or 0)
    begun, wall = server.cpu_times(), time.perf_counter()
    waits = [one for seconds in await asyncio.gather(*(user() for _ in range(USERS))) for one in seconds]
    cpu = server.cpu_times().user - begun.user
    p50, p95 = p50_p95_ms(waits)
    return {"p50_ms": p50, "p95_ms": p95, "runs": len(waits), "cores": round(cpu / (time.perf_counter() - wall), 2)}


def _row(cost: tuple[float, list[float]], least: tuple[float, list[float]]) -> dict[str, Any]:
    p50, p95 = p50_p95_ms(cost[1])
    return {
        "cpu_ms": round(cost[0] * 1000, 1),
        "p50_ms": p50,
        "p95_ms": p95,
        "times_trivial": round(cost[0] / least[0], 1),
        "times_trivial_wall": round(p50 / p50_p95_ms(least[1])[0], 1),
    }


if __name__ == "__main__":
    by_hand(measure)
