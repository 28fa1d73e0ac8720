"""Bring the database to the newest revision, once, however many processes start at the same time."""

from functools import lru_cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from core.runtime import db

ROOT = Path(__file__).resolve().parents[2]
MIGRATION_LOCK = 0x0CA1_0001


def alembic_config(connection: Connection | None = None) -> Config:
    config = Config(ROOT / "alembic.ini")
    config.attributes["connection"] = connection
    return config


def upgrade() -> None:
    """Migrate to head under an advisory lock; a process that comes second waits and finds nothing to do."""
    with db.engine().connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
        connection.commit()
        try:
            if revision(connection) != head():
                connection.commit()
                command.upgrade(alembic_config(connection), "head")
                connection.commit()
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": MIGRATION_LOCK})
            connection.commit()


@lru_cache(maxsize=1)
def head() -> str:
    """The newest revision among this version's migrations; read once, because every probe asks."""
    return ScriptDirectory.from_config(alembic_config()).get_current_head() or ""


@lru_cache(maxsize=1)
def known() -> frozenset[str]:
    return frozenset(script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions())


def revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
