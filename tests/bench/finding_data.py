"""An insight base as it grows over years: words by Zipf in several languages, a few large collections and many small
ones, most statements from one document and a few from thousands. Written by COPY and set-based SQL, the same each time.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.runtime import db, engines
from core.search import index

TABLES = ("insight", "statement_search", "evidence", "listing", "document", "request")
SHARES = {"en": 0.5, "de": 0.2, "fr": 0.12, "es": 0.1, "ja": 0.08}
# The most frequent words of each language are those that say nothing.
SMALL = {
    "en": "the of and to in is for that was with on by it at from has are be this not an or which but were".split(),
    "de": "der die und in das zu den mit von ist auf f\u00fcr im nicht ein eine dem des als an es wird bei".split(),
    "fr": "de la le et les des en un du une est que pour dans qui sur au par plus ne pas ce se avec ont".split(),
    "es": "de la que el en y a los se del las un por con no una su para es al lo como m\u00e1s o pero".split(),
}
SYLLABLES = "ba ce di fo gu ha je ki lo mu na pe ri so tu va we xi zo bra cle dri flo gru pla tre sti".split()
SIGNS = "売上増減年月日本社製品工場配送遅延契約費用価格市場顧客部品検査開始終了計画生産量率高低改善品質管理輸出入"
VOCABULARY, WORDS = 30_000, 16
COLLECTIONS, LARGE = 2_000, 5
START = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Size:
    insights: int = 1_000_000
    documents: int = 100_000

    @property
    def evidence(self) -> int:
        return 2 * self.insights


class Base:
    """`vocabulary`: of each language its words by rank, the small ones first."""

    def __init__(self, size: Size):
        self.size = size
        self._random = np.random.default_rng(20261129)
        self._languages = self._random.choice(list(SHARES), size.insights, p=list(SHARES.values()))
        self.vocabulary = {language: _vocabulary(language) for language in SHARES}

    def write(self) -> None:
        definitions = _drop_indexes()
        self._documents()
        counts = self._insights()
        self._evidence(counts)
        with db.transaction() as session:
            for statement in (*definitions, LISTED):
                db.execute(session, statement.replace(":", r"\:"))
        with engines.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")

    def _documents(self) -> None:
        """Five collections have seven tenths of all documents."""
        number = self.size.documents
        large = self._random.choice(LARGE, number, p=[0.4, 0.25, 0.15, 0.12, 0.08])
        small = self._random.integers(LARGE, COLLECTIONS, number)
        of = np.where(self._random.random(number) < 0.7, large, small)
        _copy(
            "collection (id, workspace_id, name)", ((f"col_{n:05}", "ws_default", f"c{n}") for n in range(COLLECTIONS))
        )
        _copy("blob (sha256, size_bytes)", ((f"{n:064x}", 1) for n in range(number)))
        columns = "document (id, workspace_id, name, collection_id, sha256, media_type, size_bytes, state, text_group)"
        rows = (
            (
                f"doc_{n:07}",
                "ws_default",
                f"{n}.txt",
                f"col_{of[n]:05}",
                f"{n:064x}",
                "text/plain",
                1,
                "ready",
                f"doc_{n:07}",
            )
            for n in range(number)
        )
        _copy(columns, rows)
        jobs = ((f"job_{n:04}", "ws_default", "Job", "{}", "offline", "m", "live", "completed") for n in range(200))
        _copy("job (id, workspace_id, name, params, provider, model, lane, state)", jobs)
        requests = (
            (f"job_{n * 200 // number:04}", f"doc_{n:07}", f"r{n}", "f", "live", "succeeded", 1, n + 1)
            for n in range(number)
        )
        _copy("request (job_id, document_id, custom_id, fingerprint, lane, state, input_tokens, response_id)", requests)

    def _insights(self) -> NDArray[np.int64]:
        """Returns in how many documents each is: most in one, few in thousands, two on average."""
        number = self.size.insights
        counts = np.minimum(self._random.zipf(2.5, number), self.size.documents // 20)
        chance = self._random.random(number)
        statements = self._statements()
        columns = (
            "insight (id, workspace_id, statement, exact_key, masked_key, language, kind, state, tags, pinned,"
            " compared, support, documents, documents_with_evidence, open_conflicts, confidence, first_seen)"
        )
        words: list[tuple[str, str, str]] = []

        def rows() -> Iterator[tuple[Any, ...]]:
            for n, statement in enumerate(statements):
                language, support = str(self._languages[n]), int(counts[n])
                words.append((id_of(n), "ws_default", index.vector([statement], language)))
                state = "dismissed" if chance[n] < 0.03 else "confirmed" if chance[n] < 0.08 else "new"
                tags = f"{{tag{n % 40}}}" if chance[n] > 0.97 else "{}"
                yield (
                    *(id_of(n), "ws_default", statement, f"k{n}", f"k{n}", language, f"tpl_{n % 7}", state, tags),
                    *(chance[n] > 0.999, True, support, support, support, int(chance[n] > 0.995)),
                    *(1 - 0.5 ** min(support, 50), START + timedelta(minutes=n)),
                )

        _copy(columns, rows())
        _copy("statement_search (insight_id, workspace_id, words)", words)
        return counts

    def _statements(self) -> Iterator[str]:
        """Each with a word of its own."""
        block = 10_000
        for start in range(0, self.size.insights, block):
            languages = self._languages[start : start + block]
            ranks = np.minimum(self._random.zipf(1.15, (len(languages), WORDS)) - 1, VOCABULARY - 1)
            for n, (language, chosen) in enumerate(zip(languages, ranks, strict=True)):
                known = self.vocabulary[language]
                said = ("" if language == "ja" else " ").join(known[rank] for rank in chosen)
                yield f"{said}{'' if language == 'ja' else ' '}{start + n}."

    def _evidence(self, counts: NDArray[np.int64]) -> None:
        number = self.size.documents
        first = self._random.integers(0, number, len(counts))

        def rows() -> Iterator[tuple[Any, ...]]:
            for n, count in enumerate(counts):
                attributes = json.dumps({"risk": ("high", "low", "none")[n % 3], "open": n % 10 == 0})
                # Steps that share nothing with the number of documents: none comes twice.
                for k in range(int(count)):
                    document = (int(first[n]) + k * 7919) % number
                    yield (
                        *(
                            id_of(n),
                            f"doc_{document:07}",
                            document + 1,
                            f"tpl_{n % 7}",
                            "q",
                            f"{n:x}",
                            "found",
                            True,
                            0,
                            1,
                        ),
                        *(attributes, START + timedelta(minutes=n)),
                    )

        _copy(
            "evidence (insight_id, document_id, response_id, template_id, quote, quote_key, verdict, supported, start,"
            ' "end", attributes, created_at)',
            rows(),
        )


def id_of(number: int) -> str:
    return f"ins_{number:08}"


def _vocabulary(language: str) -> list[str]:
    """By rank. Of Japanese pairs of signs."""
    if language == "ja":
        return [SIGNS[n % len(SIGNS)] + SIGNS[n // len(SIGNS) % len(SIGNS)] for n in range(VOCABULARY)]
    made = [_word(n, language) for n in range(VOCABULARY)]
    return SMALL[language] + made[: VOCABULARY - len(SMALL[language])]


def _word(number: int, language: str) -> str:
    """Of two to four syllables, the same for each number, in each language another."""
    number = number * 7919 + sum(map(ord, language))
    parts = [SYLLABLES[number // len(SYLLABLES) ** place % len(SYLLABLES)] for place in range(4)]
    return "".join(parts[: 2 + number % 3]) + str(language[0])


def _copy(columns: str, rows: Iterator[tuple[Any, ...]] | Sequence[tuple[Any, ...]]) -> None:
    with db.transaction() as session:
        connection = db.driver_connection(session)
        # References are right, and checking each takes longer than all else.
        connection.execute("SET LOCAL session_replication_role = replica")
        with connection.cursor() as cursor, cursor.copy(f"COPY {columns} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)


def _drop_indexes() -> list[str]:
    """Returns how to make them again."""
    with db.transaction() as session:
        found = db.rows(session, INDEXES, tables=list(TABLES))
        for row in found:
            db.execute(session, f"DROP INDEX {row.name}")
    return [row.definition for row in found]


INDEXES = """
SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition
FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
WHERE t.relname = ANY(:tables) AND t.relnamespace = 'public'::regnamespace
  AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid)
"""
LISTED = """
INSERT INTO listing (workspace_id, key, insight_id)
SELECT 'ws_default', k.key, e.insight_id FROM evidence e JOIN document d ON d.id = e.document_id,
  unnest(ARRAY['collection:' || d.collection_id, 'template:' || e.template_id,
    'field:risk=' || (e.attributes->>'risk'), 'field:open=' || (e.attributes->>'open'),
    'job:' || (SELECT r.job_id FROM request r WHERE r.response_id = e.response_id)]) AS k(key)
GROUP BY 2, 3
UNION ALL SELECT 'ws_default', 'tag:' || unnest(tags), id FROM insight ORDER BY 2, 3
"""
