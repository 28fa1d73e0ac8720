"""Bring the database to the newest revision, once, however many processes start at the same time."""

from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from core.errors import ConfigurationError
from core.runtime import engines, policies, rights

ROOT = Path(__file__).resolve().parents[2]
MIGRATION_LOCK = 0x0CA1_0001


def alembic_config(connection: Connection | None = None) -> Config:
    config = Config(ROOT / "alembic.ini")
    config.attributes["connection"] = connection
    return config


def upgrade(owner: str | None = None) -> None:
    """Migrate to head under an advisory lock; a process that comes second waits and finds nothing to do.

    `owner`: the URL of the role that does it, where the one that this process works as is another, which then gets its
    rights. Raises ConfigurationError where neither may do it.
    """
    with ExitStack() as stack:
        engine = engines.engine()
        if owner == engine.url.render_as_string(hide_password=False):
            owner = None
        if owner is not None:
            engine = engines.apart("cairn migration", owner)
            stack.callback(engine.dispose)
        _upgrade(stack.enter_context(engine.connect()))
    if owner is not None:
        with engines.engine().connect() as connection:
            if revision(connection) != head():
                raise ConfigurationError(ANOTHER_DATABASE)


def _upgrade(connection: Connection) -> None:
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
    connection.commit()
    try:
        if (found := revision(connection)) != head():
            if not connection.scalar(text(MAY_MIGRATE)):
                raise ConfigurationError(MAY_NOT.format(found=found or "nothing", head=head()))
            policies.drop(connection)
            connection.commit()
            command.upgrade(alembic_config(connection), "head")
            connection.commit()
        role = rights.role_of(engines.engine().url)
        if connection.scalar(text("SELECT current_user <> :role"), {"role": role}):
            rights.grant(connection, engines.engine().url)
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": MIGRATION_LOCK})
        connection.commit()


MAY_MIGRATE = "SELECT has_schema_privilege(current_schema(), 'CREATE')"
MAY_NOT = (
    "The schema is at {found} and not at {head}, and the role of DATABASE_URL may not change it: set "
    "MIGRATION_DATABASE_URL, or start first the process that has it."
)
ANOTHER_DATABASE = (
    "DATABASE_URL and MIGRATION_DATABASE_URL lead to different databases: set them to the same one, with the role that "
    "Cairn works as and with the owner's."
)


@lru_cache(maxsize=1)
def head() -> str:
    """The newest revision among this version's migrations; read once, because every probe asks."""
    return ScriptDirectory.from_config(alembic_config()).get_current_head() or ""


@lru_cache(maxsize=1)
def known() -> frozenset[str]:
    return frozenset(script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions())


def revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
