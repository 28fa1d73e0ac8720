"""documents that are read again"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: Any = None
depends_on: Any = None


def upgrade() -> None:
    op.create_table(
        "read_again",
        sa.Column("document_id", sa.String(), nullable=False),
        sa.Column("many", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("worker_id", sa.BigInteger(), nullable=True),
        sa.Column("error_code", sa.String(), nullable=True),
        sa.Column("error_message", sa.String(), nullable=True),
        sa.Column("correlation_id", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("document_id"),
    )
    op.create_index(
        "ix_read_again_due",
        "read_again",
        ["many", "asked_at", "document_id"],
        postgresql_where=sa.text("worker_id IS NULL AND error_code IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_read_again_due", table_name="read_again")
    op.drop_table("read_again")
