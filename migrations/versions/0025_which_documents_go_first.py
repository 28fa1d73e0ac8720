"""which documents of a job go first, as its canary"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0025"
down_revision: str | None = "0024"
branch_labels: Any = None
depends_on: Any = None


def upgrade() -> None:
    op.add_column("job_document", sa.Column("canary", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_index("ix_job_document_canary", "job_document", ["job_id"], postgresql_where=sa.text("canary"))


def downgrade() -> None:
    op.drop_index("ix_job_document_canary", table_name="job_document")
    op.drop_column("job_document", "canary")
