"""people, sign-ins, keys and members; the audit becomes a chain"""

import hashlib
import json
from datetime import UTC
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0032"
down_revision: str | None = "0031"
branch_labels: Any = None
depends_on: Any = None

NOW = sa.text("now()")
EMPTY = sa.text("''")
START = "0" * 64
# What entries were called, as (subject, action), and what they are called now.
ACTIONS = {
    "key set": "provider_key.set",
    "key replaced": "provider_key.set",
    "key removed": "provider_key.remove",
    "open breaker": "breaker.open",
    "close breaker": "breaker.close",
    "merge": "insight.merge",
    "unmerge": "insight.unmerge",
    "settle": "insight.settle",
    "invalidate": "cache.invalidate",
    "requeue": "stuck.requeue",
    "remove": "retention.run",
}
SUBJECT = "(object ->> 'kind') || coalesce(':' || (object ->> 'id'), '')"


def upgrade() -> None:
    _people()
    op.add_column("workspace", sa.Column("description", sa.String(), server_default=EMPTY, nullable=False))
    op.add_column("document", sa.Column("made_by", sa.String(), server_default=EMPTY, nullable=False))
    op.add_column("template", sa.Column("made_by", sa.String(), server_default=EMPTY, nullable=False))
    _chain()


def _people() -> None:
    op.create_table(
        "person",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("issuer", sa.String(), nullable=True),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("name", sa.String(), server_default=EMPTY, nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.UniqueConstraint("issuer", "subject"),
        sa.CheckConstraint("role IN ('analyst', 'manager', 'admin')", name="person_role"),
    )
    op.create_index("ix_person_email", "person", [sa.text("lower(email)")])
    op.create_table(
        "member",
        sa.Column("workspace", sa.Text(), sa.ForeignKey("workspace.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("person_id", sa.String(), sa.ForeignKey("person.id"), primary_key=True),
        sa.Column("added_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("added_by", sa.String(), server_default=EMPTY, nullable=False),
    )
    op.create_index("ix_member_person_id", "member", ["person_id"])
    op.create_table(
        "sign_in",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("person_id", sa.String(), sa.ForeignKey("person.id"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ip", sa.String(), nullable=True),
    )
    op.create_index("ix_sign_in_person_id", "sign_in", ["person_id"])
    op.create_table(
        "api_key",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("person_id", sa.String(), sa.ForeignKey("person.id"), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("workspace", sa.Text(), sa.ForeignKey("workspace.id", ondelete="CASCADE"), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("created_by", sa.String(), server_default=EMPTY, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_from", sa.String(), nullable=True),
        sa.UniqueConstraint("sha256"),
    )
    op.create_index("ix_api_key_person_id", "api_key", ["person_id"])
    op.create_table(
        "api_minute",
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        prefixes=["UNLOGGED"],
    )


def _chain() -> None:
    """The entries so far are written anew, in their order, and their ids with them: a chain has no gap."""
    op.create_table(
        "audit_head",
        sa.Column("id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
    )
    op.drop_index("ix_audit_entry_subject", table_name="audit_entry")
    op.rename_table("audit_entry", "audit_entry_before")
    op.execute("ALTER INDEX audit_entry_pkey RENAME TO audit_entry_before_pkey")
    sides = [sa.Column(name, postgresql.JSONB(), nullable=True) for name in ("object", "before", "after")]
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("workspace", sa.String(), nullable=True),
        sa.Column("user", sa.String(), nullable=True),
        sa.Column("key", sa.String(), nullable=True),
        sa.Column("door", sa.String(), nullable=False),
        sa.Column("ip", sa.String(), nullable=True),
        sa.Column("request_id", sa.String(), nullable=True),
        sa.Column("action", sa.String(), nullable=False),
        *sides,
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("previous_hash", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("subject", sa.Text(), sa.Computed(SUBJECT, persisted=True), nullable=True),
    )
    op.create_index("ix_audit_entry_subject", "audit_entry", ["subject", "id"])
    op.create_index("ix_audit_entry_time", "audit_entry", ["time"])
    op.create_index("ix_audit_entry_workspace", "audit_entry", ["workspace", "id"])
    _write_anew()
    op.drop_table("audit_entry_before")


def _write_anew() -> None:
    connection = op.get_bind()
    sql = 'SELECT time, "user", action, subject, before, after FROM audit_entry_before ORDER BY id'
    last, number = START, 0
    for number, row in enumerate(connection.execute(sa.text(sql)).mappings().all(), 1):
        entry = _entry(number, row, last)
        time = row["time"].astimezone(UTC).isoformat().replace("+00:00", "Z")
        canonical = json.dumps({**entry, "time": time}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        last = hashlib.sha256(f"{last}\n{canonical}".encode()).hexdigest()
        stored = {name: json.dumps(entry[name]) for name in ("object", "before", "after")}
        sides = {name: None if value == "null" else value for name, value in stored.items()}
        connection.execute(sa.text(INSERT), {**entry, **sides, "id": number, "time": row["time"], "hash": last})
    if number:
        head = {"entries": number, "hash": last}
        connection.execute(sa.text("INSERT INTO audit_head (id, entries, hash) VALUES (1, :entries, :hash)"), head)


INSERT = """
INSERT INTO audit_entry (id, time, workspace, "user", key, door, ip, request_id, action, object, before, after, outcome,
  previous_hash, hash)
VALUES (:id, :time, :workspace, :user, :key, :door, :ip, :request_id, :action, CAST(:object AS jsonb),
  CAST(:before AS jsonb), CAST(:after AS jsonb), :outcome, :previous_hash, :hash)
"""


def _entry(number: int, row: Any, previous_hash: str) -> dict[str, Any]:
    """Who did it was a door's name, which is kept beside what the door is called now."""
    kind, _, id_ = row["subject"].partition(":")
    if "breaker" in row["action"]:
        kind, id_ = "breaker", row["subject"]
    action = ACTIONS.get(row["action"], row["action"])
    if kind in ("setting", "provider") and action in ("change", "undo"):
        action = f"settings.{action}"
    elif kind == "insights" and action in ("change", "undo"):
        action = f"insight.{action}"
    elif kind == "retention" and action == "change":
        action = "retention.change"
    door = "pages" if "page" in row["user"] else "api" if "API" in row["user"] else "jobs"
    return {
        "id": str(number),
        "time": None,
        "workspace": None if kind in ("setting", "breaker", "retention", "price", "invoice") else "ws_default",
        "user": None,
        "key": None,
        "door": door,
        "ip": None,
        "request_id": None,
        "action": action,
        "object": {"kind": kind, "id": id_ or None, "name": None},
        "before": row["before"],
        "after": row["after"],
        "outcome": "done",
        "previous_hash": previous_hash,
    }


def downgrade() -> None:
    op.rename_table("audit_entry", "audit_entry_chained")
    op.execute("ALTER INDEX audit_entry_pkey RENAME TO audit_entry_chained_pkey")
    op.drop_index("ix_audit_entry_subject", table_name="audit_entry_chained")
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("time", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("user", sa.String(), server_default=EMPTY, nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("before", postgresql.JSONB(), nullable=True),
        sa.Column("after", postgresql.JSONB(), nullable=True),
    )
    op.create_index("ix_audit_entry_subject", "audit_entry", ["subject", "id"], unique=False)
    op.execute(
        'INSERT INTO audit_entry (time, "user", action, subject, before, after) '
        "SELECT time, coalesce(\"user\", door), action, coalesce(subject, ''), before, after "
        "FROM audit_entry_chained ORDER BY id"
    )
    op.drop_table("audit_entry_chained")
    op.drop_table("audit_head")
    op.drop_column("template", "made_by")
    op.drop_column("document", "made_by")
    op.drop_column("workspace", "description")
    for table in ("api_minute", "api_key", "sign_in", "member", "person"):
        op.drop_table(table)
