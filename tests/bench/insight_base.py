"""The insight base: how fast statements come in, with keys and quotes checked, against their quotes alone; what it
writes to the log to see ten thousand of them again; how fast they are compared afterwards."""

import shutil
from pathlib import Path
from typing import Any

from core.documents import reading
from core.documents.extraction.process import Extracted
from core.evidence import quotes
from core.insight_base import writing
from core.insight_base.writing import Finding, Source
from core.insights import comparing
from core.runtime import db, engines, migrate
from core.runtime.embedded_postgres import EmbeddedPostgres
from tests.bench.measuring import now_mb, peak_mb, taken

STATEMENTS, COMPARED = 10_000, 500
# As a chunk of derived answers has them, with five findings each.
AT_ONCE = 1_000
SENTENCES = 100
VERBS = "shipped repaired inspected bought sold replaced painted tested cleaned moved".split()
PLACES = "Oslo Bergen Turin Lyon Porto Ghent Malmo Graz Cork Leeds".split()
THINGS = "pumps valves motors cables panels boilers pipes meters filters tanks".split()


def measure(scratch: Path) -> dict[str, dict[str, Any]]:
    postgres = EmbeddedPostgres(scratch)
    url = postgres.start()
    try:
        engines.configure(url)
        migrate.upgrade()
        return _measured()
    finally:
        engines.engine().dispose()
        postgres.stop()
        shutil.rmtree(scratch, ignore_errors=True)


def _measured() -> dict[str, dict[str, Any]]:
    found = [_sentence(n) for n in range(STATEMENTS)]
    first, second, third = (_documents(name, found) for name in ("a", "b", "c"))
    before = now_mb()
    with taken() as checking:
        for document in range(0, STATEMENTS, SENTENCES):
            text = quotes.SourceText(" ".join(found[document : document + SENTENCES]))
            for sentence in found[document : document + SENTENCES]:
                quotes.check(sentence, text, sentence)
    ingest = _ingest(first, found, 1)
    rows = {
        "quotes alone": {"per_s": round(STATEMENTS / checking.wall_s), "cpu_s": round(checking.cpu_s, 2)},
        "ingest": ingest,
        "the same answers again": _ingest(first, found, 2),
        "seen in another document": _ingest(second, found, 3),
        "seen in a third": _ingest(third, found, 4),
    }
    done = 0
    with taken() as compared:
        while done < COMPARED and (some := comparing.compare_some()):
            done += some
    rows["compare"] = {"per_s": round(done / compared.wall_s), "cpu_s": round(compared.cpu_s, 2)}
    rows["memory"] = {"mb_above": peak_mb() - before}
    return rows


def _sentence(n: int) -> str:
    what = f"{VERBS[n % 10]} {n * 37 % 9973:,} {THINGS[n // 10 % 10]} in {PLACES[n // 100 % 10]}"
    return f"In {1950 + n % 70} the company of plant {n} {what}, and it didn't cost more than EUR {n * 13 % 7919:,}."


def _documents(name: str, sentences: list[str]) -> list[str]:
    ids = [f"doc_{name}{n:05}" for n in range(len(sentences) // SENTENCES)]
    with db.transaction() as session:
        db.execute(session, COLLECTION, id=name)
        db.execute(session, "INSERT INTO blob (sha256, size_bytes) SELECT unnest(CAST(:ids AS text[])), 1", ids=ids)
        db.execute(session, DOCUMENTS, ids=ids, collection=name)
        for number, document in enumerate(ids):
            text = f"{document} " * 200 + " ".join(sentences[number * SENTENCES : (number + 1) * SENTENCES])
            reading.store_text(session, document, Extracted(text, (0,), "en", 9, False))
    return ids


COLLECTION = "INSERT INTO collection (id, workspace_id, name) VALUES (:id, 'ws_default', :id)"
DOCUMENTS = """
INSERT INTO document (id, workspace_id, name, collection_id, sha256, media_type, size_bytes, state)
SELECT i, 'ws_default', i, :collection, i, 'text/plain', 1, 'ready' FROM unnest(CAST(:ids AS text[])) i
"""


def _ingest(documents: list[str], sentences: list[str], response: int) -> dict[str, Any]:
    with db.transaction() as session:
        db.execute(session, "SELECT pg_switch_wal()")
        begun = db.scalar(session, "SELECT pg_current_wal_insert_lsn()")
    with taken() as spent:
        for start in range(0, len(sentences), AT_ONCE):
            chunk = [
                (Source(documents[n // SENTENCES], response, "key_points"), Finding(sentences[n], (sentences[n],), {}))
                for n in range(start, start + AT_ONCE)
            ]
            with db.transaction() as session:
                writing.write(session, chunk)
    with db.transaction() as session:
        written = db.scalar(session, "SELECT pg_current_wal_insert_lsn() - CAST(:begun AS pg_lsn)", begun=begun)
    return {
        "per_s": round(len(sentences) / spent.wall_s),
        "cpu_s": round(spent.cpu_s, 2),
        "wal_mb": round(float(written) / 1e6, 1),
    }
