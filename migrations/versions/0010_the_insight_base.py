"""the insight base"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: Any = None
depends_on: Any = None

NOW = sa.text("now()")


def time(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, server_default=None if nullable else NOW)


def text(name: str, *, nullable: bool = False, default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, sa.String(), nullable=nullable, server_default=None if default is None else sa.text(default))


def count(name: str, default: int = 0) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer(), nullable=False, server_default=sa.text(str(default)))


def flag(name: str, default: bool) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.text(str(default).lower()))


# No foreign key: it would lock the one row of the workspace in every transaction.
def workspace() -> sa.Column[Any]:
    return sa.Column("workspace_id", sa.String(), nullable=False)


def insight(name: str, *, cascade: bool = True, nullable: bool = False, **options: Any) -> sa.Column[Any]:
    key = sa.ForeignKey("insight.id", ondelete="CASCADE" if cascade else None)
    return sa.Column(name, sa.Text(), key, nullable=nullable, **options)


def upgrade() -> None:
    _insights()
    _evidence()
    _independence_and_decisions()
    _pairs()
    _merges()
    _changes()


def _insights() -> None:
    op.drop_index("ix_insight_last_seen", table_name="insight")
    op.drop_column("insight", "last_seen")
    op.drop_column("insight", "statement_key")  # and its constraint
    for column in (
        text("shown", nullable=True),
        text("exact_key", nullable=True),
        text("masked_key", nullable=True),
        text("language", nullable=True),
        text("question", nullable=True),
        text("reason", nullable=True),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), nullable=False, server_default=sa.text("'{}'")),
        flag("pinned", False),
        count("version", 1),
        insight("head_id", cascade=False, nullable=True),
        flag("compared", False),
        count("documents"),
        count("documents_with_evidence"),
        count("open_conflicts"),
    ):
        op.add_column("insight", column)
    op.create_unique_constraint("insight_exact_key_key", "insight", ["exact_key"])
    op.drop_index("ix_insight_search", table_name="insight")
    op.drop_column("insight", "search")
    words = "to_tsvector('english'::regconfig, statement || ' ' || coalesce(shown, ''))"
    op.add_column("insight", sa.Column("search", postgresql.TSVECTOR(), sa.Computed(words, persisted=True)))
    op.create_index("ix_insight_search", "insight", ["search"], postgresql_using="gin")
    op.create_index("ix_insight_workspace", "insight", ["workspace_id", "id"])
    op.create_index("ix_insight_masked_key", "insight", ["masked_key"])
    op.create_index("ix_insight_head", "insight", ["head_id"], postgresql_where=sa.text("head_id IS NOT NULL"))
    op.create_index("ix_insight_without_key", "insight", ["id"], postgresql_where=sa.text("exact_key IS NULL"))
    fresh = sa.text("NOT compared AND head_id IS NULL")
    op.create_index("ix_insight_not_compared", "insight", ["id"], postgresql_where=fresh)
    op.execute("ALTER TABLE insight SET (fillfactor = 80)")


def _evidence() -> None:
    op.create_table(
        "sighting",
        sa.Column("evidence_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("response_id", sa.BigInteger(), autoincrement=False, nullable=False),
        time("seen_at"),
        sa.PrimaryKeyConstraint("evidence_id", "response_id"),
    )
    op.create_index("ix_sighting_response", "sighting", ["response_id"])
    op.execute(ONE_ROW_A_QUOTE)
    op.drop_constraint("evidence_insight_id_document_id_response_id_quote_key_key", "evidence", type_="unique")
    op.create_unique_constraint(
        "evidence_insight_id_document_id_quote_key_key", "evidence", ["insight_id", "document_id", "quote_key"]
    )
    op.drop_index("ix_evidence_insight_id", table_name="evidence")
    op.create_index("ix_evidence_quote", "evidence", ["quote_key"])


# The first row of a quote stays, and the others become sightings of it.
ONE_ROW_A_QUOTE = """
WITH numbered AS (
  SELECT id, min(id) OVER (PARTITION BY insight_id, document_id, quote_key) AS first FROM evidence
), others AS (
  DELETE FROM evidence e USING numbered n WHERE n.id = e.id AND n.id <> n.first
  RETURNING n.first, e.response_id, e.created_at
)
INSERT INTO sighting (evidence_id, response_id, seen_at)
SELECT o.first, o.response_id, min(o.created_at) FROM others o JOIN evidence e ON e.id = o.first
WHERE e.response_id <> o.response_id GROUP BY o.first, o.response_id
"""


def _independence_and_decisions() -> None:
    op.add_column("document", text("text_group", nullable=True))
    op.create_index("ix_document_text_group", "document", ["text_group"])
    ready = sa.text("text_group IS NULL AND state = 'ready'")
    op.create_index("ix_document_without_group", "document", ["id"], postgresql_where=ready)
    bands = sa.Column("bands", postgresql.ARRAY(sa.BigInteger()), nullable=False)
    op.create_table("text_group", text("id"), workspace(), bands, sa.PrimaryKeyConstraint("id"))
    op.create_index("ix_text_group_bands", "text_group", ["bands"], postgresql_using="gin")
    op.create_table(
        "decision",
        text("hash"),
        workspace(),
        sa.Column("key_version", sa.Integer(), nullable=False),
        text("state"),
        time("decided_at"),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_table(
        "installation",
        sa.Column("id", sa.Boolean(), nullable=False),
        text("decision_salt"),
        sa.CheckConstraint("id", name="one_row"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.execute(
        "INSERT INTO installation (id, decision_salt)"
        " VALUES (true, replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''))"
    )


def _pairs() -> None:
    op.create_table(
        "pair",
        text("id"),
        workspace(),
        insight("first"),
        insight("second"),
        text("kind"),
        text("found_by"),
        sa.Column("score", sa.Float(), nullable=False),
        text("state", default="'open'"),
        text("verdict", nullable=True),
        sa.Column("grounds", postgresql.JSONB(), nullable=True),
        time("later_at", nullable=True),
        text("actor", nullable=True),
        time("settled_at", nullable=True),
        time("created_at"),
        sa.CheckConstraint("first < second", name="in_order"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("first", "second"),
    )
    op.create_index("ix_pair_second", "pair", ["second"])
    op.create_index("ix_pair_open", "pair", ["workspace_id", "id"], postgresql_where=sa.text("state = 'open'"))
    op.create_table(
        "statement_word",
        workspace(),
        text("word"),
        sa.Column("statements", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "word"),
    )


def _merges() -> None:
    op.create_table(
        "merge",
        text("id"),
        workspace(),
        text("into_id"),
        text("found_by"),
        text("actor"),
        time("merged_at"),
        time("undone_at", nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_merge_workspace", "merge", ["workspace_id", "id"])
    op.create_table(
        "merged",
        sa.Column("merge_id", sa.Text(), sa.ForeignKey("merge.id", ondelete="CASCADE"), nullable=False),
        insight("insight_id"),
        text("into_id"),
        flag("active", True),
        sa.PrimaryKeyConstraint("merge_id", "insight_id"),
    )
    active = sa.text("active")
    op.create_index("ux_merged_active", "merged", ["insight_id"], unique=True, postgresql_where=active)
    op.create_index("ix_merged_into", "merged", ["into_id"], postgresql_where=active)
    op.create_index("ix_merged_insight", "merged", ["insight_id"])


def _changes() -> None:
    op.create_table(
        "insight_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        text("change_id"),
        workspace(),
        insight("insight_id"),
        text("actor"),
        text("action"),
        sa.Column("before", postgresql.JSONB(), nullable=False),
        sa.Column("after", postgresql.JSONB(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        time("changed_at"),
        time("undone_at", nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_insight_change_insight", "insight_change", ["insight_id", "id"])
    op.create_index("ix_insight_change_change", "insight_change", ["change_id"])


def downgrade() -> None:
    for table in (
        "insight_change",
        "merged",
        "merge",
        "statement_word",
        "pair",
        "installation",
        "decision",
        "text_group",
    ):
        op.drop_table(table)
    op.drop_index("ix_document_text_group", table_name="document")
    op.drop_index("ix_document_without_group", table_name="document")
    op.drop_column("document", "text_group")
    _downgrade_evidence()
    _downgrade_insights()


def _downgrade_evidence() -> None:
    op.drop_table("sighting")
    op.drop_index("ix_evidence_quote", table_name="evidence")
    op.create_index("ix_evidence_insight_id", "evidence", ["insight_id"])
    op.drop_constraint("evidence_insight_id_document_id_quote_key_key", "evidence", type_="unique")
    columns = ["insight_id", "document_id", "response_id", "quote_key"]
    op.create_unique_constraint("evidence_insight_id_document_id_response_id_quote_key_key", "evidence", columns)


def _downgrade_insights() -> None:
    op.execute("ALTER TABLE insight RESET (fillfactor)")
    for index in ("not_compared", "without_key", "head", "masked_key", "workspace", "search"):
        op.drop_index(f"ix_insight_{index}", table_name="insight")
    for column in (
        "search",
        "open_conflicts",
        "documents_with_evidence",
        "documents",
        "compared",
        "head_id",
        "version",
    ):
        op.drop_column("insight", column)
    for column in ("pinned", "tags", "reason", "question", "language", "masked_key", "exact_key", "shown"):
        op.drop_column("insight", column)
    op.add_column("insight", sa.Column("statement_key", sa.String(), nullable=True))
    # Statements of different questions are told apart by their ids then.
    op.execute(
        """UPDATE insight i SET statement_key = lower(statement) || CASE WHEN EXISTS (SELECT 1 FROM insight o
             WHERE lower(o.statement) = lower(i.statement) AND o.id < i.id) THEN ' ' || id ELSE '' END"""
    )
    op.alter_column("insight", "statement_key", nullable=False)
    op.create_unique_constraint(None, "insight", ["workspace_id", "statement_key"])
    words = "to_tsvector('english'::regconfig, statement)"
    op.add_column("insight", sa.Column("search", postgresql.TSVECTOR(), sa.Computed(words, persisted=True)))
    op.create_index("ix_insight_search", "insight", ["search"], postgresql_using="gin")
    op.add_column("insight", time("last_seen"))
    op.create_index("ix_insight_last_seen", "insight", ["last_seen", "id"])
