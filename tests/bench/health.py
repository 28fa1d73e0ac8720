"""How long probes and Prometheus wait: one request after another on one connection, and while fifty people work, in
sessions that go from page to page every two seconds."""

import asyncio
import itertools
import shutil
import statistics
import time
from pathlib import Path
from typing import Any

import aiohttp
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.journeys import page_run
from tests.journeys.conftest import start_app

USERS = 50
THINKS_S = 2.0
SECONDS = 30
PAGES = ("", "documents", "jobs", "insights", "costs", "analyse", "system")
IN_A_ROW = 200
PROBES = {"/health": 0.1, "/health/db": 0.1, "/metrics": 5.0}


def measure(scratch: Path) -> dict[str, dict[str, Any]]:
    data = scratch / "health"
    app = start_app(data)
    try:
        return asyncio.run(_measure(app.url))
    finally:
        app.stop()
        shutil.rmtree(data, ignore_errors=True)


async def _measure(url: str) -> dict[str, dict[str, Any]]:
    taken: dict[str, list[float]] = {path: [] for path in (*PROBES, "page")}
    async with aiohttp.ClientSession() as client:
        kept_alive = [await _asked(client, url, "/health") for _ in range(IN_A_ROW)]
        idle = {path: taken[path][:] for path in PROBES}
        await _during(5, [_probe(client, url, path, every, idle[path]) for path, every in PROBES.items()])
        users = [_user(client, url, number, taken["page"]) for number in range(USERS)]
        probes = [_probe(client, url, path, every, taken[path]) for path, every in PROBES.items()]
        await _during(SECONDS, [*users, *probes])
    rows = {"/health, one after another": _row(kept_alive)}
    rows |= {f"{path}, nobody there": _row(seconds) for path, seconds in idle.items()}
    rows |= {f"{path}, {USERS} users": _row(seconds) for path, seconds in taken.items()}
    return rows


async def _during(seconds: float, what: list[Any]) -> None:
    tasks = [asyncio.create_task(one) for one in what]
    done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


async def _probe(client: aiohttp.ClientSession, url: str, path: str, every: float, taken: list[float]) -> None:
    while True:
        taken.append(await _asked(client, url, path))
        await asyncio.sleep(every)


async def _asked(client: aiohttp.ClientSession, url: str, path: str) -> float:
    """Seconds until the whole answer was there; the client keeps its connection."""
    begun = time.perf_counter()
    async with client.get(url + path) as answer:
        await answer.read()
        assert answer.status == 200
    return time.perf_counter() - begun


async def _user(client: aiohttp.ClientSession, url: str, number: int, taken: list[float]) -> None:
    await asyncio.sleep(number * THINKS_S / USERS)
    async with client.ws_connect(f"{url}/_stcore/stream", protocols=("streamlit",), max_msg_size=0) as stream:
        for page in itertools.cycle(PAGES[number % len(PAGES) :] + PAGES[: number % len(PAGES)]):
            begun = time.perf_counter()
            await stream.send_bytes(page_run.request(page))
            await _until_finished(stream)
            taken.append(time.perf_counter() - begun)
            await asyncio.sleep(THINKS_S)


async def _until_finished(stream: aiohttp.ClientWebSocketResponse) -> None:
    while True:
        received = await stream.receive()
        assert received.type == aiohttp.WSMsgType.BINARY, received
        if page_run.is_last(ForwardMsg.FromString(received.data)):
            return


def _row(seconds: list[float]) -> dict[str, Any]:
    cuts = statistics.quantiles(seconds, n=100) if len(seconds) > 1 else seconds * 99
    return {
        "times": len(seconds),
        "p50_ms": round(statistics.median(seconds) * 1000, 1),
        "p99_ms": round(cuts[98] * 1000, 1),
        "most_ms": round(max(seconds) * 1000, 1),
    }
