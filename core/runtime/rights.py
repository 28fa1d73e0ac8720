"""Who may do what in the database: an owner migrates it, and web and jobs work as a role of their own.

That role owns nothing and may only add to the audit, so neither a mistake nor a statement that somebody slipped in can
rewrite what was recorded; and it sees one workspace at a time (core.runtime.policies). The owner grants it what it
needs after every migration, whatever tables that brought.

A second role, called as the first and `_everywhere`, can do the same and sees all workspaces. Nobody connects
as it: the first one takes it on for a transaction (`db.transaction(everywhere=True)`), and has not its rights before.
"""

from dataclasses import dataclass

import psycopg
from psycopg import sql
from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import ProgrammingError

from core.errors import ConfigurationError
from core.runtime import db, engines, policies

# Tables that the role may not do everything with, which is SELECT, INSERT, UPDATE and DELETE.
APPEND_ONLY, READ_ONLY = ("audit_entry",), ("alembic_version",)


@dataclass(frozen=True)
class Rights:
    """What the role that a process works as could do although it should not. `unwalled`: tables without the wall."""

    role: str
    superuser: bool
    owns: bool
    changes_audit: bool
    sees_all: bool
    unwalled: tuple[str, ...]

    @property
    def audit_held(self) -> bool:
        """The database refuses this role to change or remove audit entries, or to let itself do so."""
        return not (self.superuser or self.owns or self.changes_audit)

    @property
    def wall_held(self) -> bool:
        """The database shows this role the rows of one workspace at a time."""
        return not (self.superuser or self.owns or self.sees_all or self.unwalled)

    @property
    def missing(self) -> tuple[str, ...]:
        """Why the database does not hold what it should, a sentence each; empty where it does."""
        who = f"{self.role}, as which Cairn works,"
        if self.superuser or self.owns:
            return (f"{who} {'is a superuser' if self.superuser else 'owns its tables'}.",)
        found = [f"{who} may change audit entries."] if self.changes_audit else []
        if self.sees_all:
            found.append(f"{who} is past row-level security.")
        if self.unwalled:
            found.append(f"Tables without their policy: {', '.join(self.unwalled)}.")
        return tuple(found)


def read() -> Rights:
    with db.reading(everywhere=True) as session:
        found = db.row(session, READ, walled=list(policies.walled()))
    assert found is not None
    return Rights(**{**found._mapping, "unwalled": tuple(found.unwalled)})


# Membership in an owner is enough to act as one; to inherit from the role that sees all is to see all.
READ = """
SELECT r.rolname AS role, r.rolsuper AS superuser,
  EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace
            AND c.relkind IN ('r', 'p', 'S') AND pg_has_role(r.oid, c.relowner, 'MEMBER')) AS owns,
  coalesce(has_table_privilege(r.oid, to_regclass('audit_entry'), 'UPDATE, DELETE, TRUNCATE, TRIGGER'), false)
    AS changes_audit,
  r.rolbypassrls OR EXISTS (SELECT FROM pg_roles e WHERE e.rolname = r.rolname || '_everywhere'
    AND (e.rolbypassrls OR pg_has_role(r.oid, e.oid, 'USAGE'))) AS sees_all,
  ARRAY(SELECT name FROM unnest(CAST(:walled AS text[])) name LEFT JOIN pg_class c ON c.oid = to_regclass(name)
    WHERE NOT coalesce(c.relrowsecurity, false)
      OR NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'in_workspace')
    ORDER BY name) AS unwalled
FROM pg_roles r WHERE r.rolname = session_user
"""


def grant(connection: Connection, to: URL) -> None:
    """Give the role of this URL what it needs, and make it where it is missing. `connection` is the owner's, who is
    another role. Does nothing where nothing is lacking.

    Raises ConfigurationError where the owner may not make it.
    """
    role = role_of(to)
    if connection.scalar(text(IS_THERE), {"role": role}) is None:
        _make(connection, role, to.password)
    seeing_all = _everywhere(connection, role)
    for one in filter(None, (role, seeing_all)):
        if connection.scalar(text(LACKING), {"role": one, "append": [*APPEND_ONLY], "read": [*READ_ONLY]}):
            connection.exec_driver_sql(_granting(connection, one))
    policies.make(connection, None if seeing_all is None else sql.Identifier(seeing_all).as_string())
    connection.commit()


IS_THERE = "SELECT 1 FROM pg_roles WHERE rolname = :role"


def role_of(url: URL) -> str:
    if name := url.username or url.query.get("user"):
        return str(name)
    with engines.engine().connect() as connection:
        return str(connection.scalar(text("SELECT current_user")))


def _everywhere(connection: Connection, role: str) -> str | None:
    """The role that sees all workspaces, made where it is missing; None where the owner may not make it."""
    name = f"{role}_everywhere"
    try:
        with connection.begin_nested():
            if connection.scalar(text(IS_THERE), {"role": name}) is None:
                connection.exec_driver_sql(_sql("CREATE ROLE {name} NOLOGIN", name=name))
            if not connection.scalar(text("SELECT pg_has_role(:role, :name, 'MEMBER')"), {"role": role, "name": name}):
                connection.exec_driver_sql(_sql(_membership(connection), name=name, role=role))
    except ProgrammingError:
        return None
    return name


def _membership(connection: Connection) -> str:
    """To take it on, and not to have its rights before."""
    if (connection.dialect.server_version_info or (0,)) < (16,):
        return "ALTER ROLE {role} NOINHERIT; GRANT {name} TO {role}"
    return "GRANT {name} TO {role} WITH INHERIT FALSE, SET TRUE"


def _sql(statement: str, **names: str) -> str:
    return sql.SQL(statement).format(**{key: sql.Identifier(name) for key, name in names.items()}).as_string()


def _make(connection: Connection, role: str, password: str | None) -> None:
    """The password goes to the server as its SCRAM verifier, so that no log of statements has it."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    make = sql.SQL("CREATE ROLE {} LOGIN NOINHERIT").format(sql.Identifier(role))
    if password:
        sealed = driver.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
        make += sql.SQL(" PASSWORD {}").format(sql.Literal(sealed))
    try:
        connection.exec_driver_sql(make.as_string(driver))
    except ProgrammingError as error:
        raise ConfigurationError(
            f"The role {role} of DATABASE_URL does not exist, and that of MIGRATION_DATABASE_URL may not make it: "
            f"have an administrator run CREATE ROLE {role} LOGIN NOINHERIT PASSWORD '...', then start again."
        ) from error


# Whether a table or sequence is without a right that the role should have, or with one that it should not.
LACKING = """
SELECT EXISTS (
  SELECT FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND CASE
    WHEN c.relkind = 'S' THEN NOT has_sequence_privilege(:role, c.oid, 'USAGE')
    WHEN c.relkind NOT IN ('r', 'p') THEN false
    WHEN NOT has_table_privilege(:role, c.oid, 'SELECT') THEN true
    WHEN c.relname = ANY(:append) THEN NOT has_table_privilege(:role, c.oid, 'INSERT')
      OR has_table_privilege(:role, c.oid, 'UPDATE, DELETE, TRUNCATE, TRIGGER')
    WHEN c.relname = ANY(:read) THEN has_table_privilege(:role, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER')
    ELSE NOT (has_table_privilege(:role, c.oid, 'INSERT') AND has_table_privilege(:role, c.oid, 'UPDATE')
      AND has_table_privilege(:role, c.oid, 'DELETE'))
  END)
"""
GRANTS = """
GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {role};
GRANT USAGE ON SCHEMA {schema} TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {role};
REVOKE ALL ON {append}, {read} FROM {role};
GRANT SELECT, INSERT ON {append} TO {role};
GRANT SELECT ON {read} TO {role}
"""


def _granting(connection: Connection, role: str) -> str:
    database, schema = connection.execute(text("SELECT current_database(), current_schema()")).one()
    listed = {
        name: sql.SQL(", ").join(sql.Identifier(schema, table) for table in tables)
        for name, tables in (("append", APPEND_ONLY), ("read", READ_ONLY))
    }
    names = {"database": sql.Identifier(database), "schema": sql.Identifier(schema), "role": sql.Identifier(role)}
    return sql.SQL(GRANTS).format(**names, **listed).as_string()
