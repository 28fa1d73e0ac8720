"""Audit entries: who did what. All of them are written here, in the transaction of what they tell, and none is ever
changed. `python -m core.access.audit verify` walks their chain and names the first broken link.
"""

import json
import sys
from collections.abc import Mapping
from typing import Any, Literal

from sqlmodel import Session

from core.access import actor, chain
from core.environment import get_settings
from core.errors import CairnError
from core.runtime import correlation, db, engines

# One side of a change; None where there was nothing before, or nothing is left.
Side = Mapping[str, Any] | None
Outcome = Literal["done", "refused"]


def write(
    session: Session,
    action: str,
    kind: str,
    id_: str | None = None,
    *,
    name: str | None = None,
    before: Side = None,
    after: Side = None,
    workspace_id: str | None = None,
    of_machine: bool = False,
    outcome: Outcome = "done",
) -> int:
    """Record an action of the caller on an object, and return the entry's id. `before` and `after` hold no secret.

    It belongs to the transaction's workspace, unless another is given or it is `of_machine`. Writers take turns until
    their transactions end, so it is best the last thing that one does.
    """
    who = actor.caller()
    sides: dict[str, Any] = {"before": _json(before), "after": _json(after)}
    link = db.row(session, NEXT, start=chain.START, **sides)
    assert link is not None
    entry = {
        "id": link.entries,
        "time": link.time,
        "workspace": None if of_machine else workspace_id or db.workspace_of(session),
        "user": who.user,
        "key": who.key,
        "door": who.door,
        "ip": who.ip,
        "request_id": who.request_id or correlation.current(),
        "action": action,
        "object": {"kind": kind, "id": id_, "name": name},
        "before": link.before,
        "after": link.after,
        "outcome": outcome,
        "previous_hash": link.hash,
    }
    hash_ = chain.hashed(link.hash, chain.as_json(entry))
    stored = {**entry, "object": json.dumps(entry["object"]), **sides, "hash": hash_}
    db.execute(session, WRITE, **stored)
    return int(link.entries)


# The row of the head stays locked until the transaction ends. What PostgreSQL makes of the JSON is what is hashed.
NEXT = """
INSERT INTO audit_head (id, entries, hash) VALUES (1, 1, :start)
ON CONFLICT (id) DO UPDATE SET entries = audit_head.entries + 1
RETURNING entries, hash, clock_timestamp() AS time, CAST(:before AS jsonb) AS before, CAST(:after AS jsonb) AS after
"""
WRITE = """
WITH head AS (UPDATE audit_head SET hash = :hash)
INSERT INTO audit_entry (id, time, workspace, "user", key, door, ip, request_id, action, object, before, after, outcome,
  previous_hash, hash)
VALUES (:id, :time, :workspace, :user, :key, :door, :ip, :request_id, :action, CAST(:object AS jsonb),
  CAST(:before AS jsonb), CAST(:after AS jsonb), :outcome, :previous_hash, :hash)
"""


def _json(side: Side) -> str | None:
    return None if side is None else json.dumps(dict(side))


def _main(arguments: list[str]) -> int:
    if arguments != ["verify"]:
        print("Usage: python -m core.access.audit verify", file=sys.stderr)
        return 2
    try:
        _look_where_cairn_runs()
        found = chain.verify()
    except CairnError as error:
        print(f"{error.message} Start Cairn, or set DATABASE_URL.", file=sys.stderr)
        return 2
    if found.valid:
        print(f"The audit is whole: {found.entries:,} entries, the last with hash {found.head}.")
        return 0
    print(f"The audit is broken: entry {found.first_broken} is the first that does not fit, of {found.entries:,}.")
    return 1


def _look_where_cairn_runs() -> None:
    """In the embedded database of DATA_DIR where the environment names no other."""
    if get_settings().database_url is None:
        from core.runtime.embedded_postgres import EmbeddedPostgres

        engines.configure(EmbeddedPostgres(get_settings().data_dir).app_url)


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
