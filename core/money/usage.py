"""Usage records: the one shape in which they are written."""

from core.money.pricing import Price

# What the answer that request r reuses had cost. With a merged one its parts are saved, too, unless r has its own.
SAVED = """(
  WITH RECURSIVE asked AS (
    SELECT s.request_id AS id FROM response s WHERE s.id = r.response_id
    UNION SELECT part.id FROM asked JOIN request part ON part.merge_id = asked.id
      WHERE NOT EXISTS (SELECT 1 FROM request own WHERE own.merge_id = r.id)
  )
  SELECT CASE WHEN bool_and(u.priced) THEN sum(u.cost_usd) END
  FROM asked JOIN usage_record u ON u.request_id = asked.id AND NOT u.reused
)"""


def collection_of(request: str) -> str:
    """SQL expression: the name of the collection of a request's document."""
    return f"""(
  SELECT c.name
  FROM request asked JOIN document d ON d.id = asked.document_id JOIN collection c ON c.id = d.collection_id
  WHERE asked.id = {request}
)"""


def insert(
    source: str,
    *,
    workspace_id: str,
    template_id: str,
    provider: str,
    model: str,
    lane: str,
    priced: str,
    status: str,
    **more: str,
) -> str:
    """SQL that writes one usage record for each row of `source`, which is what stands after FROM.

    Each value is an SQL expression, by its column. A record with the same (request_id, attempt), or with the same
    `booking`, is there already: those are idempotency keys, and nothing is billed twice.
    """
    named = {
        "workspace_id": workspace_id,
        "template_id": template_id,
        "provider": provider,
        "model": model,
        "lane": lane,
        "priced": priced,
        "status": status,
        **more,
    }
    return f"""INSERT INTO usage_record ({", ".join(named)})
  SELECT {", ".join(named.values())}
  FROM {source}
  ON CONFLICT DO NOTHING"""


def insert_reused(source: str, **whose: str) -> str:
    """`insert` for requests `r` of `source` that reuse an answer: they cost nothing and save what it had cost."""
    return insert(
        source,
        request_id="r.id",
        lane="r.lane",
        cost_usd="0",
        list_usd="0",
        tier="CASE WHEN r.lane = 'batch' THEN 'batch' ELSE 'standard' END",
        collection=collection_of("r.id"),
        priced="true",
        status="'ok'",
        reused="true",
        saved_usd=SAVED,
        **whose,
    )


REUSED_RECORDS = insert_reused(
    "request r JOIN job j ON j.id = r.job_id WHERE r.id = ANY(:ids)",
    workspace_id="j.workspace_id",
    job_id="j.id",
    template_id="j.template_id",
    provider="j.provider",
    model="coalesce(r.model, j.model)",
    **{'"user"': 'j."user"'},
)


def price_json(price: Price) -> str | None:
    return price.applied.as_json if price.applied else None
