"""What people made of statements, kept beyond the statements themselves: hashes of their keys, and no text.

A statement that comes back after its documents were deleted is what a person decided it to be. The hash is salted, once
per installation: whoever has the table can find out nothing but whether a statement that they already have was decided.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session

from core.runtime import db
from core.statements import keys

# Of keys, under which decisions may be.
VERSIONS = range(1, keys.VERSION + 1)


@dataclass(frozen=True)
class Statement:
    """An insight as a decision on it is looked up. `exact_key` is of keys.VERSION."""

    insight_id: str
    workspace_id: str
    language: str | None
    question: str | None
    statement: str
    exact_key: str


def remember(session: Session, insight_ids: Iterable[str]) -> None:
    """Note what these insights are now, confirmed or dismissed; of one that is new again nothing. What was merged into
    an insight is what that is."""
    ids = sorted(set(insight_ids))
    db.execute(session, FORGET, ids=ids)
    db.execute(session, REMEMBER, ids=ids)
    # What was decided under keys of an older release is decided anew.
    if former := [version for version in VERSIONS if version != keys.VERSION]:
        found, salt = db.rows(session, DECIDED, ids=ids), _salt(session)
        hashes = [_hash(salt, key) for row in found for one in former if (key := _key(_statement(row), one))]
        db.execute(session, "DELETE FROM decision WHERE hash = ANY(:hashes)", hashes=hashes)


# As `_hash` makes it.
HASH = "encode(sha256(convert_to((SELECT decision_salt FROM installation) || ':' || i.exact_key, 'UTF8')), 'hex')"
THESE = """
insight i JOIN insight h ON h.id = CASE WHEN i.head_id IS NULL THEN i.id ELSE i.head_id END
  WHERE (i.id = ANY(:ids) OR i.head_id = ANY(:ids)) AND i.exact_key IS NOT NULL
"""
DECIDED = f"SELECT i.id, i.workspace_id, i.language, i.question, i.statement, i.exact_key FROM {THESE}"
FORGET = f"DELETE FROM decision WHERE hash IN (SELECT {HASH} FROM {THESE} AND h.state = 'new')"
REMEMBER = f"""
INSERT INTO decision (hash, workspace_id, key_version, state)
SELECT {HASH}, i.workspace_id, CAST(split_part(i.exact_key, '.', 1) AS int), h.state FROM {THESE} AND h.state <> 'new'
ORDER BY 1
ON CONFLICT (hash) DO UPDATE SET state = excluded.state, decided_at = now() WHERE decision.state <> excluded.state
"""


def recall(session: Session, fresh: Sequence[Statement]) -> None:
    """Give insights that are new to the base the state that was decided before they went."""
    if not fresh or not db.scalar(session, "SELECT EXISTS (SELECT 1 FROM decision)"):
        return
    salt = _salt(session)
    hashes = [
        (one.insight_id, _hash(salt, key)) for one in fresh for version in VERSIONS if (key := _key(one, version))
    ]
    db.columns(session, RECALL, insight=[insight for insight, _ in hashes], hash=[hash_ for _, hash_ in hashes])


RECALL = """
UPDATE insight i SET state = d.state
FROM unnest(%(insight)s::text[], %(hash)s::text[]) AS n(insight, hash) JOIN decision d ON d.hash = n.hash
WHERE i.id = n.insight AND i.state = 'new'
"""


def _key(one: Statement, version: int) -> str | None:
    """The statement's key as a decision of this version has it. None for a version that this release does not know."""
    if version == keys.VERSION:
        return one.exact_key
    return keys.exact_of_version(version, one.workspace_id, one.language, one.question, one.statement)


def _statement(row: Row[Any]) -> Statement:
    return Statement(row.id, row.workspace_id, row.language, row.question, row.statement, row.exact_key)


def _salt(session: Session) -> str:
    salt: str = db.scalar(session, "SELECT decision_salt FROM installation")
    return salt


def _hash(salt: str, exact_key: str) -> str:
    return hashlib.sha256(f"{salt}:{exact_key}".encode()).hexdigest()
