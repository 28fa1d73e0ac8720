"""Empty a migrated database after each test, over one connection: to connect takes longer than the emptying."""

from functools import lru_cache

import psycopg

from tests.databases import owners
from tests.pipeline import until_now

KEPT = ("alembic_version", "installation", "sums_edition", "template", "template_version", "workspace")
SMALL = 1 << 16  # bytes
AT_WORK = """SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
             AND backend_type = 'client backend' AND state <> 'idle'"""
AS_IN_THE_BEGINNING = """
SELECT setval(format('%I', sequencename)::regclass, start_value, false) FROM pg_sequences
WHERE schemaname = 'public' AND last_value IS NOT NULL;
DELETE FROM template_version v USING template t WHERE t.id = v.template_id AND NOT t.built_in;
DELETE FROM template WHERE NOT built_in;
DELETE FROM workspace WHERE id <> 'ws_default';
UPDATE sums_edition SET edition = 0, zone = 'UTC' WHERE edition <> 0"""


def empty(url: str) -> None:
    """A migrated database as it was in the beginning: the built-in templates and nothing else."""
    try:
        _emptying(url).empty()
    except psycopg.OperationalError:  # a test cut all connections
        _emptying.cache_clear()
        _emptying(url).empty()


class _Emptying:
    def __init__(self, url: str):
        self.connection = psycopg.connect(owners(url), autocommit=True)
        # As a replica: else rows would have to go in order. Once and for all, for to set it discards all plans, and to
        # plan what looks into each table takes ten times as long as all the rest.
        self.connection.execute("SET session_replication_role = replica")
        tables = self.connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND NOT tablename = ANY(%s)", (list(KEPT),)
        )
        self.looks = " UNION ALL ".join(
            f"SELECT '{name}', pg_relation_size('{name}') > {SMALL} WHERE EXISTS (SELECT 1 FROM {name})"
            for (name,) in tables
        )

    def empty(self) -> None:
        # A process that the test killed may have left a statement behind: it would meet the locks of emptying.
        until_now(lambda: not self.connection.execute(AT_WORK).rowcount)
        used = self.connection.execute(self.looks).fetchall()
        # A new file for each table and each index takes longer than to delete a few rows.
        if large := [name for name, is_large in used if is_large]:
            self.connection.execute(f"TRUNCATE {', '.join(large)} CASCADE")
        deletes = "; ".join(f"DELETE FROM {name}" for name, _ in used)
        self.connection.execute(f"BEGIN; {deletes}; {AS_IN_THE_BEGINNING}; COMMIT")


_emptying = lru_cache(maxsize=1)(_Emptying)
