"""people take turns to have their documents read"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0033"
down_revision: str | None = "0032"
branch_labels: Any = None
depends_on: Any = None

TURN = "CASE WHEN starts_with(made_by, 'user_') THEN made_by ELSE collection_id END"
QUEUED = sa.text("state = 'queued'")


def upgrade() -> None:
    op.add_column("document", sa.Column("turn", sa.Text(), sa.Computed(TURN, persisted=True), nullable=True))
    op.drop_index("ix_document_queued", table_name="document")
    op.create_index("ix_document_queued", "document", ["turn", "id"], postgresql_where=QUEUED)


def downgrade() -> None:
    op.drop_index("ix_document_queued", table_name="document")
    op.create_index("ix_document_queued", "document", ["collection_id", "id"], postgresql_where=QUEUED)
    op.drop_column("document", "turn")
