"""what is listed is told by its words alone"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: Any = None
depends_on: Any = None


def upgrade() -> None:
    listed = sa.Column("listed", sa.Boolean(), nullable=False, server_default=sa.text("true"))
    op.add_column("statement_search", listed)
    op.execute(
        """UPDATE statement_search s SET listed = false FROM insight i
           WHERE i.id = s.insight_id AND i.head_id IS NOT NULL"""
    )
    op.create_index("ix_evidence_newest", "evidence", ["insight_id", "created_at"])


def downgrade() -> None:
    op.drop_index("ix_evidence_newest", table_name="evidence")
    op.drop_column("statement_search", "listed")
