"""Databases on the server of the run: each a copy of one that was migrated once.

Tests work in them as the role that web and jobs have. What reaches in as the owner, or takes tables apart, says so:
`owners(url)`.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import make_url
from sqlmodel import Session

from core.asking import templates
from core.runtime import db, engines, migrate
from core.runtime.embedded_postgres import APP_ROLE

# Only this one is migrated; nobody may connect to it any more, so that it can be copied at any moment.
MIGRATED = "migrated"
MAKES_MIGRATED = 7431  # an advisory lock: the workers of a run come for it at the same time

# A server's locks are all in one view.
IN_THIS_DATABASE = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"


def named(server: str, name: str) -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def apps(url: str) -> str:
    return make_url(url).set(username=APP_ROLE).render_as_string(hide_password=False)


def owners(url: str) -> str:
    return make_url(url).set(username="postgres").render_as_string(hide_password=False)


@contextmanager
def as_owner() -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """To take the tables at hand apart, or to look at what no process of ours may."""
    url = engines.engine().url.set(drivername="postgresql", username="postgres").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@contextmanager
def transaction_of_owner() -> Iterator[Session]:
    engine = engines.apart("owner", owners(engines.engine().url.render_as_string(hide_password=False)))
    with db.transaction(engine) as session:
        yield session
    engine.dispose()


def settle(server: str) -> None:
    """No test pulls the plug of the machine: nothing has to be on its disk."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("ALTER SYSTEM SET full_page_writes = off")
        connection.execute("SELECT pg_reload_conf()")


def make_migrated(server: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (MAKES_MIGRATED,))
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", (MIGRATED,)).rowcount:
            return
        connection.execute("DROP DATABASE IF EXISTS migrating WITH (FORCE)")
        connection.execute("CREATE DATABASE migrating TEMPLATE template0")
        engines.configure(apps(named(server, "migrating")))
        migrate.upgrade(named(server, "migrating"))
        # For tests that wait until others wait, and of what a small stack refuses.
        connection.execute(f"GRANT pg_read_all_stats TO {APP_ROLE}_everywhere")
        connection.execute(f"GRANT SET ON PARAMETER max_stack_depth TO {APP_ROLE}")
        templates.sync_built_ins()
        engines.engine().dispose()
        connection.execute("ALTER DATABASE migrating ALLOW_CONNECTIONS false")
        connection.execute(f"ALTER DATABASE migrating RENAME TO {MIGRATED}")


@contextmanager
def copy(server: str, prefix: str, template: str = MIGRATED) -> Iterator[str]:
    """The URL of a database of one's own, for the role that web and jobs have, which is dropped in the end."""
    name = f"{prefix}_{secrets.token_hex(4)}"
    # Files as they are: to write each page into the log, too, takes twice as long.
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY = FILE_COPY")
    yield apps(named(server, name))
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
