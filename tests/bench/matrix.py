"""The matrix of a template that all documents of a large base were asked with: in the order of documents, by a field,
narrowed by a value and by what was found of quotes; each beside a bare query for a hundred rows."""

from collections.abc import Callable
from functools import partial

from core.asking import templates
from core.fields import FieldSpec
from core.insights import matrix
from core.insights.matrix import Wanted
from core.runtime import db, engines

NAME = "Contracts"
FIELDS = (
    FieldSpec("fee", "number", "what it costs", quote=True),
    FieldSpec("kind", "choice", "what it is", choices=("lease", "supply", "loan")),
    FieldSpec("open", "boolean", "whether it may be ended"),
    FieldSpec("parties", "list", "who signed"),
)
KEPT = "SELECT id FROM template WHERE name = :name AND workspace_id = :workspace"


def template(documents: int) -> str:
    """The template's id; the answers are written where there are none yet."""
    with db.transaction() as session:
        kept: str | None = db.scalar(session, KEPT, name=NAME)
    if kept is not None:
        return kept
    made = templates.create(NAME, "What does it say?", FIELDS, insights=False).id
    with db.transaction() as session:
        # References are right, and checking each takes longer than all else.
        db.execute(session, "SET LOCAL session_replication_role = replica")
        for statement in WRITTEN:
            db.execute(session, statement, template=made, documents=documents)
    with engines.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE response, request, field_quote")
    return made


# Numbered behind those of the base, which has no answers.
FIRST = 10_000_000
WRITTEN = (
    """INSERT INTO job (id, workspace_id, name, template_id, template_version, params, provider, model, lane, state)
    SELECT 'job_matrix', 'ws_default', 'Job', :template, 1, '{}', 'offline', 'm', 'live', 'completed'
    WHERE CAST(:documents AS int) > 0""",
    f"""INSERT INTO response (id, request_id, fingerprint, model, raw, finish_reason, input_tokens, cached_input_tokens,
      output_tokens, verdict, result) OVERRIDING SYSTEM VALUE
    SELECT {FIRST} + n, {FIRST} + n, 'f', 'm', '{{}}', 'stop', 1, 0, 1, 'ok', jsonb_build_object(
      'fee', CAST(n AS bigint) * 7919 % 100000, 'kind', (ARRAY['lease', 'supply', 'loan'])[n % 3 + 1],
      'open', n % 10 = 0,
      'parties', jsonb_build_array('Party ' || n % 500, 'Party ' || n % 77))
    FROM generate_series(0, :documents - 1) n WHERE CAST(:template AS text) IS NOT NULL""",
    f"""INSERT INTO request (id, job_id, document_id, custom_id, fingerprint, lane, state, input_tokens, response_id,
      finished_at) OVERRIDING SYSTEM VALUE
    SELECT {FIRST} + n, 'job_matrix', 'doc_' || lpad(n::text, 7, '0'), 'doc_' || lpad(n::text, 7, '0'), 'f', 'live',
      'succeeded', 1, {FIRST} + n, now()
    FROM generate_series(0, :documents - 1) n WHERE CAST(:template AS text) IS NOT NULL""",
    f"""INSERT INTO field_quote (document_id, response_id, field, value, quote, verdict, supported, start, "end")
    SELECT 'doc_' || lpad(n::text, 7, '0'), {FIRST} + n, 'fee', n::text, 'It costs ' || n || ' euros.',
      CASE WHEN n % 50 = 0 THEN 'absent' ELSE 'found' END, n % 50 > 0, 0, 20
    FROM generate_series(0, :documents - 1) n WHERE CAST(:template AS text) IS NOT NULL""",
)


def kinds(of: str) -> dict[str, Callable[[], object]]:
    """What is measured."""
    wanted = {
        "matrix": Wanted(of),
        "matrix of a collection": Wanted(of, collection="c0"),
        "matrix by a field": Wanted(of, sort="-fee"),
        "matrix of a value": Wanted(of, where=(("kind", "loan"),)),
        "matrix, quotes missing": Wanted(of, evidence="unsupported"),
    }
    found: dict[str, Callable[[], object]] = {name: partial(matrix.find, one) for name, one in wanted.items()}
    return found | {"matrix, counted": partial(matrix.count, Wanted(of))}
