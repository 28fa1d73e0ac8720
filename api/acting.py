"""Who acts through this door."""

from collections.abc import AsyncIterator

from core.access import actor
from core.access.actor import Caller

# The actor of a change, until programs sign in.
DOOR = "HTTP API"


async def acting() -> AsyncIterator[None]:
    """A coroutine, so that it shares its context with the route: a plain function would set it in another thread."""
    with actor.bound(Caller("api", "open", "admin", label=DOOR)):
        yield
