"""a job may set temperature and longest answer"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0021"
down_revision: str | None = "0020"
branch_labels: Any = None
depends_on: Any = None


def upgrade() -> None:
    op.add_column("job", sa.Column("sampling", postgresql.JSONB(), nullable=True))
    op.add_column("job", sa.Column("temperature_unused", sa.Boolean(), server_default=sa.text("false"), nullable=False))


def downgrade() -> None:
    op.drop_column("job", "temperature_unused")
    op.drop_column("job", "sampling")
