"""words that were recognized in pictures"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0018"
down_revision: str | None = "0017"
branch_labels: Any = None
depends_on: Any = None


def upgrade() -> None:
    op.add_column("document", sa.Column("read_by_ocr", postgresql.ARRAY(sa.Integer()), nullable=True))
    op.add_column(
        "document_text",
        sa.Column("recognized", postgresql.INT4MULTIRANGE(), server_default="{}", nullable=False),
    )


def downgrade() -> None:
    op.drop_column("document_text", "recognized")
    op.drop_column("document", "read_by_ocr")
