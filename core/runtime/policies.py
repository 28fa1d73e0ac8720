"""The wall in the database: row-level security, so that a statement that forgets the workspace reads nothing of others.

A transaction carries its workspace in a setting (`core.runtime.db`), and each walled table has a policy that shows and
takes the rows of that workspace alone; without the setting there are none. Machinery for all workspaces works as a role
whose policy is `true`, which the planner takes away: its statements are planned as if there were no wall. Where the
owner may not make that role, a second policy knows the setting that says "all".

The owner makes them, after every migration, from the tables as they are declared: one of tomorrow that has a workspace
is behind the wall by having it. A policy that is another one than here is made again.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, text
from sqlmodel import SQLModel

from core import tables
from core.runtime.beginning import ALL
from core.runtime.workspace import DEFAULT

assert tables.__all__  # importing them fills the metadata
HERE = "current_setting('cairn.workspace', true)"


# What hangs on a row of a workspace, with the column that names that row: its own policy decides.
HANGING: Mapping[str, tuple[str, str]] = {
    "document_text": ("document", "document_id"),
    "evidence": ("document", "document_id"),
    "field_quote": ("document", "document_id"),
    "job_document": ("job", "job_id"),
    "job_event": ("job", "job_id"),
    "merged": ("merge", "merge_id"),
    "odd_line": ("provider_batch", "batch_id"),
    "provider_batch": ("job", "job_id"),
    "read_again": ("document", "document_id"),
    "recount_due": ("insight", "insight_id"),
    "request": ("job", "job_id"),
    "request_body": ("request", "request_id"),
    "sighting": ("evidence", "evidence_id"),
    "template_version": ("template", "template_id"),
}
# Written by the statement that writes the row they hang on, which is not seen before its end.
WITH_THEIR_PARENT = ("request_body",)
# A single text's request has no job.
SINGLE = f"job_id IS NULL AND single ->> 'workspace_id' = {HERE}"
# A fingerprint ends with a hash, and begins with the scope of its workspace.
OF_SCOPE = f"left(fingerprint, -64) = CASE {HERE} WHEN '{DEFAULT}' THEN '' ELSE {HERE} || ':' END"
# Walled, and without a policy: under one, the operator @@ would not be allowed to use the index. See ADR 52.
WITHOUT = ("statement_search",)


@dataclass(frozen=True)
class Policy:
    table: str
    name: str
    # After ON table: of what, for whom and which rows.
    says: str

    @property
    def mark(self) -> str:
        return hashlib.sha256(self.says.encode()).hexdigest()[:16]


def walled() -> dict[str, str]:
    """Tables with a policy, and which of their rows it shows to the workspace at hand."""
    found = {name: f"workspace_id = {HERE}" for name in with_workspace() if name not in WITHOUT}
    for name, (parent, key) in HANGING.items():
        found[name] = f"EXISTS (SELECT FROM {parent} on_it WHERE on_it.id = {name}.{key})"
    return {**found, "request": f"{found['request']} OR {SINGLE}", "response": OF_SCOPE}


def with_workspace() -> list[str]:
    return sorted(name for name, table in SQLModel.metadata.tables.items() if "workspace_id" in table.columns)


def wanted(role_everywhere: str | None) -> Iterator[Policy]:
    for table, rows in sorted(walled().items()):
        check = " WITH CHECK (true)" if table in WITH_THEIR_PARENT else ""
        yield Policy(table, "in_workspace", f"USING ({rows}){check}")
        if (column := SQLModel.metadata.tables[table].columns.get("workspace_id")) is not None and column.nullable:
            yield Policy(table, "of_everybody", f"FOR SELECT USING (workspace_id IS NULL AND {HERE} <> '')")
        if role_everywhere is not None:
            yield Policy(table, "everywhere", f"TO {role_everywhere} USING (true)")
        else:
            yield Policy(table, "everywhere", f"USING ({HERE} = '{ALL}')")


def make(connection: Connection, role_everywhere: str | None) -> None:
    """Make those that are missing or others. `role_everywhere`: its quoted name."""
    there = {(row.table, row.name): row.mark for row in connection.execute(text(THERE))}
    enabled = set(connection.scalars(text(ENABLED)))
    wanted_now = {(one.table, one.name): one for one in wanted(role_everywhere)}
    for key, one in wanted_now.items():
        if there.get(key) != one.mark:
            connection.exec_driver_sql(MAKE.format(one=one))
    for table in sorted(set(walled()) - enabled):
        connection.exec_driver_sql(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")


def drop(connection: Connection) -> None:
    """Before a migration, which may change what they name. Until they are made again, only the owner sees rows."""
    for row in connection.execute(text(THERE)).all():
        connection.exec_driver_sql(f"DROP POLICY {row.name} ON {row.table}")


MAKE = """
DROP POLICY IF EXISTS {one.name} ON {one.table};
CREATE POLICY {one.name} ON {one.table} {one.says};
COMMENT ON POLICY {one.name} ON {one.table} IS '{one.mark}'
"""
THERE = """
SELECT c.relname AS table, p.polname AS name, d.description AS mark
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
LEFT JOIN pg_description d ON d.objoid = p.oid AND d.classoid = 'pg_policy'::regclass
WHERE c.relnamespace = current_schema()::regnamespace
"""
ENABLED = """
SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relrowsecurity
"""
