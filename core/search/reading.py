"""A search as this workspace reads it: in the languages of its statements."""

from collections.abc import Sequence

from sqlmodel import Session

from core.runtime import db
from core.search import query


def languages(session: Session) -> list[str | None]:
    """Of the statements of the workspace; with None where there are some of which it is not known."""
    return [row.language for row in db.rows(session, LANGUAGES)]


# From one to the next in an index, however many statements there are of each.
LANGUAGES = """
WITH RECURSIVE known AS (
  (SELECT language FROM insight WHERE workspace_id = :workspace AND language IS NOT NULL ORDER BY language LIMIT 1)
  UNION ALL
  SELECT (SELECT i.language FROM insight i WHERE i.workspace_id = :workspace AND i.language > k.language
    ORDER BY i.language LIMIT 1)
  FROM known k WHERE k.language IS NOT NULL
)
SELECT language FROM known WHERE language IS NOT NULL
UNION ALL SELECT NULL WHERE EXISTS (SELECT 1 FROM insight WHERE workspace_id = :workspace AND language IS NULL)
"""


def tsquery(session: Session, written: str) -> str:
    """What matches nothing where there is no word in it."""
    return tsqueries(session, [written])[0]


def tsqueries(session: Session, written: Sequence[str]) -> list[str]:
    asked, read = [query.parse(one) for one in written], languages(session)
    common = _common(session, read, sorted({word for one in asked for word in one.words}))
    return [query.tsquery(one, read, common) or "" for one in asked]


def silent(session: Session, words: Sequence[str]) -> set[str]:
    """Those of these words that say nothing, in any of the languages."""
    return set().union(*_common(session, languages(session), words).values())


def _common(session: Session, read: Sequence[str | None], words: Sequence[str]) -> dict[str, set[str]]:
    common: dict[str, set[str]] = {}
    configurations = {name: STOPPING[name] for name in read if name in STOPPING}
    if configurations and words:
        given = {"of": list(configurations), "names": list(configurations.values()), "words": list(words)}
        for row in db.rows(session, COMMON, **given):
            common.setdefault(row.language, set()).add(row.word)
    return common


# The languages of which PostgreSQL brings a list of words that say nothing by themselves.
STOPPING = {
    "da": "danish",
    "de": "german",
    "en": "english",
    "es": "spanish",
    "fi": "finnish",
    "fr": "french",
    "hu": "hungarian",
    "it": "italian",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "ru": "russian",
    "sv": "swedish",
}
COMMON = """
SELECT l.language, w.word FROM unnest(CAST(:of AS text[]), CAST(:names AS text[])) AS l(language, name),
  unnest(CAST(:words AS text[])) AS w(word)
WHERE to_tsvector(CAST(CAST(l.name AS text) AS regconfig), w.word) = '' AND w.word ~ '^[[:alpha:]]+$'
"""
