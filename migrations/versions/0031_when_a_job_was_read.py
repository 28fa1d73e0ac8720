"""when the answers of a job that had ended were first looked at"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0031"
down_revision: str | None = "0030"
branch_labels: Any = None
depends_on: Any = None


def upgrade() -> None:
    op.add_column("job", sa.Column("first_read_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("job", "first_read_at")
