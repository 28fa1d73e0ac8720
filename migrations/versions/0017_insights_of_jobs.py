"""insights are listed under the jobs that brought them"""

from typing import Any

from alembic import op

revision: str = "0017"
down_revision: str | None = "0016"
branch_labels: Any = None
depends_on: Any = None


def upgrade() -> None:
    op.execute(
        """INSERT INTO listing (workspace_id, key, insight_id)
           SELECT i.workspace_id, 'job:' || r.job_id, coalesce(i.head_id, i.id)
           FROM evidence e JOIN insight i ON i.id = e.insight_id JOIN request r ON r.response_id = e.response_id
           WHERE r.job_id IS NOT NULL
           UNION SELECT i.workspace_id, 'job:' || r.job_id, coalesce(i.head_id, i.id)
           FROM sighting s JOIN evidence e ON e.id = s.evidence_id JOIN insight i ON i.id = e.insight_id
           JOIN request r ON r.response_id = s.response_id WHERE r.job_id IS NOT NULL
           ORDER BY 1, 2, 3"""
    )


def downgrade() -> None:
    op.execute("DELETE FROM listing WHERE key LIKE 'job:%'")
