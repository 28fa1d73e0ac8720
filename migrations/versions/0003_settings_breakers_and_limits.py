"""settings, breakers and limits"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: Any = None
depends_on: Any = None


def upgrade() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("user", sa.String(), server_default=sa.text("''"), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("before", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("after", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_audit_entry_subject", "audit_entry", ["subject", "id"], unique=False)
    op.create_table(
        "breaker",
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("state", sa.String(), server_default=sa.text("'closed'"), nullable=False),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("by_hand", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("probe_worker_id", sa.BigInteger(), nullable=True),
        sa.Column("probe_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("provider", "model"),
    )
    op.create_table(
        "call_minute",
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("failed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("latencies", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.PrimaryKeyConstraint("provider", "model", "minute"),
    )
    op.create_index("ix_call_minute_minute", "call_minute", ["minute"], unique=False)
    op.create_table(
        "health_hour",
        sa.Column("component", sa.String(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("healthy", sa.Integer(), nullable=False),
        sa.Column("figures", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("most", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.PrimaryKeyConstraint("component", "hour"),
    )
    op.create_table(
        "rate_limit",
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("known", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("a_minute", sa.BigInteger(), nullable=True),
        sa.Column("per_second", sa.Float(), nullable=True),
        sa.Column("remaining", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.Column("refilled_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("renewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taken", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.Column("settled", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.Column("blocked_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("provider", "model", "kind"),
    )
    op.create_table(
        "setting",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("changed_by", sa.String(), server_default=sa.text("''"), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.add_column("job", sa.Column("correlation_id", sa.String(), nullable=True))
    for name in ("fallback", "former"):
        column = sa.Column(name, postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True)
        op.add_column("job", column)
    op.add_column("usage_record", sa.Column("saved_usd", sa.Numeric(20, 12), nullable=True))
    op.add_column("response", sa.Column("invalidated_at", sa.DateTime(timezone=True), nullable=True))
    _index_reusable("verdict = 'ok' AND invalidated_at IS NULL")
    op.create_index("ix_request_failed", "request", ["job_id"], postgresql_where=sa.text("state = 'failed'"))
    _figures_of_health()


def _index_reusable(condition: str) -> None:
    op.drop_index("ix_response_reusable", table_name="response")
    op.create_index("ix_response_reusable", "response", ["fingerprint"], postgresql_where=sa.text(condition))


def _figures_of_health() -> None:
    """Samples with as many figures as a component has, and what workers use."""
    op.add_column(
        "health_sample",
        sa.Column("figures", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    )
    op.drop_column("health_sample", "latency_ms")
    op.create_index(
        "ix_health_sample_ill", "health_sample", ["component", "time"], postgresql_where=sa.text("NOT healthy")
    )
    op.create_index("ix_health_sample_time", "health_sample", ["time"], postgresql_using="brin")
    op.add_column("worker", sa.Column("memory_bytes", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("worker", sa.Column("cpu_seconds", sa.Float(), server_default=sa.text("0"), nullable=False))
    since = sa.Column("waiting_since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)
    op.add_column("document", since)
    op.add_column("document", sa.Column("correlation_id", sa.String(), nullable=True))


def downgrade() -> None:
    _index_reusable("verdict = 'ok'")
    op.drop_index("ix_request_failed", table_name="request")
    op.drop_column("response", "invalidated_at")
    op.drop_column("usage_record", "saved_usd")
    op.drop_column("job", "correlation_id")
    op.drop_column("job", "fallback")
    op.drop_column("job", "former")
    op.drop_column("document", "correlation_id")
    op.drop_column("document", "waiting_since")
    op.drop_column("worker", "cpu_seconds")
    op.drop_column("worker", "memory_bytes")
    op.drop_index("ix_health_sample_time", table_name="health_sample")
    op.drop_index("ix_health_sample_ill", table_name="health_sample")
    op.add_column("health_sample", sa.Column("latency_ms", sa.Float(), nullable=True))
    op.drop_column("health_sample", "figures")
    op.drop_table("setting")
    op.drop_table("rate_limit")
    op.drop_table("health_hour")
    op.drop_index("ix_call_minute_minute", table_name="call_minute")
    op.drop_table("call_minute")
    op.drop_table("breaker")
    op.drop_index("ix_audit_entry_subject", table_name="audit_entry")
    op.drop_table("audit_entry")
