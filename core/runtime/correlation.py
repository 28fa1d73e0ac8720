"""One id from a click or an API call, through the queue, to the provider's request id.

It is bound here. Every log line carries it, and every error that a person or a program sees names it. It is stored with
work that another process continues: a job's in its row, a single text's in its request, an extraction's in its task.
"""

import uuid
from contextlib import AbstractContextManager

from structlog import contextvars

NAME = "correlation_id"


def new() -> str:
    return uuid.uuid4().hex[:12]


def begin(correlation_id: str) -> None:
    """Bind the id for all that this thread or task does from now on."""
    contextvars.clear_contextvars()
    contextvars.bind_contextvars(**{NAME: correlation_id})


def current() -> str | None:
    found: str | None = contextvars.get_contextvars().get(NAME)
    return found


def bound(correlation_id: str | None, **about: object) -> AbstractContextManager[None]:
    """Bind the id and `about` for the log lines of this block, and of the tasks and threads that it begins."""
    given = {NAME: correlation_id, **about}
    return contextvars.bound_contextvars(**{name: value for name, value in given.items() if value is not None})
