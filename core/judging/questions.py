"""What a judge is asked: open pairs, twenty to a request.

A model is not paid twice for the same pair. What decides its verdict on a pair is hashed for the pair alone, too; a
pair that a request of an earlier job asked in the same words of the same model is asked with that very request, whose
answer is known. Of the other pairs in it, which nobody asks about now, nothing is made.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import orjson
from sqlmodel import Session

from core.asking import prompts
from core.asking.built_in import PAIRS_AT_ONCE
from core.asking.prompts import Asking, PairOfStatements
from core.insights import review_report
from core.insights.review_report import IN_COLLECTION, KINDS, MOST_ORDERED
from core.providers.types import Provider
from core.requests import reuse
from core.runtime import db, tokens
from core.tables.insights import PairKind

# Few enough for the context of any model; a longer pair goes alone.
MOST_CHARACTERS = 40_000


@dataclass(frozen=True)
class Whom:
    """The model that is asked. `scope`, `canary`: as of core.asking.request_plan.Question."""

    asking: Asking
    provider: Provider
    model: str
    scope: str
    canary: str = ""

    def hashed(self, what: object) -> str:
        said = [self.provider.name, self.provider.base_url, self.model, self.asking.template_id, self.asking.version]
        return self.scope + hashlib.sha256(orjson.dumps([*said, what], option=orjson.OPT_SORT_KEYS)).hexdigest()


@dataclass(frozen=True)
class Asked:
    """A pair, with the heads whose statements are asked. `number`: its place in the request."""

    pair: str
    a: str
    b: str
    statements: PairOfStatements
    fingerprint: str
    number: int = 0


@dataclass(frozen=True)
class Request:
    """`known`: its answer is. `tokens`: of its input."""

    fingerprint: str
    body: str
    tokens: int
    pairs: tuple[Asked, ...]
    known: bool


def plan(session: Session, whom: Whom, kind: PairKind | None, collection: str | None, most: int) -> list[Request]:
    """The requests for open pairs, the best supported first; those that are being judged at the moment are left out."""
    pairs = _open(session, whom, kind, collection, most)
    again = _asked_before(session, pairs)
    there = {one.pair for request in again for one in request.pairs}
    fresh = [_request(whom, some) for some in _cut([one for one in pairs if one.pair not in there])]
    if not fresh:
        return again
    known = {row.fingerprint for row in db.rows(session, known_of(), fingerprints=[one.fingerprint for one in fresh])}
    return [*again, *(Request(r.fingerprint, r.body, r.tokens, r.pairs, r.fingerprint in known) for r in fresh)]


def _open(session: Session, whom: Whom, kind: PairKind | None, collection: str | None, most: int) -> list[Asked]:
    where = f"{IN_COLLECTION if collection else 'true'} AND {NOT_UNDER_WAY}"
    given = {"collection": collection} if collection else {}
    kinds = [kind] if kind else list(KINDS)
    sql = review_report.OPEN.format(where=where, after="true")
    found = db.rows(session, sql, kinds=kinds, most=MOST_ORDERED, limit=most, **given)
    heads = {row.id: row for row in db.rows(session, HEADS, ids=sorted({x for row in found for x in (row.a, row.b)}))}
    asked = []
    for row in found:
        a, b = heads[row.a], heads[row.b]
        statements = PairOfStatements(a.statement, b.statement, (a.question, b.question))
        asked.append(Asked(row.id, a.id, b.id, statements, whom.hashed(statements.as_json(0))))
    return asked


NOT_UNDER_WAY = """
NOT EXISTS (SELECT 1 FROM judged_pair q JOIN request r ON r.id = q.request_id
  WHERE q.pair_id = h.id AND q.workspace_id = :workspace AND q.outcome IS NULL
    AND r.state NOT IN ('failed', 'cancelled'))
"""
HEADS = "SELECT id, statement, question FROM insight WHERE id = ANY(:ids) AND workspace_id = :workspace"


def _asked_before(session: Session, pairs: Sequence[Asked]) -> list[Request]:
    """The earlier requests that hold these pairs and have an answer that may be given again, each with those of them
    that it is asked for."""
    if not (pairs and reuse.looks_up()):
        return []
    by_print = {one.fingerprint: one for one in pairs}
    found = db.rows(session, BEFORE, fingerprints=list(by_print))
    theirs: dict[int, list[Asked]] = {}
    for row in found:
        one = by_print[row.pair]
        theirs.setdefault(row.request_id, []).append(
            Asked(one.pair, one.a, one.b, one.statements, one.fingerprint, row.number)
        )
    bodies = {row.id: row for row in db.rows(session, BODIES, ids=list(theirs))}
    return [
        Request(bodies[id_].fingerprint, bodies[id_].body, bodies[id_].input_tokens, tuple(some), known=True)
        for id_, some in theirs.items()
    ]


BEFORE = f"""
SELECT DISTINCT ON (q.fingerprint) q.fingerprint AS pair, q.number, q.request_id
FROM judged_pair q JOIN request r ON r.id = q.request_id JOIN request_body b ON b.request_id = r.id
WHERE q.fingerprint = ANY(:fingerprints) AND q.workspace_id = :workspace
  AND EXISTS (SELECT 1 FROM response s WHERE s.fingerprint = r.fingerprint AND {reuse.REUSABLE})
ORDER BY q.fingerprint, q.request_id
"""
BODIES = """
SELECT r.id, r.fingerprint, r.input_tokens, CAST(b.body AS text) AS body
FROM request r JOIN request_body b ON b.request_id = r.id WHERE r.id = ANY(:ids)
"""


def known_of() -> str:
    return f"SELECT f AS fingerprint FROM unnest(CAST(:fingerprints AS text[])) f WHERE {reuse.is_known('f')}"


def _cut(pairs: Iterable[Asked]) -> list[list[Asked]]:
    requests: list[list[Asked]] = []
    characters = 0
    for one in pairs:
        length = len(one.statements.a) + len(one.statements.b)
        if not requests or len(requests[-1]) == PAIRS_AT_ONCE or characters + length > MOST_CHARACTERS:
            requests.append([])
            characters = 0
        requests[-1].append(one)
        characters += length
    return requests


def _request(whom: Whom, pairs: Sequence[Asked]) -> Request:
    statements = [one.statements for one in pairs]
    prompt = prompts.build_pairs(whom.asking, statements, canary=whom.canary)
    body = whom.provider.body(prompt, whom.model)
    asked = whom.provider.body(prompts.build_pairs(whom.asking, statements), whom.model)
    numbered = tuple(
        Asked(one.pair, one.a, one.b, one.statements, one.fingerprint, number) for number, one in enumerate(pairs, 1)
    )
    return Request(whom.hashed(asked), orjson.dumps(body).decode(), tokens.count(prompt.asked), numbered, known=False)
