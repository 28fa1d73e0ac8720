"""Finding in a large insight base: searches, phrases of two common words, every filter and order, facets; each beside a
bare query for a hundred rows; the matrix, and the pages over all of it, beside a trivial page. By itself:
python -m tests.bench.finding [insights [directory]]; what is made in a directory is kept there and used again."""

import itertools
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from core.asking import templates
from core.insights import facets_report, report
from core.insights.report import Filters, Sort
from core.runtime import db, engines, migrate
from core.runtime.embedded_postgres import EmbeddedPostgres
from tests.bench import matrix, page_runs
from tests.bench.finding_data import SHARES, SMALL, START, Base, Size
from tests.bench.measuring import now_mb, p50_p95_ms, peak_mb, taken
from tests.databases import apps

RUNS = 60
# Among the most frequent words that say something are so many common ones.
COMMON = 30


def measure(scratch: Path, size: Size | None = None, *, keep: bool = False) -> dict[str, dict[str, Any]]:
    postgres = EmbeddedPostgres(scratch)
    url = postgres.start()
    try:
        engines.configure(apps(url))
        migrate.upgrade(url)
        engines.configure(url)
        before = now_mb()
        with taken() as made:
            base = Base(size or Size())
            if not _evidence():
                base.write()
            templates.sync_built_ins()
            of_matrix = matrix.template(base.size.documents)
        # Behind the policies, as people search.
        engines.configure(apps(url))
        rows = {"made": {"insights": base.size.insights, "evidence": _evidence(), "wall_s": round(made.wall_s)}}
        rows |= _measured(base, of_matrix)
        rows["memory"] = {"mb_above": peak_mb() - before}
        return rows
    finally:
        engines.engine().dispose()
        postgres.stop()
        if not keep:
            shutil.rmtree(scratch, ignore_errors=True)


def _evidence() -> int:
    with db.transaction() as session:
        return int(db.scalar(session, "SELECT count(*) FROM evidence"))


def _measured(base: Base, of_matrix: str) -> dict[str, dict[str, Any]]:
    bare = _taken(lambda _: _bare(), itertools.repeat(Filters()))
    rows = {"bare query": _row(bare, bare)}
    for name, filters in _kinds(base).items():
        rows[name] = _row(_taken(_listed, filters), bare)
    for sort in ("support", "confidence"):
        rows[f"by {sort}"] = _row(_taken(lambda f, sort=sort: _listed(f, sort), itertools.repeat(Filters())), bare)  # type: ignore[misc]
    rows["by relevance"] = _row(_taken(lambda f: _listed(f, "relevance"), _words(base, 1, (0, COMMON))), bare)
    rows["facets of all"] = _row(_taken(facets_report.facets, itertools.repeat(Filters())), bare)
    rows["facets of a search"] = _row(_taken(facets_report.facets, _words(base, 1, (COMMON, 3_000))), bare)
    for name, does in matrix.kinds(of_matrix).items():
        rows[name] = _row(_taken(lambda _, does=does: does(), itertools.repeat(Filters())), bare)  # type: ignore[misc]
    with db.transaction() as session:
        db.execute(session, TEXT)
    return rows | page_runs.pages(PAGES)


# The documents of the base have none: the one whose page is opened gets one.
TEXT = """
INSERT INTO document_text (document_id, text, sha256, page_starts)
SELECT id, repeat('The pump in hall four failed twice in March. ', 500), encode(sha256(convert_to(id, 'UTF8')), 'hex'),
  '{0}' FROM document WHERE id = 'doc_0000042' AND workspace_id = :workspace
ON CONFLICT DO NOTHING
"""


# As people open them: the page, and what stands in its link.
PAGES: dict[str, tuple[str, dict[str, str]]] = {
    "page: insights": ("insights", {}),
    "page: insights, a search": ("insights", {"q": "pump"}),
    "page: insights, a collection": ("insights", {"collection": "c0"}),
    "page: insights, narrow down": ("insights", {"panel": "Narrow down"}),
    "page: insights, at a glance": ("insights", {"panel": "At a glance"}),
    "page: insights, most documents": ("insights", {"sort": "most documents"}),
    "page: insight": ("insight", {"id": "ins_00000042"}),
    "page: document": ("document", {"id": "doc_0000042"}),
    "page: review": ("review", {}),
    "page: matrix": ("matrix", {"template": matrix.NAME}),
    "page: documents": ("documents", {}),
}


def _kinds(base: Base) -> dict[str, Iterator[Filters]]:
    same: Callable[..., Iterator[Filters]] = lambda **given: itertools.repeat(Filters(**given))  # noqa: E731
    refused = base.vocabulary["en"][40]
    return {
        "no filter": same(),
        "search, a common word": _words(base, 1, (0, COMMON)),
        "search, a word": _words(base, 1, (COMMON, 3_000)),
        "search, a rare word": _words(base, 1, (3_000, 20_000)),
        "search, two words": _words(base, 2, (0, 300)),
        "search, two common words": _words(base, 2, (0, COMMON)),
        "search, a word and a minus": (Filters(q=f"{f.q} -{refused}") for f in _words(base, 1, (0, 300))),
        "search, Japanese": (Filters(q=base.vocabulary["ja"][n % 400]) for n in itertools.count()),
        "phrase of two common words": _phrases(base),
        "phrase of two small words": (Filters(q=f'"{a} {b}"') for a, b in itertools.permutations(SMALL["en"][:9], 2)),
        "a large collection": same(collection="c0"),
        "a small collection": (Filters(collection=f"c{n}") for n in itertools.count(10)),
        "a word in a large collection": (Filters(q=f.q, collection="c1") for f in _words(base, 1, (0, 300))),
        "a template": same(template="tpl_3"),
        "a field": same(field=("open:true",)),
        "a document": (Filters(document=f"doc_{n * 97:07}") for n in itertools.count()),
        "a job": (Filters(job=f"job_{n:04}") for n in itertools.count()),
        "state": same(state="dismissed"),
        "state and language": same(state="confirmed", language="ja"),
        "a tag": (Filters(tag=f"tag{n % 40}") for n in itertools.count()),
        "language": (Filters(language=list(SHARES)[n % len(SHARES)]) for n in itertools.count()),
        "pinned": same(pinned=True),
        "open conflicts": same(conflict="open"),
        "at least 3": same(min_support=3),
        "at least 50": same(min_support=50),
        "unsupported": same(supported=False),
        "confidence": same(min_confidence=0.99),
        "the first week": same(until=START.replace(day=8)),
    }


def _words(base: Base, number: int, ranks: tuple[int, int]) -> Iterator[Filters]:
    """Of each language in turn, of words that say something."""
    for n in itertools.count():
        language = ("en", "de", "fr", "es")[n % 4]
        known = base.vocabulary[language][len(SMALL[language]) :]
        span = ranks[1] - ranks[0]
        yield Filters(q=" ".join(known[ranks[0] + (n * 7 + k * 13) % span] for k in range(number)))


def _phrases(base: Base) -> Iterator[Filters]:
    for n in itertools.count():
        known = base.vocabulary[("en", "de", "fr", "es")[n % 4]][20 : 20 + COMMON]
        yield Filters(q=f'"{known[n % COMMON]} {known[(n * 7 + 3) % COMMON]}"')


def _taken(does: Callable[[Filters], object], filters: Iterator[Filters]) -> list[float]:
    seconds = []
    for one in itertools.islice(filters, RUNS):
        begun = time.perf_counter()
        does(one)
        seconds.append(time.perf_counter() - begun)
    return seconds


def _bare() -> None:
    with db.transaction() as session:
        db.rows(session, BARE)


BARE = "SELECT * FROM insight WHERE workspace_id = :workspace ORDER BY id DESC LIMIT 100"


def _listed(filters: Filters, sort: Sort = "newest") -> None:
    report.find_and_count(filters, sort=sort)


def _row(seconds: list[float], bare: list[float]) -> dict[str, Any]:
    p50, p95 = p50_p95_ms(seconds)
    return {"p50_ms": p50, "p95_ms": p95, "times_bare": round(p50 / p50_p95_ms(bare)[0], 1)}


if __name__ == "__main__":
    given = Size(int(sys.argv[1]), int(sys.argv[1]) // 10) if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory(prefix="cairn-finding-") as directory:
        kept = len(sys.argv) > 2
        where = Path(sys.argv[2] if kept else directory) / "insights"
        for name, row in measure(where, given, keep=kept).items():
            print(f"{name:32}", "  ".join(f"{key} {value}" for key, value in row.items()), flush=True)
