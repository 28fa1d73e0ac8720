"""the wall: everything that people own belongs to exactly one workspace"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: Any = None
depends_on: Any = None

WALLED = ("collection", "document", "job", "template", "insight", "usage_record")
# The others arrive by the thousand: a key would lock the one row of their workspace in every transaction.
WITH_KEY = ("collection", "document", "job", "template")


def upgrade() -> None:
    op.create_table(
        "workspace",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_workspace_name", "workspace", [sa.text("lower(name)")], unique=True)
    op.execute("INSERT INTO workspace (id, name) VALUES ('ws_default', 'default')")
    for table in WALLED:
        # A constant default rewrites no row. Then there is none, so that a statement that forgets the wall fails.
        op.execute(f"ALTER TABLE {table} ADD COLUMN workspace_id varchar DEFAULT 'ws_default' NOT NULL")
        op.execute(f"ALTER TABLE {table} ALTER COLUMN workspace_id DROP DEFAULT")
    op.alter_column("template", "workspace_id", nullable=True)
    op.execute("UPDATE template SET workspace_id = NULL WHERE built_in")
    op.create_check_constraint("template_workspace_check", "template", "built_in = (workspace_id IS NULL)")
    for table in WITH_KEY:
        op.create_foreign_key(None, table, "workspace", ["workspace_id"], ["id"])
    op.drop_constraint("collection_name_key", "collection", type_="unique")
    op.create_unique_constraint(None, "collection", ["workspace_id", "name"])
    op.drop_constraint("insight_statement_key_key", "insight", type_="unique")
    op.create_unique_constraint(None, "insight", ["workspace_id", "statement_key"])
    # Counts of one workspace are read from the index alone, and the queues find their states in it as before.
    for table in ("document", "job"):
        op.drop_index(f"ix_{table}_state", table_name=table)
        op.create_index(f"ix_{table}_state", table, ["state", "workspace_id"])


def downgrade() -> None:
    for table in ("document", "job"):
        op.drop_index(f"ix_{table}_state", table_name=table)
    for table in WALLED:
        # Its keys, checks and indexes go with it.
        op.drop_column(table, "workspace_id")
    op.create_index("ix_document_state", "document", ["state"])
    op.create_index("ix_job_state", "job", ["state"])
    op.create_unique_constraint("collection_name_key", "collection", ["name"])
    op.create_unique_constraint("insight_statement_key_key", "insight", ["statement_key"])
    op.drop_table("workspace")
