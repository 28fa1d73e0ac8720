"""insights are found in every language, and listed in an order that stays"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: Any = None
depends_on: Any = None

NOW = sa.text("now()")
LISTED = sa.text("head_id IS NULL")
SUPPORT = """CASE WHEN support >= 50 THEN 7 WHEN support >= 20 THEN 6 WHEN support >= 10 THEN 5 WHEN support >= 5 THEN 4
 WHEN support >= 3 THEN 3 WHEN support >= 2 THEN 2 WHEN support >= 1 THEN 1 ELSE 0 END"""
CONFIDENCE = """CASE WHEN confidence >= 0.9999 THEN 7 WHEN confidence >= 0.995 THEN 6 WHEN confidence >= 0.95 THEN 5
 WHEN confidence >= 0.875 THEN 4 WHEN confidence >= 0.75 THEN 3 WHEN confidence >= 0.5 THEN 2
 WHEN confidence >= 1e-09 THEN 1 ELSE 0 END"""
INDEXES: tuple[tuple[str, list[str], dict[str, Any]], ...] = (
    ("ix_insight_state", ["workspace_id", "state", "id"], {"postgresql_where": LISTED}),
    ("ix_insight_language", ["workspace_id", "language", "id"], {}),
    ("ix_insight_support", ["workspace_id", "support_rank", "id"], {"postgresql_where": LISTED}),
    ("ix_insight_confidence", ["workspace_id", "confidence_rank", "id"], {"postgresql_where": LISTED}),
    ("ix_insight_first_seen", ["workspace_id", "first_seen"], {}),
    ("ix_insight_tags", ["tags"], {"postgresql_using": "gin", "postgresql_where": sa.text("tags <> '{}'")}),
    ("ix_insight_pinned", ["workspace_id", "id"], {"postgresql_where": sa.text("pinned")}),
    ("ix_insight_conflict", ["workspace_id", "id"], {"postgresql_where": sa.text("open_conflicts > 0")}),
)


def text(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.String(), nullable=False)


def time(name: str, *, now: bool = True) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=not now, server_default=NOW if now else None)


def upgrade() -> None:
    op.drop_index("ix_insight_search", table_name="insight")
    # Both in one statement: a stored column writes the table anew, once.
    op.execute(
        f"""ALTER TABLE insight DROP COLUMN search,
          ADD COLUMN support_rank smallint GENERATED ALWAYS AS ({SUPPORT}) STORED,
          ADD COLUMN confidence_rank smallint GENERATED ALWAYS AS ({CONFIDENCE}) STORED"""
    )
    for name, columns, options in INDEXES:
        op.create_index(name, "insight", columns, **options)
    op.create_index("ix_evidence_created", "evidence", ["created_at"])
    _searched()
    _listed()
    op.create_table("recount_due", text("insight_id"), time("due_at", now=False), sa.PrimaryKeyConstraint("insight_id"))
    op.alter_column("recount_due", "due_at", nullable=False)
    op.create_index("ix_recount_due_due_at", "recount_due", ["due_at"])
    op.create_table(
        "saved_view",
        text("id"),
        text("workspace_id"),
        text("name"),
        sa.Column("query", postgresql.JSONB(), nullable=False),
        text("actor"),
        time("looked_at"),
        time("created_at"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("workspace_id", "name"),
    )


def _searched() -> None:
    op.create_table(
        "statement_search",
        text("insight_id"),
        text("workspace_id"),
        sa.Column("words", postgresql.TSVECTOR(), nullable=True),
        sa.PrimaryKeyConstraint("insight_id"),
    )
    # A task gives them their words (core.insight_base.renewal).
    op.execute(
        "INSERT INTO statement_search (insight_id, workspace_id) SELECT id, workspace_id FROM insight ORDER BY id"
    )
    op.create_index(
        "ix_statement_search_words",
        "statement_search",
        ["words"],
        postgresql_using="gin",
        postgresql_with={"gin_pending_list_limit": "1024"},
    )
    without = sa.text("words IS NULL")
    op.create_index("ix_statement_search_without", "statement_search", ["insight_id"], postgresql_where=without)


def _listed() -> None:
    op.create_table(
        "listing",
        text("workspace_id"),
        text("key"),
        text("insight_id"),
        sa.PrimaryKeyConstraint("workspace_id", "key", "insight_id"),
    )
    op.execute(FILL)
    op.create_index("ix_listing_insight", "listing", ["insight_id"])


FILL = """
INSERT INTO listing (workspace_id, key, insight_id)
WITH theirs AS (
  SELECT i.workspace_id, coalesce(i.head_id, i.id) AS insight, e.template_id, e.document_id, e.attributes
  FROM evidence e JOIN insight i ON i.id = e.insight_id
), field AS (
  SELECT DISTINCT v.template_id, f->>'name' AS name FROM template_version v, jsonb_array_elements(v.fields) f
  WHERE f->>'type' IN ('choice', 'boolean')
)
SELECT t.workspace_id, 'collection:' || d.collection_id AS key, t.insight
FROM theirs t JOIN document d ON d.id = t.document_id
UNION SELECT workspace_id, 'template:' || template_id, insight FROM theirs WHERE template_id IS NOT NULL
UNION SELECT t.workspace_id, 'field:' || f.name || '=' || (t.attributes->>f.name), t.insight
FROM theirs t JOIN field f USING (template_id) WHERE t.attributes->>f.name IS NOT NULL
ORDER BY 1, 2, 3
"""


def downgrade() -> None:
    for table in ("saved_view", "recount_due", "listing", "statement_search"):
        op.drop_table(table)
    op.drop_index("ix_evidence_created", table_name="evidence")
    for name, _, _ in INDEXES:
        op.drop_index(name, table_name="insight")
    op.drop_column("insight", "confidence_rank")
    op.drop_column("insight", "support_rank")
    words = "to_tsvector('english'::regconfig, statement || ' ' || coalesce(shown, ''))"
    op.add_column("insight", sa.Column("search", postgresql.TSVECTOR(), sa.Computed(words, persisted=True)))
    op.create_index("ix_insight_search", "insight", ["search"], postgresql_using="gin")
