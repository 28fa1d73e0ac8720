"""verdicts of quotes"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: Any = None
depends_on: Any = None


def upgrade() -> None:
    # None for evidence of an older release: a task checks it again.
    op.add_column("evidence", sa.Column("verdict", sa.String(), nullable=True))
    op.add_column(
        "evidence", sa.Column("spans", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True)
    )
    op.add_column("evidence", sa.Column("nearest_start", sa.Integer(), nullable=True))
    op.add_column("evidence", sa.Column("nearest_end", sa.Integer(), nullable=True))
    op.create_index("ix_evidence_unchecked", "evidence", ["document_id"], postgresql_where=sa.text("verdict IS NULL"))


def downgrade() -> None:
    op.drop_index("ix_evidence_unchecked", table_name="evidence")
    for column in ("nearest_end", "nearest_start", "spans", "verdict"):
        op.drop_column("evidence", column)
