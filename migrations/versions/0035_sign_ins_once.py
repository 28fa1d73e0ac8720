"""a sign-in by a provider counts once, and remembers the workspace that was chosen in it"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0035"
down_revision: str | None = "0034"
branch_labels: Any = None
depends_on: Any = None


def upgrade() -> None:
    op.add_column("sign_in", sa.Column("once", sa.String(), nullable=True))
    op.add_column("sign_in", sa.Column("workspace", sa.String(), nullable=True))
    op.create_unique_constraint("sign_in_once_key", "sign_in", ["once"])


def downgrade() -> None:
    op.drop_column("sign_in", "workspace")
    op.drop_column("sign_in", "once")
