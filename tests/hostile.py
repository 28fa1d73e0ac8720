"""A text that tries all that markup can, and a Cairn in which every foreign text is that one."""

import json

from core.runtime import db
from tests.pages import made
from tests.pipeline import add_document, make_job, rows, run_job

HOST = "evil.example"
TEXT = (
    f"![p](http://{HOST}/p.png) [l](http://{HOST}/l) <img src=http://{HOST}/i.png> <a href='http://{HOST}/a'>a</a> "
    f"http://{HOST}/u www.{HOST}/w a@{HOST} <http://{HOST}/b> :violet[v] :material/skull: :streamlit: :smile: $x^2$ "
    f"`code` **bold** <script>fetch('http://{HOST}/s')</script> \x07\x1b[31m\u202e [r]: http://{HOST}/r -> x\n"
    f"# head\n\n| a | b |\n|---|---|\n| 1 | 2 |\n- [ ] item\n\n\n[r]: http://{HOST}/r\n[r]"
)


def fill() -> dict[str, str]:
    """Make one of everything. Returns the ids of a `document`, a `failed` one, a `job` over the first, one of `own`
    requests with a batch, one that is `waiting`, and of an `insight`."""
    document, failed = add_document(), add_document("Another text.", "b.txt")
    job = make_job([document], params={"count": 2})
    run_job(job)
    columns = {"name": TEXT, "description": TEXT, "model": TEXT, "error": TEXT, "correlation_id": TEXT}
    own = made.job("failed", template_id=None, template_version=None, **columns)
    made.requests(own, "failed", 2, error_code=TEXT, error_message=TEXT, model=TEXT)
    batch = made.batch(own, "failed", error=TEXT, provider_state=TEXT, provider_batch_id=TEXT, model=TEXT, counts=ODD)
    made.odd_line(batch, "unknown", TEXT.encode())
    waiting = made.job("paused", **columns)
    made.requests(waiting, "pending", 2)
    made.usage(own, model=TEXT, cost_usd=2, input_tokens=9)
    answer = {SHORT: [SHORT], "a": SHORT, "b": [{"statement": TEXT, SHORT: SHORT}]}
    field = {"name": TEXT, "type": "string", "description": TEXT, "choices": [], "required": True}
    values = {
        "text": TEXT,
        "params": json.dumps({"question": SHORT, SHORT: SHORT}),
        "answer": json.dumps(answer),
        "short": SHORT,
        "fields": json.dumps([field]),
        "choice": json.dumps({"model": TEXT}),
        "job": job,
        "failed": failed,
    }
    with db.transaction() as session:
        for statement in ROWS:
            db.execute(session, statement, **{name: v for name, v in values.items() if f":{name}" in statement})
    of_matrix(document, columns)
    insight = rows("SELECT id FROM insight LIMIT 1")[0]["id"]
    return {"document": document, "failed": failed, "job": job, "own": own, "waiting": waiting, "insight": insight}


def of_matrix(document: str, columns: dict[str, str]) -> None:
    """An answer to a template with a field, whose quote is not in the document."""
    field = {"name": TEXT, "type": "string", "description": TEXT, "choices": [], "required": True, "quote": True}
    with db.transaction() as session:
        for statement in OF_MATRIX:
            given = {"text": TEXT, "fields": json.dumps([field]), "answer": json.dumps({TEXT: TEXT})}
            db.execute(session, statement, **{name: v for name, v in given.items() if f":{name}" in statement})
    (response,) = rows("SELECT max(id) AS id FROM response")
    job = made.job("completed", template_id="tpl_y", **columns)
    made.requests(job, "succeeded", 1, document_id=document, custom_id=document, response_id=response["id"])
    with db.transaction() as session:
        db.execute(session, QUOTED, document=document, response=response["id"], text=TEXT)


OF_MATRIX = (
    "INSERT INTO template (workspace_id, id, name, built_in, version) VALUES ('ws_default', 'tpl_y', :text, false, 1)",
    """INSERT INTO template_version (template_id, version, prompt, fields, insights)
       VALUES ('tpl_y', 1, :text, CAST(:fields AS jsonb), false)""",
    """INSERT INTO response (fingerprint, model, raw, finish_reason, input_tokens, cached_input_tokens, output_tokens,
         verdict, result) VALUES ('f', :text, '{}', 'stop', 1, 0, 1, 'ok', CAST(:answer AS jsonb))""",
)
QUOTED = """
INSERT INTO field_quote (document_id, response_id, field, value, quote, verdict, supported)
VALUES (:document, :response, :text, :text, :text, 'absent', false)
"""
# JSON columns take no NUL, and the others no half surrogates.
SHORT = f"![p](http://{HOST}/p.png) [l](http://{HOST}/l) <a href='http://{HOST}'>a</a> http://{HOST}/u :violet[v]\x07"
ODD = json.dumps({"answered": 0, "failed": 2, "again": 0, "cancelled": 0, "missing": 0, "odd": {"unknown": 1}})
ROWS = (
    "UPDATE document SET name = :text, error_message = :text, language = :text, media_type = :text",
    "UPDATE document SET state = 'failed' WHERE id = :failed",
    "UPDATE collection SET name = :text",
    "UPDATE job SET name = :text, description = :text, params = CAST(:params AS jsonb) WHERE id = :job",
    "UPDATE job_event SET message = :text",
    "UPDATE insight SET statement = :text || ' ' || id, shown = :text, reason = :text",
    "UPDATE insight SET question = CAST(:text AS text), tags = ARRAY[CAST(:text AS text)]",
    """INSERT INTO insight_change (change_id, workspace_id, insight_id, actor, action, before, after, version)
       SELECT 'chg_x', workspace_id, id, :text, 'change', '{}', jsonb_build_object('state', 'dismissed', 'reason',
         CAST(:short AS text), 'shown', CAST(:short AS text), 'tags', jsonb_build_array(CAST(:short AS text))), 2
       FROM insight""",
    "UPDATE evidence SET quote = :text, supported = false, attributes = CAST(:params AS jsonb)",
    "UPDATE response SET result = CAST(:answer AS jsonb), text = :text",
    "INSERT INTO template (workspace_id, id, name, built_in, version) VALUES ('ws_default', 'tpl_x', :text, false, 1)",
    """INSERT INTO template_version (template_id, version, prompt, fields, insights)
       VALUES ('tpl_x', 1, :text, CAST(:fields AS jsonb), true)""",
    "INSERT INTO breaker (provider, model, state, by_hand, opened_at) VALUES ('openai', :text, 'open', true, now())",
    """INSERT INTO call_minute (provider, model, minute, answered, failed, latencies)
       VALUES ('openai', :text, date_trunc('minute', now()), 3, 1, '{0,0,1}')""",
    "INSERT INTO rate_limit (provider, model, kind, known, a_minute) VALUES ('openai', :text, 'requests', true, 60)",
    """INSERT INTO audit_entry (id, time, door, action, object, "user", after, outcome, previous_hash, hash)
       VALUES (1, now(), 'pages', 'settings.change', '{"kind": "setting", "id": "model:openai"}', :text,
         CAST(:choice AS jsonb), 'done', '', '')""",
    """INSERT INTO audit_entry (id, time, door, action, object, "user", outcome, previous_hash, hash)
       VALUES (2, now(), 'pages', 'breaker.open', jsonb_build_object('kind', 'breaker', 'id', 'openai/' || :text),
         :text, 'done', '', '')""",
    # So that what is done there is an entry after these.
    """INSERT INTO audit_head (id, entries, hash) VALUES (1, 2, '')
       ON CONFLICT (id) DO UPDATE SET entries = 2""",
    "INSERT INTO setting (name, value, changed_by) VALUES ('model:openai', CAST(:choice AS jsonb), :text)",
    """INSERT INTO health_sample (time, component, healthy, message, figures)
       SELECT now() - n * interval '10 minutes', c, false, :text, '{"p50_ms": 3}'
       FROM generate_series(0, 4) n, unnest(ARRAY['database', 'queue', 'provider:openai', :text]) c""",
    "INSERT INTO worker (name, kind, leader) VALUES (:text, 'jobs', true)",
)
