"""Alembic's entry point. The connection is handed in by core.runtime.migrate, which holds the advisory lock."""

from typing import Any

from alembic import context
from sqlmodel import SQLModel

import core.tables  # noqa: F401  # fills the metadata
from core.runtime import engines


def include_object(_object: Any, name: str | None, kind: str, _reflected: bool, _compare_to: Any) -> bool:
    """The queue engine's tables live in our schema but are not ours."""
    return not (kind == "table" and (name or "").startswith("procrastinate_"))


def run(connection: Any) -> None:
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        include_object=include_object,
        compare_type=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with engines.engine().connect() as connection:
        run(connection)
        connection.commit()
