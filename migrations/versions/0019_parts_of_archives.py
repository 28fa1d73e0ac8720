"""documents that came in an archive are part of it"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0019"
down_revision: str | None = "0018"
branch_labels: Any = None
depends_on: Any = None


def upgrade() -> None:
    op.add_column("document", sa.Column("part_of", sa.String(), nullable=True))
    op.create_foreign_key("document_part_of_fkey", "document", "document", ["part_of"], ["id"])
    op.create_index(
        "ix_document_part_of", "document", ["part_of", "id"], postgresql_where=sa.text("part_of IS NOT NULL")
    )


def downgrade() -> None:
    op.drop_index("ix_document_part_of", table_name="document")
    op.drop_constraint("document_part_of_fkey", "document", type_="foreignkey")
    op.drop_column("document", "part_of")
