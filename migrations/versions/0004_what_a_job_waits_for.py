"""what a job waits for"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: Any = None
depends_on: Any = None


def upgrade() -> None:
    op.add_column(
        "job", sa.Column("waits_for", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True)
    )
    # Such sentences stood in `error`. The jobs that still wait say so anew as soon as one of their requests is due.
    op.execute(
        """UPDATE job SET error = NULL WHERE error LIKE 'The job waits. In the jobs process,%'
             OR error LIKE 'The live requests wait:%' OR error LIKE 'Waits for the rate limit of%'"""
    )


def downgrade() -> None:
    # What waits says so in `error` as soon as one of its requests is due.
    op.drop_column("job", "waits_for")
