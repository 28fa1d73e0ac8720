"""what a document does not hold"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: Any = None
depends_on: Any = None


def upgrade() -> None:
    # None for what an older release read: it can be read again.
    op.add_column(
        "document", sa.Column("warnings", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True)
    )
    op.create_index("ix_document_read_in_part", "document", ["id"], postgresql_where=sa.text("warnings <> '[]'::jsonb"))
    op.create_index(
        "ix_document_not_known",
        "document",
        ["id"],
        postgresql_where=sa.text("warnings IS NULL AND state = 'ready'"),
    )


def downgrade() -> None:
    op.drop_index("ix_document_not_known", table_name="document")
    op.drop_index("ix_document_read_in_part", table_name="document")
    op.drop_column("document", "warnings")
