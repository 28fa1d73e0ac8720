"""everything of the first release"""

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0001"
down_revision: str | None = None
branch_labels: Any = None
depends_on: Any = None


QUEUE = Path(__file__).resolve().parent.parent / "procrastinate_3_10.sql"

DROP_QUEUE = """
DO $$ DECLARE thing record; BEGIN
  FOR thing IN SELECT tablename FROM pg_tables
    WHERE schemaname = current_schema() AND tablename LIKE 'procrastinate!_%' ESCAPE '!'
  LOOP EXECUTE format('DROP TABLE %I CASCADE', thing.tablename); END LOOP;
  FOR thing IN SELECT p.oid::regprocedure AS signature FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = current_schema() AND p.proname LIKE 'procrastinate!_%' ESCAPE '!'
  LOOP EXECUTE format('DROP FUNCTION %s CASCADE', thing.signature); END LOOP;
  FOR thing IN SELECT t.typname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
    WHERE n.nspname = current_schema() AND t.typname LIKE 'procrastinate!_%' ESCAPE '!' AND t.typtype IN ('e', 'c')
  LOOP EXECUTE format('DROP TYPE %I CASCADE', thing.typname); END LOOP;
END $$
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(QUEUE.read_text(encoding="utf-8").replace("%", "%%"))

    op.create_table(
        "blob",
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("sha256"),
    )
    op.create_table(
        "collection",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "health_sample",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("component", sa.String(), nullable=False),
        sa.Column("healthy", sa.Boolean(), nullable=False),
        sa.Column("latency_ms", sa.Float(), nullable=True),
        sa.Column("message", sa.String(), server_default=sa.text("''"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_health_sample_component", "health_sample", ["component", "time"], unique=False)
    op.create_table(
        "insight",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("statement", sa.String(), nullable=False),
        sa.Column("statement_key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), server_default=sa.text("'new'"), nullable=False),
        sa.Column("support", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("confidence", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "search",
            postgresql.TSVECTOR(),
            sa.Computed("to_tsvector('english'::regconfig, statement)", persisted=True),
            nullable=True,
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("statement_key"),
    )
    op.create_index("ix_insight_last_seen", "insight", ["last_seen", "id"], unique=False)
    op.create_index("ix_insight_search", "insight", ["search"], unique=False, postgresql_using="gin")
    op.create_table(
        "request",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("job_id", sa.String(), nullable=True),
        sa.Column("document_id", sa.String(), nullable=True),
        sa.Column("custom_id", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("lane", sa.String(), nullable=False),
        sa.Column("state", sa.String(), server_default=sa.text("'pending'"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("asked_again", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("reused", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("worker_id", sa.BigInteger(), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("response_id", sa.BigInteger(), nullable=True),
        sa.Column("error_code", sa.String(), nullable=True),
        sa.Column("error_message", sa.String(), nullable=True),
        sa.Column("input_tokens", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("job_id", "custom_id"),
    )
    op.create_index(
        "ix_request_answered", "request", ["id"], unique=False, postgresql_where=sa.text("state = 'answered'")
    )
    op.create_index("ix_request_document", "request", ["document_id"], unique=False)
    op.create_index("ix_request_job_state", "request", ["job_id", "state", "id"], unique=False)
    op.create_index(
        "ix_request_open",
        "request",
        ["fingerprint"],
        unique=False,
        postgresql_where=sa.text("state IN ('in_flight', 'answered')"),
    )
    op.create_index("ix_request_response", "request", ["response_id"], unique=False)
    op.create_index(
        "ix_request_worker", "request", ["worker_id"], unique=False, postgresql_where=sa.text("state = 'in_flight'")
    )
    op.create_table(
        "request_body",
        sa.Column("request_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("body", postgresql.JSON(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("request_id"),
    )
    op.create_table(
        "response",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("request_id", sa.BigInteger(), nullable=True),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("raw", postgresql.JSON(astext_type=sa.Text()), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("finish_reason", sa.String(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cached_input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=True),
        sa.Column("verdict_message", sa.String(), nullable=True),
        sa.Column("result", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_response_request", "response", ["request_id"], unique=False)
    op.create_index(
        "ix_response_reusable", "response", ["fingerprint"], unique=False, postgresql_where=sa.text("verdict = 'ok'")
    )
    op.create_table(
        "template",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("built_in", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "usage_record",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("job_id", sa.String(), nullable=True),
        sa.Column("request_id", sa.BigInteger(), nullable=True),
        sa.Column("template_id", sa.String(), nullable=True),
        sa.Column("user", sa.String(), server_default=sa.text("''"), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=True),
        sa.Column("booking", sa.String(), nullable=True),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("lane", sa.String(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("cached_input_tokens", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("cache_write_tokens", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("cost_usd", sa.Numeric(precision=20, scale=12), nullable=True),
        sa.Column("priced", sa.Boolean(), nullable=False),
        sa.Column("price", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("reused", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("latency_ms", sa.Integer(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("provider_request_id", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("booking"),
        sa.UniqueConstraint("request_id", "attempt"),
    )
    op.create_index("ix_usage_record_job", "usage_record", ["job_id"], unique=False)
    op.create_index("ix_usage_record_time", "usage_record", ["time"], unique=False)
    op.create_table(
        "worker",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("leader", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("busy", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "blob_chunk",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["sha256"], ["blob.sha256"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("sha256", "number"),
    )
    op.create_table(
        "document",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("collection_id", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=True),
        sa.Column("stage_done", sa.Integer(), nullable=True),
        sa.Column("stage_total", sa.Integer(), nullable=True),
        sa.Column("error_code", sa.String(), nullable=True),
        sa.Column("error_message", sa.String(), nullable=True),
        sa.Column("pages", sa.Integer(), nullable=True),
        sa.Column("characters", sa.Integer(), nullable=True),
        sa.Column("tokens", sa.Integer(), nullable=True),
        sa.Column("language", sa.String(), nullable=True),
        sa.Column("worker_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collection.id"],
        ),
        sa.ForeignKeyConstraint(
            ["sha256"],
            ["blob.sha256"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("collection_id", "sha256"),
    )
    op.create_index(op.f("ix_document_sha256"), "document", ["sha256"], unique=False)
    op.create_index("ix_document_state", "document", ["state"], unique=False)
    op.create_table(
        "evidence",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("insight_id", sa.Text(), nullable=False),
        sa.Column("document_id", sa.String(), nullable=False),
        sa.Column("response_id", sa.BigInteger(), nullable=False),
        sa.Column("template_id", sa.String(), nullable=False),
        sa.Column("quote", sa.String(), nullable=False),
        sa.Column("quote_key", sa.String(), nullable=False),
        sa.Column("supported", sa.Boolean(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=True),
        sa.Column("end", sa.Integer(), nullable=True),
        sa.Column("attributes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["insight_id"], ["insight.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("insight_id", "document_id", "response_id", "quote_key"),
    )
    op.create_index("ix_evidence_document", "evidence", ["document_id"], unique=False)
    op.create_index(op.f("ix_evidence_insight_id"), "evidence", ["insight_id"], unique=False)
    op.create_index("ix_evidence_response", "evidence", ["response_id"], unique=False)
    op.create_table(
        "job",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.String(), server_default=sa.text("''"), nullable=False),
        sa.Column("template_id", sa.String(), nullable=True),
        sa.Column("template_version", sa.Integer(), nullable=True),
        sa.Column("params", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("lane", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reuse", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("estimate_usd", sa.Numeric(precision=20, scale=12), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["template_id"],
            ["template.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_job_state", "job", ["state"], unique=False)
    op.create_table(
        "template_version",
        sa.Column("template_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("prompt", sa.String(), nullable=False),
        sa.Column("fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("insights", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["template_id"],
            ["template.id"],
        ),
        sa.PrimaryKeyConstraint("template_id", "version"),
    )
    op.create_table(
        "document_text",
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("page_starts", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("document_id"),
    )
    op.create_table(
        "job_document",
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("document_id", sa.String(), nullable=False),
        sa.Column("expanded", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "document_id"),
    )
    op.create_index("ix_job_document_document", "job_document", ["document_id"], unique=False)
    op.create_index(
        "ix_job_document_waiting", "job_document", ["job_id"], unique=False, postgresql_where=sa.text("NOT expanded")
    )
    op.create_table(
        "job_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_job_event_job", "job_event", ["job_id", "id"], unique=False)


def downgrade() -> None:
    op.get_bind().exec_driver_sql(DROP_QUEUE.replace("%", "%%"))

    op.drop_index("ix_job_event_job", table_name="job_event")
    op.drop_table("job_event")
    op.drop_index("ix_job_document_waiting", table_name="job_document", postgresql_where=sa.text("NOT expanded"))
    op.drop_index("ix_job_document_document", table_name="job_document")
    op.drop_table("job_document")
    op.drop_table("document_text")
    op.drop_table("template_version")
    op.drop_index("ix_job_state", table_name="job")
    op.drop_table("job")
    op.drop_index("ix_evidence_response", table_name="evidence")
    op.drop_index(op.f("ix_evidence_insight_id"), table_name="evidence")
    op.drop_index("ix_evidence_document", table_name="evidence")
    op.drop_table("evidence")
    op.drop_index("ix_document_state", table_name="document")
    op.drop_index(op.f("ix_document_sha256"), table_name="document")
    op.drop_table("document")
    op.drop_table("blob_chunk")
    op.drop_table("worker")
    op.drop_index("ix_usage_record_time", table_name="usage_record")
    op.drop_index("ix_usage_record_job", table_name="usage_record")
    op.drop_table("usage_record")
    op.drop_table("template")
    op.drop_index("ix_response_reusable", table_name="response", postgresql_where=sa.text("verdict = 'ok'"))
    op.drop_index("ix_response_request", table_name="response")
    op.drop_table("response")
    op.drop_table("request_body")
    op.drop_index("ix_request_worker", table_name="request", postgresql_where=sa.text("state = 'in_flight'"))
    op.drop_index("ix_request_response", table_name="request")
    op.drop_index(
        "ix_request_open", table_name="request", postgresql_where=sa.text("state IN ('in_flight', 'answered')")
    )
    op.drop_index("ix_request_job_state", table_name="request")
    op.drop_index("ix_request_document", table_name="request")
    op.drop_index("ix_request_answered", table_name="request", postgresql_where=sa.text("state = 'answered'"))
    op.drop_table("request")
    op.drop_index("ix_insight_search", table_name="insight", postgresql_using="gin")
    op.drop_index("ix_insight_last_seen", table_name="insight")
    op.drop_table("insight")
    op.drop_index("ix_health_sample_component", table_name="health_sample")
    op.drop_table("health_sample")
    op.drop_table("collection")
    op.drop_table("blob")
