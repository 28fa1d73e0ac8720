"""What becomes of an error of the database: it loses the values that it holds, and one that passes says so."""

import psycopg
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from core.errors import Unavailable

AWAY = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout)


def raise_if_away(error: Exception) -> None:
    """Raises Unavailable where the database could not be reached."""
    if isinstance(error, AWAY):
        message = "The database cannot be reached at the moment. Nothing was changed; try again."
        raise Unavailable(message) from error


def hide_values(error: BaseException | None) -> None:
    """PostgreSQL's messages hold values of rows and parameters, which are texts of documents, and errors are logged."""
    while error is not None:
        reported = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(reported, psycopg.Error) and reported.sqlstate is not None:
            error.args = (_without_values(reported),)
        error = error.__cause__ or error.__context__


def _without_values(error: psycopg.Error) -> str:
    found = error.diag
    if isinstance(error, psycopg.DataError | psycopg.IntegrityError):
        name = found.constraint_name or found.column_name or found.datatype_name or ""
        return f"{type(error).__name__} {name}".strip()
    return f"{type(error).__name__}: {found.message_primary}"
