"""passages that give instructions to a model, and what rests on them"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0034"
down_revision: str | None = "0033"
branch_labels: Any = None
depends_on: Any = None

QUARANTINED = ("insight", "evidence", "field_quote")


def upgrade() -> None:
    op.add_column("document_text", sa.Column("marks", postgresql.JSONB(none_as_null=True), nullable=True))
    op.add_column("document_text", sa.Column("marks_version", sa.SmallInteger(), server_default="0", nullable=False))
    op.create_index("ix_document_text_marks", "document_text", ["marks_version", "document_id"])
    for table in QUARANTINED:
        op.add_column(table, sa.Column("quarantined", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_index(
        "ix_insight_quarantined", "insight", ["workspace_id", "id"], postgresql_where=sa.text("quarantined")
    )


def downgrade() -> None:
    op.drop_index("ix_insight_quarantined", "insight")
    for table in QUARANTINED:
        op.drop_column(table, "quarantined")
    op.drop_index("ix_document_text_marks", "document_text")
    op.drop_column("document_text", "marks_version")
    op.drop_column("document_text", "marks")
