"""collections take turns"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: Any = None
depends_on: Any = None


def upgrade() -> None:
    op.create_index(
        "ix_document_queued", "document", ["collection_id", "id"], postgresql_where=sa.text("state = 'queued'")
    )


def downgrade() -> None:
    op.drop_index("ix_document_queued", table_name="document")
