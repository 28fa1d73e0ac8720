"""a list by support or confidence is walked as it was when the walk began"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0022"
down_revision: str | None = "0021"
branch_labels: Any = None
depends_on: Any = None


def upgrade() -> None:
    op.create_table(
        "former_count",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("insight_id", sa.String(), nullable=False),
        sa.Column("support", sa.Integer(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column(
            "transaction", sa.BigInteger(), server_default=sa.text("pg_current_xact_id()::text::bigint"), nullable=False
        ),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
    op.create_index("ix_former_count_transaction", "former_count", ["workspace_id", "transaction"])
    op.create_index("ix_former_count_changed", "former_count", ["changed_at"])


def downgrade() -> None:
    op.drop_table("former_count")
