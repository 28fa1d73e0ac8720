"""Under what an insight is listed: the collections of its evidence, the templates and jobs that brought it, the values
of choice and boolean fields, and its tags. Rows in the order of lists, so that a huge collection is as quick as a tiny
one.

Of an insight with a head nothing: the head stands under all of it but the tags, which are its own alone. Whoever writes
here has locked the insights.
"""

from collections.abc import Iterable

from sqlmodel import Session

from core.runtime import db


def collection(collection_id: str) -> str:
    return f"collection:{collection_id}"


def template(template_id: str) -> str:
    return f"template:{template_id}"


def job(job_id: str) -> str:
    return f"job:{job_id}"


def field(name: str, value: str) -> str:
    return f"field:{name}={value}"


def tag(name: str) -> str:
    return f"tag:{name}"


def add(session: Session, insight_ids: Iterable[str], document_ids: Iterable[str]) -> None:
    """What these documents' evidence of these insights, or of their heads, adds."""
    ids, documents = sorted(set(insight_ids)), sorted(set(document_ids))
    db.execute(session, ADD.format(member=MEMBERS, some=OF_DOCUMENTS, tags=""), ids=ids, documents=documents)


def renew(session: Session, insight_ids: Iterable[str]) -> None:
    """List insights under what they have evidence of now, and under nothing else."""
    ids = sorted(set(insight_ids))
    db.execute(session, REMOVE, ids=ids)
    db.execute(session, ADD.format(member=WITH_MERGED, some="", tags=WITH_TAGS), ids=ids)
    db.execute(session, SEARCHED, ids=ids)


def retag(session: Session, insight_ids: Iterable[str]) -> None:
    """List insights under the tags that they have now, and under no others."""
    ids = sorted(set(insight_ids))
    db.execute(session, UNTAG, ids=ids)
    db.execute(session, TAG, ids=ids)


def forget(session: Session, insight_ids: Iterable[str]) -> None:
    db.execute(session, "DELETE FROM listing WHERE insight_id = ANY(:ids)", ids=sorted(set(insight_ids)))


# A search by words alone need not look at insights.
SEARCHED = """
UPDATE statement_search s SET listed = i.head_id IS NULL FROM insight i
WHERE i.id = ANY(:ids) AND s.insight_id = i.id AND s.listed <> (i.head_id IS NULL)
"""
# What is said of an insight is listed under its head.
MEMBERS = "SELECT workspace_id, coalesce(head_id, id) AS insight, id AS member FROM insight WHERE id = ANY(:ids)"
WITH_MERGED = """
SELECT workspace_id, id AS insight, id AS member FROM insight WHERE id = ANY(:ids) AND head_id IS NULL
UNION ALL SELECT m.workspace_id, m.head_id, m.id FROM insight m WHERE m.head_id = ANY(:ids)
"""
OF_DOCUMENTS = "AND e.document_id = ANY(:documents)"
TAGGED = """
SELECT i.workspace_id, 'tag:' || t.tag AS key, i.id AS insight_id FROM insight i, unnest(i.tags) AS t (tag)
WHERE i.id = ANY(:ids) AND i.head_id IS NULL
"""
WITH_TAGS = f"UNION {TAGGED}"
TAG = f"""
INSERT INTO listing (workspace_id, key, insight_id) {TAGGED} ORDER BY insight_id, key ON CONFLICT DO NOTHING
"""
UNTAG = f"""
DELETE FROM listing WHERE insight_id = ANY(:ids) AND starts_with(key, 'tag:')
  AND (key, insight_id) NOT IN (SELECT key, insight_id FROM ({TAGGED}) t)
"""
FIELDS = """
SELECT DISTINCT v.template_id, f->>'name' AS name FROM template_version v, jsonb_array_elements(v.fields) f
WHERE v.template_id IN (SELECT template_id FROM theirs) AND f->>'type' IN ('choice', 'boolean')
"""
WANTED = f"""
WITH member AS MATERIALIZED ({{member}}), theirs AS MATERIALIZED (
  SELECT m.workspace_id, m.insight, e.id, e.template_id, e.document_id, e.response_id, e.attributes
  FROM member m JOIN evidence e ON e.insight_id = m.member {{some}}
), field AS MATERIALIZED ({FIELDS}), wanted AS MATERIALIZED (
  SELECT t.workspace_id, 'collection:' || d.collection_id AS key, t.insight
  FROM theirs t JOIN document d ON d.id = t.document_id
  UNION SELECT workspace_id, 'template:' || template_id, insight FROM theirs
  UNION SELECT t.workspace_id, 'job:' || r.job_id, t.insight
  FROM theirs t JOIN request r ON r.response_id = t.response_id WHERE r.job_id IS NOT NULL
  UNION SELECT t.workspace_id, 'job:' || r.job_id, t.insight
  FROM theirs t JOIN sighting s ON s.evidence_id = t.id JOIN request r ON r.response_id = s.response_id
  WHERE r.job_id IS NOT NULL
  UNION SELECT t.workspace_id, 'field:' || f.name || '=' || (t.attributes->>f.name), t.insight
  FROM theirs t JOIN field f USING (template_id) WHERE t.attributes->>f.name IS NOT NULL
  {{tags}}
)
"""
ADD = f"""{WANTED}
INSERT INTO listing (workspace_id, key, insight_id) SELECT workspace_id, key, insight FROM wanted w
WHERE NOT EXISTS (SELECT 1 FROM listing l WHERE l.workspace_id = w.workspace_id AND l.key = w.key
  AND l.insight_id = w.insight)
ORDER BY insight, key
ON CONFLICT DO NOTHING
"""
REMOVE = f"""{WANTED.format(member=WITH_MERGED, some="", tags=WITH_TAGS)}
DELETE FROM listing WHERE insight_id = ANY(:ids) AND (key, insight_id) NOT IN (SELECT key, insight FROM wanted)
"""
