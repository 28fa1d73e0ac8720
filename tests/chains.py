"""How xdist spreads the tests over its workers: what is heavy does not run beside much else that is heavy.

What starts whole apps, browsers and several processes is in one of a few chains. Each goes through one worker, one
test after the other. They come first; the light tests fill up the workers in the end.
"""

from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

TESTS = Path(__file__).parent
# Of each test the first that fits; of about the same length, one for each of three workers.
CHAINS = {
    "batches": (
        *("processes/test_a", "processes/test_b", "processes/test_c"),
        *("processes/test_page_errors", "processes/test_silence", "journeys/test_life"),
        *("core/runtime/test_embedded", "core/runtime/test_supervision"),
    ),
    "browsers": ("journeys/",),
    "live": ("processes/",),
    # No heavy ones, but a server of Debian's is started for the whole file.
    "migrations": ("core/runtime/test_migrate",),
}
assert all(list(TESTS.glob(f"{start}*")) for starts in CHAINS.values() for start in starts), "a chain of no test"
ORDER = ("batches", "browsers", "live", "migrations", None)


def chain_of(path: str) -> str | None:
    return next((chain for chain, starts in CHAINS.items() if path.startswith(starts)), None)


def chained_first(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: ORDER.index(chain_of(item.path.relative_to(TESTS).as_posix())))


class Chains(LoadScopeScheduling):  # type: ignore[misc]
    """A unit of work is a chain, or a single test."""

    def __init__(self, config: pytest.Config, log: Producer):
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def remove_node(self, node: WorkerController) -> str | None:
        """Of a worker that died what it had ended stays ended: a unit without a test that is still to run would be
        handed to another, which would wait for its end for ever."""
        ended = [unit for unit, tests in self.assigned_work[node].items() if all(tests.values())]
        for unit in ended:
            del self.assigned_work[node][unit]
        crashed: str | None = super().remove_node(node)
        return crashed

    def _split_scope(self, nodeid: str) -> str:
        return chain_of(nodeid.removeprefix("tests/")) or nodeid
