"""the batch lane"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: Any = None
depends_on: Any = None


def upgrade() -> None:
    op.create_table(
        "odd_line",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("batch_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_odd_line_batch", "odd_line", ["batch_id", "id"], unique=False)
    op.create_table(
        "provider_batch",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("base_url", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("endpoint", sa.String(), nullable=False),
        sa.Column("nonce", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("provider_state", sa.String(), nullable=True),
        sa.Column("provider_batch_id", sa.String(), nullable=True),
        sa.Column("input_file_id", sa.String(), nullable=True),
        sa.Column("output_file_id", sa.String(), nullable=True),
        sa.Column("error_file_id", sa.String(), nullable=True),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("estimate_usd", sa.Numeric(precision=20, scale=12), nullable=True),
        sa.Column("done", sa.Integer(), nullable=True),
        sa.Column("usage", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("worker_id", sa.BigInteger(), nullable=True),
        sa.Column("epoch", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("absent_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("counts", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("intent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("nonce"),
    )
    op.create_index(
        "ix_provider_batch_due",
        "provider_batch",
        ["next_at"],
        unique=False,
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_index("ix_provider_batch_job", "provider_batch", ["job_id", "id"], unique=False)
    op.add_column("job", sa.Column("canary", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("job", sa.Column("deadline", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "job", sa.Column("leftovers", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True)
    )
    op.add_column("job", sa.Column("waits_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("job", sa.Column("waits", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("request", sa.Column("resent", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("request", sa.Column("provider_batch_id", sa.String(), nullable=True))
    op.add_column("request", sa.Column("merge_id", sa.BigInteger(), nullable=True))
    op.add_column("request", sa.Column("model", sa.String(), nullable=True))
    op.add_column("request", sa.Column("endpoint", sa.String(), nullable=True))
    op.add_column(
        "request", sa.Column("single", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True)
    )
    op.add_column("worker", sa.Column("kind", sa.String(), server_default=sa.text("'jobs'"), nullable=False))
    op.add_column("request", sa.Column("body_bytes", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.create_index(
        "ix_request_batch",
        "request",
        ["provider_batch_id"],
        unique=False,
        postgresql_where=sa.text("provider_batch_id IS NOT NULL"),
    )
    op.create_index(
        "ix_request_merge", "request", ["merge_id"], unique=False, postgresql_where=sa.text("merge_id IS NOT NULL")
    )
    op.add_column(
        "request_body", sa.Column("repaired", postgresql.JSON(none_as_null=True, astext_type=sa.Text()), nullable=True)
    )
    op.alter_column("response", "text", existing_type=sa.TEXT(), nullable=True)
    op.drop_index("ix_request_worker", table_name="request")
    op.create_index("ix_request_worker", "request", ["worker_id"], postgresql_where=sa.text("worker_id IS NOT NULL"))
    op.execute(
        """UPDATE request r SET body_bytes = octet_length(b.body::text) FROM request_body b WHERE b.request_id = r.id"""
    )
    # In order, so that a chunk of the documents to be expanded is read without sorting all of them.
    op.drop_index("ix_job_document_waiting", table_name="job_document", postgresql_where=sa.text("NOT expanded"))
    op.create_index(
        "ix_job_document_waiting", "job_document", ["job_id", "document_id"], postgresql_where=sa.text("NOT expanded")
    )


def downgrade() -> None:
    op.drop_index("ix_job_document_waiting", table_name="job_document", postgresql_where=sa.text("NOT expanded"))
    op.create_index("ix_job_document_waiting", "job_document", ["job_id"], postgresql_where=sa.text("NOT expanded"))
    op.execute("UPDATE response SET text = '' WHERE text IS NULL")
    op.execute("UPDATE request SET state = 'cancelled' WHERE state = 'held' OR state = 'in_flight' AND lane = 'batch'")
    op.drop_index("ix_request_worker", table_name="request")
    op.create_index("ix_request_worker", "request", ["worker_id"], postgresql_where=sa.text("state = 'in_flight'"))
    op.alter_column("response", "text", existing_type=sa.TEXT(), nullable=False)
    op.drop_column("request_body", "repaired")
    op.drop_index("ix_request_merge", table_name="request", postgresql_where=sa.text("merge_id IS NOT NULL"))
    op.drop_index("ix_request_batch", table_name="request", postgresql_where=sa.text("provider_batch_id IS NOT NULL"))
    op.drop_column("request", "body_bytes")
    op.drop_column("worker", "kind")
    op.drop_column("request", "single")
    op.drop_column("request", "endpoint")
    op.drop_column("request", "model")
    op.drop_column("request", "merge_id")
    op.drop_column("request", "provider_batch_id")
    op.drop_column("request", "resent")
    op.drop_column("job", "waits")
    op.drop_column("job", "waits_until")
    op.drop_column("job", "leftovers")
    op.drop_column("job", "deadline")
    op.drop_column("job", "canary")
    op.drop_index("ix_provider_batch_job", table_name="provider_batch")
    op.drop_index("ix_provider_batch_due", table_name="provider_batch", postgresql_where=sa.text("next_at IS NOT NULL"))
    op.drop_table("provider_batch")
    op.drop_index("ix_odd_line_batch", table_name="odd_line")
    op.drop_table("odd_line")
