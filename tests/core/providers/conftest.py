import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests import batch_provider
from tests.core.providers.orders import Run


@pytest.fixture
def server() -> Iterator[batch_provider.BatchProvider]:
    with batch_provider.running() as running:
        yield running


@pytest.fixture
def run() -> Iterator[Run[Any]]:
    """One loop for all calls of a test, as an SDK's client belongs to one."""
    with asyncio.Runner() as runner:
        yield runner.run
