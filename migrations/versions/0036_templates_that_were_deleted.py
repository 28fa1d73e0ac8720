"""a template that was deleted stays for its jobs and answers"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0036"
down_revision: str | None = "0035"
branch_labels: Any = None
depends_on: Any = None


def upgrade() -> None:
    op.add_column("template", sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("template", "retired_at")
