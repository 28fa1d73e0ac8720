"""One id from a click or an API call, through the queue, to the provider's request id.

It is bound here, every log line carries it, whoever meets an error is told it. Work that others go on with holds it: a
job in its row, a single text in its request, a document's extraction in its task.
"""

import uuid
from contextlib import AbstractContextManager

from structlog import contextvars

NAME = "correlation_id"


def new() -> str:
    return uuid.uuid4().hex[:12]


def begin(correlation_id: str) -> None:
    """Everything that this thread or task does from now on is about this."""
    contextvars.clear_contextvars()
    contextvars.bind_contextvars(**{NAME: correlation_id})


def current() -> str | None:
    found: str | None = contextvars.get_contextvars().get(NAME)
    return found


def bound(correlation_id: str | None, **about: object) -> AbstractContextManager[None]:
    """Log lines within, and those of tasks and threads begun there, name what they are about."""
    given = {NAME: correlation_id, **about}
    return contextvars.bound_contextvars(**{name: value for name, value in given.items() if value is not None})
