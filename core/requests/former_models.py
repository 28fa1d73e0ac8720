"""The models that a job was asked of before it went on with another one.

A request is made for one model, whose name is in its body and fingerprint, so it is never rewritten. When a job goes on
with another model, requests under way at the former one are answered and kept as its answers. Requests that wait are
deleted, and their documents expanded anew. All parts of a long document are answered by one model: it is made anew only
while none of its requests is under way.

Request ids grow, so the last id made for a model bounds all of its requests.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlmodel import Session

from core.runtime import db


def until(former: Sequence[Mapping[str, Any]] | None) -> int:
    """The highest id of a request made for a former model; 0 where the job never had another."""
    return int(former[-1]["until"]) if former else 0


def asked(field: str) -> str:
    """SQL expression: the `provider` or the `model` (`field`) that request r of job j was made for."""
    return f"""coalesce((
      SELECT f.one ->> '{field}' FROM jsonb_array_elements(j.former) WITH ORDINALITY AS f(one, place)
      WHERE r.id <= CAST(f.one ->> 'until' AS bigint) ORDER BY f.place LIMIT 1), j.{field})"""


# As in `until`, in SQL.
UNTIL = "coalesce(CAST(j.former -> -1 ->> 'until' AS bigint), 0)"
WAITS = f"r.state IN ('pending', 'held') AND r.id <= {UNTIL}"


def make_anew(session: Session, job_id: str) -> list[str]:
    """Have the documents that wait for a former model expanded again. Returns their ids.

    Answers that their parts already have are kept and can be reused if that model is asked again. Documents whose
    requests another transaction has locked are left for the next call.
    """
    documents = [row.document_id for row in db.rows(session, WAITING, job=job_id)]
    found = db.rows(session, ANEW, job=job_id, documents=documents) if documents else []
    ids = [row.document_id for row in found]
    if ids:
        for statement in MAKE_ANEW:
            db.execute(session, statement, job=job_id, documents=ids)
    return ids


WAITING = f"""
SELECT DISTINCT r.document_id FROM request r JOIN job j ON j.id = r.job_id
WHERE r.job_id = :job AND r.document_id IS NOT NULL AND {WAITS}
"""

# The requests stay locked until commit. A document that is being deleted is locked, and skipped.
ANEW = """
WITH free AS MATERIALIZED (
  SELECT r.document_id, r.state FROM request r JOIN document d ON d.id = r.document_id
  WHERE r.job_id = :job AND r.document_id = ANY(:documents)
  FOR UPDATE OF r SKIP LOCKED FOR KEY SHARE OF d SKIP LOCKED
)
SELECT document_id FROM free GROUP BY document_id
HAVING NOT bool_or(state IN ('in_flight', 'answered'))
  AND count(*) = (SELECT count(*) FROM request o WHERE o.job_id = :job AND o.document_id = free.document_id)
"""

GOING = "r.job_id = :job AND r.document_id = ANY(:documents) AND r.state <> 'succeeded'"
MAKE_ANEW = (
    # Unusable ones alone: a request with a good answer has succeeded.
    f"""DELETE FROM response s USING request r WHERE s.request_id = r.id AND {GOING}
          AND NOT EXISTS (SELECT 1 FROM request o WHERE o.response_id = s.id AND o.id <> r.id)""",
    f"DELETE FROM request_body b USING request r WHERE b.request_id = r.id AND {GOING}",
    f"DELETE FROM request r WHERE {GOING}",
    """UPDATE request SET custom_id = custom_id || '~' || id, merge_id = NULL
       WHERE job_id = :job AND document_id = ANY(:documents) AND custom_id NOT LIKE '%~%'""",
    "UPDATE job_document SET expanded = false WHERE job_id = :job AND document_id = ANY(:documents)",
)
