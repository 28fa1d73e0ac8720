"""quotes of fields"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: Any = None
depends_on: Any = None


def upgrade() -> None:
    op.create_table(
        "field_quote",
        sa.Column("document_id", sa.Text(), sa.ForeignKey("document.id", ondelete="CASCADE"), nullable=False),
        sa.Column("response_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("quote", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("supported", sa.Boolean(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=True),
        sa.Column("end", sa.Integer(), nullable=True),
        sa.Column("spans", postgresql.JSONB(), nullable=True),
        sa.Column("nearest_start", sa.Integer(), nullable=True),
        sa.Column("nearest_end", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("document_id", "response_id", "field"),
    )


def downgrade() -> None:
    op.drop_table("field_quote")
