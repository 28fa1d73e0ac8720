"""budgets per month; and of a job: who launched it, its collections, what is held for it, what was approved for it"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0027"
down_revision: str | None = "0026"
branch_labels: Any = None
depends_on: Any = None

MONEY = sa.Numeric(20, 12)


def upgrade() -> None:
    op.add_column("job", sa.Column("user", sa.String(), server_default=sa.text("''"), nullable=False))
    op.add_column(
        "job", sa.Column("collections", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False)
    )
    for name in ("reserved_usd", "approved_usd"):
        op.add_column("job", sa.Column(name, MONEY, nullable=True))
    op.create_table(
        "budget",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("workspace_id", sa.String(), sa.ForeignKey("workspace.id"), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("key", sa.String(), server_default=sa.text("''"), nullable=False),
        sa.Column("limit_usd", MONEY, nullable=False),
        sa.Column("warn_share", sa.Numeric(5, 4), nullable=False),
        sa.Column("on_limit", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.UniqueConstraint("workspace_id", "scope", "key"),
    )


def downgrade() -> None:
    op.drop_table("budget")
    for name in ("approved_usd", "reserved_usd", "collections", "user"):
        op.drop_column("job", name)
