"""Pages are run as web runs them: what no page says who asks for is refused."""

from collections.abc import Iterator

import pytest

from core.access import actor
from core.access.actor import MACHINE


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Scripts run in a thread of their own, to which what is bound here does not reach."""
    with actor.bound(MACHINE):
        actor.close()
        yield
    actor.open_again()
