"""what came since a moment is read in its order"""

from typing import Any

from alembic import op

revision: str = "0020"
down_revision: str | None = "0019"
branch_labels: Any = None
depends_on: Any = None


def upgrade() -> None:
    op.create_index("ix_sighting_seen", "sighting", ["seen_at"])


def downgrade() -> None:
    op.drop_index("ix_sighting_seen", table_name="sighting")
