"""documents of a collection are read in their order"""

from typing import Any

from alembic import op

revision: str = "0023"
down_revision: str | None = "0022"
branch_labels: Any = None
depends_on: Any = None


def upgrade() -> None:
    op.create_index("ix_document_collection", "document", ["collection_id", "id"])


def downgrade() -> None:
    op.drop_index("ix_document_collection", table_name="document")
