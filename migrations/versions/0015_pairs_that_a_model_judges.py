"""pairs that a model judges"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: Any = None
depends_on: Any = None

JUDGED = sa.text("judged_in IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "judged_pair",
        sa.Column("request_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        *(
            sa.Column(name, sa.String(), nullable=False)
            for name in ("workspace_id", "pair_id", "a", "b", "fingerprint")
        ),
        *(sa.Column(name, sa.String(), nullable=True) for name in ("outcome", "verdict")),
        sa.Column("grounds", postgresql.JSONB(), nullable=True),
        sa.PrimaryKeyConstraint("request_id", "number"),
    )
    op.create_index("ix_judged_pair_pair", "judged_pair", ["pair_id"])
    for name in ("fingerprint", "a", "b"):
        op.create_index(f"ix_judged_pair_{name}", "judged_pair", [name])
    unread = sa.text("outcome IS NULL")
    op.create_index("ix_judged_pair_unread", "judged_pair", ["request_id"], postgresql_where=unread)
    op.add_column("pair", sa.Column("proposed_as", sa.String(), nullable=True))
    op.add_column("pair", sa.Column("judged_in", sa.String(), nullable=True))
    op.create_index("ix_pair_judged", "pair", ["judged_in"], postgresql_where=JUDGED)


def downgrade() -> None:
    op.drop_index("ix_pair_judged", table_name="pair")
    op.drop_column("pair", "judged_in")
    op.drop_column("pair", "proposed_as")
    op.drop_table("judged_pair")
    # What was asked with it has no meaning any more.
    op.execute("UPDATE job SET template_id = NULL, template_version = NULL WHERE template_id = 'judge'")
    op.execute("DELETE FROM template_version WHERE template_id = 'judge'")
    op.execute("DELETE FROM template WHERE id = 'judge'")
