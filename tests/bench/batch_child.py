"""One step of the batch lane in a process of its own, for its memory: `batch_child URL STEP FILE REQUESTS`."""

import json
import sys
from pathlib import Path

from core.batch import ingest, packing
from core.calls.clients import configured
from core.providers.batch_api import Remote
from core.runtime import db, engines
from tests.bench.batch_data import AT, batch
from tests.bench.measuring import now_mb, peak_mb, taken

REMOTE = Remote("batch_bench", "completed", "completed", AT)


def build(path: Path, requests: int) -> None:
    with db.transaction() as session:
        framing = configured()["openai"].batches.framing("/v1/chat/completions")
        assert packing.write_requests(session, batch(requests), framing, path) == requests


def keep(path: Path, requests: int) -> None:
    with db.transaction() as session:
        kept = ingest.keep(session, batch(requests), configured()["openai"].batches, [path], REMOTE, AT)
    assert kept.answered == requests, kept


if __name__ == "__main__":
    url, step, path, requests = sys.argv[1:]
    engines.configure(url)
    with db.transaction() as session:
        db.scalar(session, "SELECT 1")
    idle = now_mb()
    with taken() as t:
        {"build": build, "keep": keep}[step](Path(path), int(requests))
    print(json.dumps({"idle_mb": idle, "peak_mb": peak_mb(), "wall_s": t.wall_s, "cpu_s": t.cpu_s}))
