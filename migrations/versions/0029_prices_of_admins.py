"""prices that admins set, and calls that wait for one"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0029"
down_revision: str | None = "0028"
branch_labels: Any = None
depends_on: Any = None

NOW = sa.text("now()")
INDEX = "ix_usage_record_unpriced"


def upgrade() -> None:
    op.create_table(
        "own_price",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=True),
        sa.Column("as_model", sa.Text(), nullable=True),
        sa.Column("rates", postgresql.JSONB(), nullable=True),
        sa.Column("long_from", sa.BigInteger(), nullable=True),
        sa.Column("long_rates", postgresql.JSONB(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("note", sa.String(), server_default=sa.text("''"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("created_by", sa.String(), server_default=sa.text("''"), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
    )
    op.add_column("usage_record", sa.Column("unrated", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.create_index(INDEX, "usage_record", ["id"], postgresql_where=sa.text("NOT priced"))


def downgrade() -> None:
    op.drop_index(INDEX, table_name="usage_record")
    op.drop_column("usage_record", "unrated")
    op.drop_table("own_price")
