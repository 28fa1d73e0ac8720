"""Usage records over two years: jobs of 500 calls of every kind, in either lane, and one call in ten of no job."""

from core.money import folding
from core.runtime import db, engines

DAYS, CALLS_OF_A_JOB = 730, 450
TEXTS_OF_A_JOB = 50


def make(records: int) -> None:
    """Triggers are off meanwhile, as they are measured elsewhere; the sums are made of all records, as they are after
    a change of the zone."""
    jobs = max(1, records // (CALLS_OF_A_JOB + TEXTS_OF_A_JOB))
    with db.transaction() as session:
        db.execute(session, "ALTER TABLE usage_record DISABLE TRIGGER USER")
        db.execute(session, "SELECT setseed(0.5)")
        db.execute(session, JOBS, jobs=jobs, days=DAYS)
        db.execute(session, CALLS, calls=CALLS_OF_A_JOB)
        db.execute(session, TEXTS, calls=TEXTS_OF_A_JOB)
        db.execute(session, "ALTER TABLE usage_record ENABLE TRIGGER USER")
    with engines.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE usage_record")
        connection.exec_driver_sql("CHECKPOINT")


def sum_up(zone: str) -> None:
    folding.keep_up(zone)
    with engines.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE usage_sum, usage_delta")


# In the order of time, as they come.
JOBS = """
CREATE TEMP TABLE made ON COMMIT DROP AS
SELECT n, 'job_' || n AS id, now() - make_interval(days => :days) * (1 - n::float / :jobs) AS at,
  CASE WHEN random() < 0.6 THEN 'batch' ELSE 'live' END AS lane, 'person_' || floor(random() * 12) AS "user",
  'tpl_' || floor(random() * 8) AS template, 'collection ' || floor(random() * 10) AS collection,
  floor(random() * 8)::int AS model
FROM generate_series(1, :jobs) n
"""
RECORD = """
INSERT INTO usage_record (workspace_id, time, job_id, request_id, attempt, template_id, "user", collection, provider,
  model, lane, tier, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_usd,
  list_usd, priced, price, reused, saved_usd, latency_ms, status, provider_request_id)
SELECT 'ws_default', time, job, request, 1, template, "user", collection, CASE WHEN model < 4 THEN 'openai' ELSE
    'anthropic' END, 'model-' || model, lane, CASE lane WHEN 'batch' THEN 'batch' ELSE 'standard' END,
  CASE WHEN reused THEN 0 ELSE 900 + n % 400 END, CASE WHEN NOT reused AND n % 5 = 0 THEN 512 ELSE 0 END,
  CASE WHEN NOT reused AND n % 50 = 0 THEN 300 ELSE 0 END, CASE WHEN reused THEN 0 ELSE 250 + n % 90 END,
  CASE WHEN reused THEN 0 ELSE n % 60 END, CASE WHEN reused THEN 0 ELSE 0.00135 + (n % 97) * 0.0000117 END,
  CASE WHEN reused THEN 0 ELSE 0.0027 + (n % 97) * 0.0000234 END, true, CASE WHEN NOT reused THEN PRICE END, reused,
  CASE WHEN reused THEN 0.0014 END, 800, CASE WHEN n % 33 = 0 THEN 'unusable' ELSE 'ok' END, 'req_' || request
"""
PRICE = """jsonb_build_object('source', 'snapshot', 'version', '0.0.9', 'model', 'model-' || model, 'rates',
    jsonb_build_object('input', '1.25', 'cached', '0.125', 'output', '10'))"""
# A live job takes an hour; what is handed over comes back at once.
CALLS = f"""
{RECORD.replace("PRICE", PRICE)}
FROM (SELECT c AS n, m.n::bigint * 1000 + c AS request, m.id AS job, c % 20 = 0 AS reused, lane, "user", template,
        collection, model,
        least(at + CASE lane WHEN 'live' THEN make_interval(secs => c * 8) ELSE interval '3 hours' END, now()) AS time
      FROM made m, generate_series(1, :calls) c ORDER BY m.n, c) r
"""
TEXTS = f"""
{RECORD.replace("PRICE", PRICE)}
FROM (SELECT c AS n, m.n::bigint * 1000 + 900 + c AS request, NULL AS job, false AS reused,
        least(at + make_interval(secs => c * 60), now()) AS time, 'live' AS lane, m."user", m.template,
        NULL AS collection, m.model
      FROM made m, generate_series(1, :calls) c ORDER BY m.n, c) r
"""
