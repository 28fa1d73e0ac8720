"""What the database keeps the role from that web and jobs work as, and how that role comes about."""

import secrets
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import make_url

from core.asking import templates
from core.errors import ConfigurationError
from core.runtime import engines, migrate, rights
from tests import databases
from tests.pipeline import add_document, make_job, rows, run_job

REFUSED = (
    "UPDATE audit_entry SET action = ''",
    "DELETE FROM audit_entry",
    "TRUNCATE audit_entry",
    "ALTER TABLE audit_entry DISABLE TRIGGER ALL",
    "CREATE TRIGGER t BEFORE INSERT ON audit_entry FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "CREATE RULE r AS ON INSERT TO audit_entry DO INSTEAD NOTHING",
    "DROP TABLE audit_entry",
    "TRUNCATE usage_record",
    "ALTER TABLE usage_record DISABLE TRIGGER USER",
    "UPDATE alembic_version SET version_num = ''",
    "CREATE TABLE of_its_own (id int)",
    "CREATE FUNCTION of_its_own() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "SET session_replication_role = replica",
    "SET ROLE postgres",
    "ALTER ROLE cairn_app SUPERUSER",
    "CREATE ROLE of_its_own",
    "COPY audit_entry TO PROGRAM 'cat'",
    "SELECT pg_read_file('PG_VERSION')",
)


def refused(url: str, statement: str) -> bool:
    with psycopg.connect(url) as connection:
        try:
            connection.execute(statement)
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction):
            return True
        finally:
            connection.rollback()
    return False


@pytest.mark.usefixtures("database")
def test_the_app_may_add_to_the_audit_and_change_neither_it_nor_what_holds_it(database: str) -> None:
    assert [statement for statement in REFUSED if not refused(database, statement)] == []
    assert refused(database, "INSERT INTO audit_entry SELECT FROM audit_entry WHERE false") is False
    found = rights.read()
    assert (found.role, found.superuser, found.owns, found.audit_held, found.missing) == (
        "cairn_app",
        False,
        False,
        True,
        (),
    )


@pytest.fixture
def blank(postgres_url: str) -> Iterator[str]:
    """An empty database of a role that may neither make roles nor is a superuser; the URL is that role's."""
    owner = f"owner_{secrets.token_hex(4)}"
    with (
        databases.copy(postgres_url, "rights", "template0") as url,
        psycopg.connect(postgres_url, autocommit=True) as connection,
    ):
        connection.execute(f"CREATE ROLE {owner} LOGIN")
        connection.execute(f"ALTER DATABASE {make_url(url).database} OWNER TO {owner}")
        yield as_role(url, owner)
        engines.engine().dispose()
        with psycopg.connect(databases.owners(url), autocommit=True) as inside:
            inside.execute(f"REASSIGN OWNED BY {owner} TO postgres; DROP OWNED BY {owner}")
        connection.execute(f"DROP ROLE {owner}")


@pytest.fixture
def app(postgres_url: str) -> Iterator[str]:
    """A role that can do nothing yet."""
    name = f"app_{secrets.token_hex(4)}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN")
        yield name
        connection.execute(f"DROP ROLE {name}")


def as_role(url: str, role: str) -> str:
    return make_url(url).set(username=role).render_as_string(hide_password=False)


def forget(url: str, role: str) -> None:
    with psycopg.connect(databases.owners(url), autocommit=True) as connection:
        connection.execute(f"DROP OWNED BY {role}")


def test_an_owner_without_rights_over_roles_migrates_for_a_role_that_works(blank: str, app: str) -> None:
    engines.configure(as_role(blank, app))
    with pytest.raises(ConfigurationError, match="MIGRATION_DATABASE_URL"):
        migrate.upgrade()
    migrate.upgrade(blank)
    templates.sync_built_ins()
    run_job(make_job([add_document()], params={"count": 2}))
    assert rows("SELECT state FROM job") == [{"state": "completed"}]
    assert rights.read().audit_held
    assert refused(as_role(blank, app), "DELETE FROM audit_entry")
    migrate.upgrade()
    forget(blank, app)


def test_what_one_role_made_is_handed_over_and_tables_that_come_later_too(blank: str, app: str) -> None:
    engines.configure(blank)
    migrate.upgrade()
    assert rights.read().missing == (f"{make_url(blank).username}, as which Cairn works, owns its tables.",)
    with psycopg.connect(blank) as connection:
        connection.execute("GRANT ALL ON audit_entry TO PUBLIC")
    engines.configure(as_role(blank, app))
    assert rights.read().audit_held is False
    with psycopg.connect(blank) as connection:
        connection.execute("REVOKE ALL ON audit_entry FROM PUBLIC; CREATE TABLE of_tomorrow (id serial)")
    migrate.upgrade(blank)
    assert rights.read().missing == ()
    with psycopg.connect(as_role(blank, app)) as connection:
        connection.execute("INSERT INTO of_tomorrow DEFAULT VALUES")
    forget(blank, app)


def test_a_role_that_is_missing_is_made_with_its_password_or_named(blank: str, postgres_url: str) -> None:
    missing = f"app_{secrets.token_hex(4)}"
    engines.configure(make_url(as_role(blank, missing)).set(password="it's p%ss").render_as_string(hide_password=False))
    with pytest.raises(ConfigurationError, match=f"CREATE ROLE {missing}"):
        migrate.upgrade(blank)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"ALTER ROLE {make_url(blank).username} CREATEROLE")
        migrate.upgrade(blank)
        found = connection.execute(
            "SELECT rolpassword LIKE 'SCRAM-SHA-256$%%', rolsuper FROM pg_authid WHERE rolname = %s", (missing,)
        )
        assert found.fetchone() == (True, False)
        assert rights.read().role == missing
        forget(blank, missing)
        engines.engine().dispose()
        connection.execute(f"DROP ROLE {missing}")


def test_two_urls_of_two_databases_are_refused(blank: str, database: str, postgres_url: str) -> None:
    with databases.copy(postgres_url, "other", "template0") as other:
        engines.configure(other)
        with pytest.raises(ConfigurationError, match="different databases"):
            migrate.upgrade(databases.owners(blank))
        engines.configure(database)
