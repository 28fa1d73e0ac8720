"""insights are listed under their tags, as under their collections"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0037"
down_revision: str | None = "0036"
branch_labels: Any = None
depends_on: Any = None


def upgrade() -> None:
    op.execute(TAGGED)
    op.drop_index("ix_insight_tags", table_name="insight")


TAGGED = """
INSERT INTO listing (workspace_id, key, insight_id)
SELECT i.workspace_id, 'tag:' || t.tag, i.id FROM insight i, unnest(i.tags) AS t (tag)
WHERE i.head_id IS NULL AND i.tags <> '{}'
ORDER BY i.id ON CONFLICT DO NOTHING
"""


def downgrade() -> None:
    some = {"postgresql_using": "gin", "postgresql_where": sa.text("tags <> '{}'")}
    op.create_index("ix_insight_tags", "insight", ["tags"], **some)
    op.execute("DELETE FROM listing WHERE starts_with(key, 'tag:')")
