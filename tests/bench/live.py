"""2,000 live calls at concurrency 64 against a 50 ms server: the live lane, everything stored, against a bare loop of
AsyncOpenAI that stores nothing. In turn, three times; medians."""

import asyncio
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from core import presets
from core.asking import templates
from core.calls import ask, clients, resilience
from core.environment import get_settings
from core.live import lane as live_lane
from core.providers import rate_limit_headers
from core.requests import expansion
from core.runtime import db, engines, migrate, worker_lease
from core.runtime.embedded_postgres import EmbeddedPostgres
from core.runtime.logs import configure_logs
from core.settings import store
from tests.bench.measuring import peak_mb, taken
from tests.pipeline import keep_now, make_job, rows

T = TypeVar("T")
CALLS, CONCURRENCY, ROUNDS = 2000, 64, 3


def measure(scratch: Path) -> dict[str, dict[str, Any]]:
    postgres = EmbeddedPostgres(scratch)
    try:
        engines.configure(postgres.start())
        with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stderr(nowhere):
            # As a jobs process in production logs.
            configure_logs(get_settings().model_copy(update={"environment": "production"}))
            migrate.upgrade()
            templates.sync_built_ins()
            figures = {"added to one call": _added(), "settings": _settings()}
            with serving(0.05):
                bare, ours = [], []
                for number in range(ROUNDS):
                    bare.append(_bare())
                    ours.append(_ours(number))
            return _figures(bare, ours) | figures
    finally:
        postgres.stop()


@contextlib.contextmanager
def serving(seconds: float) -> Iterator[None]:
    """A provider in a process of its own that answers after so long, set up as openai."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-m", "tests.bench.slow_server", str(port), str(seconds)])
    try:
        os.environ |= {"OPENAI_API_KEY": "bench", "OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1"}
        get_settings.cache_clear()
        _wait_for(port)
        yield
    finally:
        server.kill()
        server.wait()


def _added() -> dict[str, Any]:
    """What retry, breaker, limiter and records add to the bare call of the SDK, medians of calls one after the other:
    asking against calling, and a call's part of claims and of commits of 64."""
    with serving(0):
        job = make_job(_documents("added", 10 * CONCURRENCY), "summarize", provider="openai", model="gpt-4o-mini")
        expansion.expand_job(job)
        worker = worker_lease.register("bench")
        with db.transaction() as session:
            # Known, or only few of the first would go out at once.
            known = (
                "INSERT INTO rate_limit (provider, model, kind, known) VALUES ('openai', 'gpt-4o-mini', :kind, true)"
            )
            for kind in rate_limit_headers.KINDS:
                db.execute(session, known, kind=kind)
        claiming, calling, asking, keeping = asyncio.run(_one_after_the_other(job, worker))
    parts = {
        "ask_ms": statistics.median(asking) - statistics.median(calling),
        "claim_ms": statistics.median(claiming) / CONCURRENCY,
        "keep_ms": statistics.median(keeping) / CONCURRENCY,
    }
    shown = {name: round(ms * 1000, 3) for name, ms in parts.items()}
    return {"p50_ms": round(sum(shown.values()), 3), **shown, "sdk_ms": round(statistics.median(calling) * 1000, 2)}


async def _one_after_the_other(job: str, worker: int) -> tuple[list[float], list[float], list[float], list[float]]:
    claiming: list[float] = []
    calling: list[float] = []
    asking: list[float] = []
    keeping: list[float] = []
    for _ in range(10):
        claimed = await asyncio.to_thread(_timed, claiming, lambda: live_lane.claim(job, worker, CONCURRENCY))
        outcomes = []
        for call in claimed.calls:
            begun = time.perf_counter()
            async with clients.lent("openai") as provider:
                await provider.call(call.body)
            between = time.perf_counter()
            outcomes.append(await ask.ask(call, note=lambda _: None))
            calling.append(between - begun)
            asking.append(time.perf_counter() - between)
        await asyncio.to_thread(_timed, keeping, partial(keep_now, *outcomes))
    await clients.close()
    return claiming, calling, asking, keeping


def _timed(seconds: list[float], work: Callable[[], T]) -> T:
    begun = time.perf_counter()
    done = work()
    seconds.append(time.perf_counter() - begun)
    return done


def _settings() -> dict[str, Any]:
    """A preset, and everything that is set: the environment, what is stored, and what is in force for all templates."""
    preset: list[float] = []
    everything: list[float] = []

    def load() -> None:
        get_settings.cache_clear()
        get_settings()
        store.load()
        found = resilience.snapshot()
        for view in templates.list_all():
            found.of(view.id)

    for _ in range(50):
        _timed(preset, lambda: presets.preset("production"))
        _timed(everything, load)
    return {
        "preset_p50_ms": round(statistics.median(preset) * 1000, 4),
        "all_p50_ms": round(statistics.median(everything) * 1000, 2),
    }


@dataclass(frozen=True)
class Run:
    """Seconds until every call was answered, and stored where that is done, and until the last insight was there."""

    answered_s: float
    all_s: float
    cpu_s: float


def _figures(bare: list[Run], ours: list[Run]) -> dict[str, dict[str, Any]]:
    def row(runs: list[Run]) -> dict[str, Any]:
        wall = statistics.median(run.answered_s for run in runs)
        return {"calls_per_s": round(CALLS / wall), "cpu_s": round(statistics.median(run.cpu_s for run in runs), 2)}

    stored_ratio = statistics.median(b.answered_s / o.answered_s for b, o in zip(bare, ours, strict=True))
    insights_ratio = statistics.median(b.answered_s / o.all_s for b, o in zip(bare, ours, strict=True))
    ratios = {"throughput_ratio": round(stored_ratio, 2), "with_insights_ratio": round(insights_ratio, 2)}
    return {
        "bare AsyncOpenAI": row(bare),
        "live lane, all stored": {**row(ours), **ratios, "peak_mb": peak_mb()},
    }


def _bare() -> Run:
    from openai import AsyncOpenAI

    async def loop() -> None:
        client = AsyncOpenAI(max_retries=0)
        slots = asyncio.Semaphore(CONCURRENCY)

        async def one(number: int) -> None:
            async with slots:
                await client.chat.completions.create(
                    model="gpt-4o-mini", messages=[{"role": "user", "content": f"{number} " + "word " * 300}]
                )

        await asyncio.gather(*(one(number) for number in range(CALLS)))
        await client.close()

    with taken() as t:
        asyncio.run(loop())
    return Run(t.wall_s, t.wall_s, t.cpu_s)


def _ours(number: int) -> Run:
    job = make_job(_documents(str(number), CALLS), "summarize", provider="openai", model="gpt-4o-mini")
    expansion.expand_job(job)
    worker = worker_lease.register("bench")

    async def run() -> float:
        begun = time.perf_counter()
        lane = live_lane.LiveLane(worker, lambda: CONCURRENCY)
        await lane.open()
        # Until none is left to be sent, and the last answer is committed.
        await lane.pump(job)
        stored_s = time.perf_counter() - begun
        while not await asyncio.to_thread(_completed, job):
            await asyncio.sleep(0.01)
        await lane.close(1)
        await clients.close()
        return stored_s

    with taken() as t:
        stored_s = asyncio.run(run())
    return Run(stored_s, t.wall_s, t.cpu_s)


def _completed(job: str) -> bool:
    return rows("SELECT state FROM job WHERE id = :job", job=job) == [{"state": "completed"}]


def _documents(name: str, count: int) -> list[str]:
    ids = [f"doc_bench{name}_{i:05}" for i in range(count)]
    with db.transaction() as session:
        db.execute(
            session,
            """INSERT INTO collection (workspace_id, id, name) VALUES ('ws_default', 'col_b', 'bench')
               ON CONFLICT DO NOTHING""",
        )
        db.execute(session, "INSERT INTO blob (sha256, size_bytes) SELECT unnest(CAST(:ids AS text[])), 1", ids=ids)
        db.execute(
            session,
            """INSERT INTO document (workspace_id, id, name, collection_id, sha256, media_type, size_bytes, state,
                 tokens)
               SELECT 'ws_default', i, i, 'col_b', i, 'text/plain', 1, 'ready', 300
                 FROM unnest(CAST(:ids AS text[])) i""",
            ids=ids,
        )
        db.execute(
            session,
            """INSERT INTO document_text (document_id, text, sha256, page_starts)
               SELECT i, i || repeat(' word', 300), encode(sha256(convert_to(i, 'UTF8')), 'hex'), '{0}'
               FROM unnest(CAST(:ids AS text[])) i""",
            ids=ids,
        )
    return ids


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError("the bench's server did not start")
