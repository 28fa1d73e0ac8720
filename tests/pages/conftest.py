"""Pages are run as web runs them: what no page says who asks for is refused, and shows nothing."""

from collections.abc import Iterator

import pytest

from core.access import actor
from core.access.actor import MACHINE
from core.runtime import workspace


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Scripts run in a thread of their own, to which what is bound here does not reach."""
    with actor.bound(MACHINE), workspace.bound(workspace.DEFAULT):
        for said_by_doors in (actor, workspace):
            said_by_doors.close()
        yield
    for said_by_doors in (actor, workspace):
        said_by_doors.open_again()
