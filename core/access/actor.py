"""Who acts: one context variable, which the doors set and audit entries and changed settings record.

Until there is a sign-in the actor is the door: "settings page", "HTTP API", or empty where a door records none (the
Health page, the other routes of the API, the jobs process). Threads begun by `asyncio.to_thread` inherit it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_actor: ContextVar[str] = ContextVar("actor", default="")


def current() -> str:
    """The name of who acts; empty if no door has set one."""
    return _actor.get()


@contextmanager
def bound(name: str) -> Iterator[None]:
    """What is changed within the block is recorded as done by `name`."""
    token = _actor.set(name)
    try:
        yield
    finally:
        _actor.reset(token)
