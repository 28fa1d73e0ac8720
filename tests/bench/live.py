"""2,000 live calls at concurrency 64 against a 50 ms server: the live lane, everything stored, against a bare loop of
AsyncOpenAI that stores nothing. In turn, three times; medians."""

import asyncio
import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from core import clients, db, heartbeat, live, migrate, templates, upkeep
from core.embedded import EmbeddedPostgres
from core.settings import get_settings
from tests.bench.measuring import peak_mb, taken
from tests.pipeline import make_job, rows

CALLS, CONCURRENCY, ROUNDS = 2000, 64, 3


def measure(scratch: Path) -> dict[str, dict[str, Any]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-m", "tests.bench.slow_server", str(port)])
    postgres = EmbeddedPostgres(scratch)
    try:
        db.configure(postgres.start())
        os.environ |= {"OPENAI_API_KEY": "bench", "OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1"}
        get_settings.cache_clear()
        migrate.upgrade()
        templates.sync_built_ins()
        _wait_for(port)
        bare, ours = [], []
        for number in range(ROUNDS):
            bare.append(_bare())
            ours.append(_ours(number))
        return _figures(bare, ours)
    finally:
        server.kill()
        server.wait()
        postgres.stop()


def _figures(bare: list[tuple[float, float]], ours: list[tuple[float, float]]) -> dict[str, dict[str, Any]]:
    def row(runs: list[tuple[float, float]]) -> dict[str, Any]:
        wall = statistics.median(run[0] for run in runs)
        return {"calls_per_s": round(CALLS / wall), "cpu_s": round(statistics.median(run[1] for run in runs), 2)}

    ratio = statistics.median(b[0] / o[0] for b, o in zip(bare, ours, strict=True))
    return {
        "bare AsyncOpenAI": row(bare),
        "live lane, all stored": {**row(ours), "throughput_ratio": round(ratio, 2), "peak_mb": peak_mb()},
    }


def _bare() -> tuple[float, float]:
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
    return t.wall_s, t.cpu_s


def _ours(number: int) -> tuple[float, float]:
    job = make_job(_documents(number), "summarize", provider="openai", model="gpt-4o-mini")
    upkeep.expand_job(job)
    worker = heartbeat.register("bench")

    async def run() -> None:
        lane = live.LiveLane(worker, lambda: CONCURRENCY)
        await lane.open()
        await lane.pump(job)
        while not await asyncio.to_thread(_completed, job):
            await asyncio.sleep(0.01)
        await lane.close(1)
        await clients.close()

    with taken() as t:
        asyncio.run(run())
    return t.wall_s, t.cpu_s


def _completed(job: str) -> bool:
    return rows("SELECT state FROM job WHERE id = :job", job=job) == [{"state": "completed"}]


def _documents(number: int) -> list[str]:
    ids = [f"doc_bench{number}_{i:05}" for i in range(CALLS)]
    with db.transaction() as session:
        db.execute(session, "INSERT INTO collection (id, name) VALUES ('col_b', 'bench') ON CONFLICT DO NOTHING")
        db.execute(session, "INSERT INTO blob (sha256, size_bytes) SELECT unnest(CAST(:ids AS text[])), 1", ids=ids)
        db.execute(
            session,
            """INSERT INTO document (id, name, collection_id, sha256, media_type, size_bytes, state, tokens)
               SELECT i, i, 'col_b', i, 'text/plain', 1, 'ready', 300 FROM unnest(CAST(:ids AS text[])) i""",
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
