"""the merge that a verdict made"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: Any = None
depends_on: Any = None


def upgrade() -> None:
    op.add_column("pair", sa.Column("merge_id", sa.String(), nullable=True))
    op.create_index("ix_pair_merge", "pair", ["merge_id"], postgresql_where=sa.text("merge_id IS NOT NULL"))


def downgrade() -> None:
    op.drop_index("ix_pair_merge", table_name="pair")
    op.drop_column("pair", "merge_id")
