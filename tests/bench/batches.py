"""The batch lane at 50,000 requests: build the input file and keep the results, against a bare floor and against the
usual ORM loop, in turn, three times; medians. Derive is timed beside it, and memory at ten times as many."""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.answers import derive
from core.asking import templates
from core.environment import get_settings
from core.runtime import engines, migrate
from core.runtime.embedded_postgres import EmbeddedPostgres
from tests.bench import batch_child, batch_floors
from tests.bench.batch_data import REQUESTS, hand_over, prepare, write_results
from tests.bench.measuring import taken

ROUNDS, LARGE = 3, 500_000
# Its speed does not depend on how many rows there are, only the patience that it takes.
ORM_REQUESTS = 5_000
DERIVED = 5_000

Runs = list[tuple[float, float]]


def measure(scratch: Path) -> dict[str, dict[str, Any]]:
    postgres = EmbeddedPostgres(scratch)
    url = postgres.start()
    try:
        os.environ["OPENAI_API_KEY"] = "bench"
        get_settings.cache_clear()
        engines.configure(url)
        migrate.upgrade()
        templates.sync_built_ins()
        return {**_speed(url, scratch), **_memory(url, scratch)}
    finally:
        engines.engine().dispose()
        postgres.stop()


def _speed(url: str, scratch: Path) -> dict[str, dict[str, Any]]:
    asked, results = scratch / "asked.jsonl", scratch / "results.jsonl"
    write_results(results, REQUESTS)
    prepare(REQUESTS)
    steps: dict[str, dict[str, Callable[[], None]]] = {
        "build the input file": {
            "floor": lambda: batch_floors.bare_build(url, asked),
            "ours": lambda: batch_child.build(asked, REQUESTS),
            "orm": lambda: batch_floors.orm_build(asked, ORM_REQUESTS),
        },
        "keep the results": {
            "floor": lambda: batch_floors.bare_keep(url, results),
            "orm": lambda: batch_floors.orm_keep(results, ORM_REQUESTS),
            "ours": lambda: batch_child.keep(results, REQUESTS),
        },
    }
    figures = {}
    for name, ways in steps.items():
        runs: dict[str, Runs] = {way: [] for way in ways}
        for _ in range(ROUNDS):
            for way, step in ways.items():
                hand_over(REQUESTS)
                runs[way].append(_timed(step))
        figures |= _rows(name, runs)
    figures["derive, five insights each"] = _derive()
    return figures


def _timed(step: Callable[[], None]) -> tuple[float, float]:
    with taken() as t:
        step()
    return t.wall_s, t.cpu_s


def _rows(name: str, runs: dict[str, Runs]) -> dict[str, dict[str, Any]]:
    done = {"floor": REQUESTS, "ours": REQUESTS, "orm": ORM_REQUESTS}
    speed = {way: statistics.median(done[way] / wall for wall, _ in runs[way]) for way in runs}
    cpu = {way: statistics.median(cpu * REQUESTS / done[way] for _, cpu in runs[way]) for way in runs}
    row = {way: {"rows_per_s": round(speed[way]), "cpu_s": round(cpu[way], 2)} for way in runs}
    ratios = {"of_floor": round(speed["ours"] / speed["floor"], 2), "times_orm": round(speed["ours"] / speed["orm"], 1)}
    return {f"{name}: floor": row["floor"], f"{name}: ORM": row["orm"], name: {**row["ours"], **ratios}}


def _derive() -> dict[str, Any]:
    derived = 0
    with taken() as t:
        while derived < DERIVED:
            derived += derive.derive_chunk()
    return {"rows_per_s": round(derived / t.wall_s), "cpu_s": round(t.cpu_s * REQUESTS / derived, 2)}


def _memory(url: str, scratch: Path) -> dict[str, dict[str, Any]]:
    figures = {}
    for requests in (REQUESTS, LARGE):
        prepare(requests)
        path = scratch / "memory.jsonl"
        for step in ("build", "keep"):
            if step == "keep":
                write_results(path, requests)
            figures[f"memory to {step} {requests:,}"] = _in_a_process(url, step, path, requests)
    return figures


def _in_a_process(url: str, step: str, path: Path, requests: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.bench.batch_child", url, step, str(path), str(requests)]
    measured = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    above = measured["peak_mb"] - measured["idle_mb"]
    return {"above_idle_mb": above, "peak_mb": measured["peak_mb"], "rows_per_s": round(requests / measured["wall_s"])}
