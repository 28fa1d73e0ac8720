"""what statements are found by"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: Any = None
depends_on: Any = None

OPEN = sa.text("state = 'open' AND later_at IS NULL")
LATER = sa.text("state = 'open' AND later_at IS NOT NULL")
ALIKE = sa.text("state = 'open' AND alike IS NOT NULL")
SETTLED = sa.text("state = 'settled'")


def upgrade() -> None:
    op.create_table(
        "statement_traces",
        sa.Column("insight_id", sa.Text(), sa.ForeignKey("insight.id", ondelete="CASCADE"), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("traces", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("insight_id"),
    )
    # Without a list of what is pending, which every lookup would read from end to end.
    op.create_index(
        "ix_statement_traces",
        "statement_traces",
        ["traces"],
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )
    op.execute("ALTER TABLE statement_word SET (fillfactor = 70)")
    op.drop_index("ix_evidence_document", table_name="evidence")
    op.create_index("ix_evidence_document", "evidence", ["document_id", "start"])
    op.add_column("pair", sa.Column("support", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.add_column("pair", sa.Column("alike", sa.String(), nullable=True))
    op.drop_index("ix_pair_open", table_name="pair")
    op.create_index("ix_pair_open", "pair", ["workspace_id", "kind", "support", "id"], postgresql_where=OPEN)
    op.create_index("ix_pair_later", "pair", ["workspace_id", "kind", "later_at"], postgresql_where=LATER)
    op.create_index("ix_pair_alike", "pair", ["workspace_id", "alike"], postgresql_where=ALIKE)
    op.create_index("ix_pair_settled", "pair", ["workspace_id", "kind", "settled_at"], postgresql_where=SETTLED)
    # Nothing was compared in earnest before.
    op.execute("UPDATE insight SET compared = false WHERE compared")


def downgrade() -> None:
    for index in ("settled", "alike", "later", "open"):
        op.drop_index(f"ix_pair_{index}", table_name="pair")
    op.create_index("ix_pair_open", "pair", ["workspace_id", "id"], postgresql_where=sa.text("state = 'open'"))
    op.drop_column("pair", "alike")
    op.drop_column("pair", "support")
    op.drop_index("ix_evidence_document", table_name="evidence")
    op.create_index("ix_evidence_document", "evidence", ["document_id"])
    op.execute("ALTER TABLE statement_word RESET (fillfactor)")
    op.drop_table("statement_traces")
    op.execute("DELETE FROM statement_word")
