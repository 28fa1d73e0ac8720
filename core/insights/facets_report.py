"""Read-only: what is found, by what a click narrows it to. A facet's count is what the list has after the click.

A click on a value takes the place of a filter of its own kind, and adds to all others; so the values of a kind are
counted without that filter. Up to MOST_EXACT of what matches are counted; where there are more, a sample of the
newest is.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import log
from typing import Any

from sqlmodel import Session

from core.insights import order_report
from core.insights.report import Filters, matching, source
from core.runtime import db
from core.search import reading, words
from core.tables.insights import SUPPORT_RANKS

# Values of one facet that are told, the most frequent ones.
MOST_VALUES = 50
# The newest of what is found, whose words are looked at, and those that are told.
READ, MOST_WORDS = 200, 10
# So many are counted: each stands under several collections, templates and fields, and a click must not take longer
# than a list. Where more match, so many of the newest are the sample.
MOST_EXACT, SAMPLE = 2_000, 2_000
SHORTEST, LONGEST_RUN = 3, 6


@dataclass(frozen=True)
class Value:
    value: str
    count: int


@dataclass(frozen=True)
class Facets:
    """`support`: at least so much. `fields`: by the names of choice and boolean fields. `words`: that are more frequent
    here than elsewhere; a click adds one to the search. `sampled`: counted on a sample."""

    collections: tuple[Value, ...]
    templates: tuple[Value, ...]
    tags: tuple[Value, ...]
    states: tuple[Value, ...]
    languages: tuple[Value, ...]
    support: tuple[Value, ...]
    fields: dict[str, tuple[Value, ...]]
    words: tuple[Value, ...]
    sampled: bool


# The kinds, each with the filter that a click on one of its values sets.
OWN = {
    "collections": "collection",
    "templates": "template",
    "tags": "tag",
    "states": "state",
    "languages": "language",
    "support": "min_support",
}


Kinds = defaultdict[str, Counter[str]]


@dataclass
class _Counted:
    """Kind to value to count; fields under `field:name`."""

    kinds: Kinds
    sampled: bool

    def replace(self, session: Session, kind: str, filters: Filters) -> None:
        """Count this kind with other filters."""
        found, sampled = _found(session, filters)
        self.kinds[kind] = _kinds(session, found)[kind]
        self.sampled |= sampled


def facets(filters: Filters | None = None) -> Facets:
    filters = filters or Filters()
    with db.reading() as session:
        found, sampled = _found(session, filters)
        counted = _Counted(_kinds(session, found), sampled)
        for kind, own in OWN.items():
            if getattr(filters, own) not in (None, "", ()):
                counted.replace(session, kind, _without(filters, own))
        for name in {one.partition(":")[0] for one in filters.field}:
            rest = tuple(one for one in filters.field if one.partition(":")[0] != name)
            counted.replace(session, f"field:{name}", replace(filters, field=rest))
        standing_out = _words(session, filters, found)
    told = {kind: _most(counted.kinds[kind]) for kind in OWN}
    fields = {
        kind.partition(":")[2]: _most(found) for kind, found in counted.kinds.items() if kind.startswith("field:")
    }
    return Facets(
        **told | {"support": _at_least(counted.kinds["support"])},
        fields=dict(sorted((name, values) for name, values in fields.items() if values)),
        words=standing_out,
        sampled=counted.sampled,
    )


def _without(filters: Filters, name: str) -> Filters:
    given: dict[str, Any] = {name: None}
    return replace(filters, **given)


def _most(found: Mapping[str, int]) -> tuple[Value, ...]:
    ordered = sorted(found.items(), key=lambda one: (-one[1], one[0]))
    return tuple(Value(value, count) for value, count in ordered[:MOST_VALUES])


def _at_least(ranks: Mapping[str, int]) -> tuple[Value, ...]:
    sums = [
        (begin, sum(n for rank, n in ranks.items() if int(rank) >= at)) for at, begin in enumerate(SUPPORT_RANKS, 1)
    ]
    return tuple(Value(str(begin), count) for begin, count in sums if count)


def _kinds(session: Session, found: str) -> Kinds:
    kinds: Kinds = defaultdict(Counter)
    for row in db.rows(session, COUNTED, ids=found, most=MOST_VALUES):
        kinds[row.kind][row.value] = row.often
    return kinds


def _found(session: Session, filters: Filters) -> tuple[str, bool]:
    """The ids that are counted, and whether they are a sample."""
    where, given = matching(filters)
    listed, most = source(filters, where), min(MOST_EXACT, order_report.MOST_COUNTED)
    found = db.row(session, ALL_OF.format(listed=f"{listed.all()} LIMIT :limit"), limit=most + 1, **given)
    assert found is not None
    if found.often <= most:
        return found.ids, False
    sample = min(SAMPLE, most)
    newest = db.row(session, ALL_OF.format(listed=listed.newest()), limit=sample, **given)
    assert newest is not None
    # Frequent, and not among the newest.
    return newest.ids if newest.often == sample else ",".join(found.ids.split(",")[:sample]), True


# Ids are one text on their way: to write an array of thousands takes longer than to look them up.
ALL_OF = "SELECT count(*) AS often, coalesce(string_agg(id, ','), '') AS ids FROM ({listed}) listed"
IDS = "string_to_array(:ids, ',')"
# Of each kind its most frequent values. Keys: see core.insight_base.listings.
COUNTED = f"""
WITH found AS MATERIALIZED (
  SELECT id, state, language, support_rank FROM insight WHERE id = ANY({IDS}) AND workspace_id = :workspace
), under AS MATERIALIZED (
  SELECT l.key, count(*) AS often FROM found f JOIN listing l ON l.insight_id = f.id
  WHERE l.workspace_id = :workspace AND l.key NOT LIKE 'job:%' GROUP BY l.key
), counted AS (
  SELECT 'states' AS kind, state AS value, count(*) AS often FROM found GROUP BY state
  UNION ALL SELECT 'languages', language, count(*) FROM found WHERE language IS NOT NULL GROUP BY language
  UNION ALL SELECT 'support', support_rank::text, count(*) FROM found GROUP BY support_rank
  UNION ALL SELECT 'tags', substr(key, length('tag:') + 1), often FROM under WHERE key LIKE 'tag:%'
  UNION ALL SELECT 'templates', substr(key, length('template:') + 1), often FROM under WHERE key LIKE 'template:%'
  UNION ALL SELECT split_part(key, '=', 1), substr(key, strpos(key, '=') + 1), often FROM under WHERE key LIKE 'field:%'
  UNION ALL SELECT 'collections', c.name, u.often FROM under u
    JOIN collection c ON c.id = substr(u.key, length('collection:') + 1) AND c.workspace_id = :workspace
    WHERE u.key LIKE 'collection:%'
)
SELECT kind, value, often FROM (
  SELECT *, row_number() OVER (PARTITION BY kind ORDER BY often DESC, value) AS place FROM counted
) placed WHERE place <= :most
"""


def _words(session: Session, filters: Filters, found: str) -> tuple[Value, ...]:
    """Words that stand out: much more frequent in what is found than in the newest of all."""
    here, often = _frequencies(db.rows(session, TEXTS, ids=found, read=READ))
    there, every = _frequencies(db.rows(session, NEWEST_TEXTS, read=READ))
    asked = {token.text for token in words.tokens(filters.q or "")}
    narrowed = filters != Filters()
    silent = reading.silent(session, [word for word, _ in here.most_common(500)])

    def score(word: str) -> float:
        share = here[word] / max(often, 1)
        elsewhere = (there[word] + 0.5) / (every + 1) if narrowed else 1 / (every + 1)
        return share * log(share / elsewhere) if share > elsewhere else 0.0

    told = [word for word, n in here.most_common(500) if word not in asked | silent and (n > 1 or often < 10)]
    chosen = [word for word in sorted(told, key=lambda word: (-score(word), word)) if score(word) > 0][:MOST_WORDS]
    searches = reading.tsqueries(session, [f"{filters.q or ''} {word}" for word in chosen])
    given = {"numbers": list(range(len(chosen))), "searches": searches, "ids": found}
    counted = {row.n: row.often for row in db.rows(session, WITH_WORDS, **given)}
    return tuple(Value(word, counted[n]) for n, word in enumerate(chosen) if counted.get(n))


TEXTS = f"""
SELECT coalesce(shown, statement) AS text FROM insight
WHERE id IN (SELECT unnest({IDS}) ORDER BY 1 DESC LIMIT :read) AND workspace_id = :workspace
"""
NEWEST_TEXTS = """
SELECT coalesce(shown, statement) AS text FROM insight
WHERE workspace_id = :workspace AND head_id IS NULL AND NOT quarantined ORDER BY id DESC LIMIT :read
"""
# Each search is read once, not for each statement.
WITH_WORDS = f"""
WITH q AS MATERIALIZED (
  SELECT u.n, CAST(u.search AS tsquery) AS search
  FROM unnest(CAST(:numbers AS int[]), CAST(:searches AS text[])) AS u(n, search)
)
SELECT q.n, count(*) AS often FROM statement_search s JOIN q ON s.words @@ q.search
WHERE s.insight_id = ANY({IDS}) AND s.workspace_id = :workspace GROUP BY q.n
"""


def _frequencies(rows: Sequence[Any]) -> tuple[Counter[str], int]:
    """In how many texts each word stands, and the number of texts."""
    return Counter(word for row in rows for word in set(_telling(row.text))), len(rows)


def _telling(text: str) -> Iterable[str]:
    for token in words.tokens(text):
        least, most = SHORTEST if token.kind == "word" else 2, LONGEST_RUN if token.kind == "pairs" else words.LONGEST
        if token.kind != "number" and least <= len(token.text) <= most:
            yield token.text
