"""One real PostgreSQL for the run, a database of its own for every worker of it, emptied after each test."""

import gc
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import pytest
import structlog
from sqlalchemy import Engine

from core.calls import breaker, clients
from core.environment import Settings, get_settings
from core.health import chain_check
from core.runtime import engines, shared_clock
from core.runtime.embedded_postgres import EmbeddedPostgres
from core.settings import store
from tests import batch_provider, databases, emptying, local_provider, pipeline
from tests.batch_provider import BatchProvider

SETTINGS = tuple(name.upper() for name in Settings.model_fields)

# The same examples on every machine and in every run: a property fails for all or for none.
hypothesis.settings.register_profile("cairn", derandomize=True, database=None, deadline=None)
hypothesis.settings.load_profile("cairn")


@pytest.fixture(scope="session", autouse=True)
def _no_outside_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The machine's environment and a developer's .env must not decide what the tests see."""
    for name in [name for name in os.environ if name.upper() in SETTINGS]:
        del os.environ[name]
    # Hundreds of processes are started that would each compile what they import.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    Settings.model_config["env_file"] = None
    # As the app has it: the formatter of a log that nobody set up draws all local variables, for seconds.
    structlog.configure(
        [
            *structlog.get_config()["processors"][:-1],
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
        ]
    )
    os.environ["DATA_DIR"] = str(tmp_path_factory.mktemp("data"))
    get_settings.cache_clear()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from tests.chains import Chains

    return Chains(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What is imported lives to the end: to look through it at every collection was a tenth of the tests' CPU, and a
    fifth of the collecting itself."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()
        # Most of what a test makes lives as long as the test: fewer looks through it.
        gc.set_threshold(100_000, 20, 100)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        from tests.chains import chained_first

        chained_first(items)


@contextmanager
def running_server() -> Iterator[str]:
    # Not under pytest's own directory: each start of pytest closes that to other accounts, such as PostgreSQL's.
    with tempfile.TemporaryDirectory(prefix="cairn-", ignore_cleanup_errors=True) as directory:
        # Little memory: each of its many databases would be in buffers of its own, which the kernel clears first.
        server = EmbeddedPostgres(Path(directory), memory_mb=1024)
        server.start()
        databases.settle(server.url)
        yield server.url
        server.stop()


SERVER = pytest.StashKey[ExitStack]()
URL = pytest.StashKey[str]()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Where xdist spreads a run over workers, they have one server, and each its own database there."""
    config = node.config
    if SERVER not in config.stash:
        config.stash[SERVER] = ExitStack()
        config.stash[URL] = config.stash[SERVER].enter_context(running_server())
    node.workerinput["postgres_url"] = config.stash[URL]


def pytest_unconfigure(config: pytest.Config) -> None:
    if SERVER in config.stash:
        config.stash[SERVER].close()


@pytest.fixture(scope="session")
def postgres_url(_no_outside_settings: None, pytestconfig: pytest.Config) -> Iterator[str]:
    """The run's server, by a database of it in which nothing is."""
    shared = getattr(pytestconfig, "workerinput", {}).get("postgres_url")
    with nullcontext(shared) if shared else running_server() as url:
        databases.make_migrated(url)
        # Nobody is taken over in the first lease of a server; the leases of tests are a second.
        young = "SELECT 1 WHERE pg_postmaster_start_time() > now() - interval '1 second'"
        with psycopg.connect(url, autocommit=True) as connection:
            pipeline.until_now(lambda: not connection.execute(young).rowcount)
        yield url


@pytest.fixture(scope="session")
def migrated(postgres_url: str) -> Iterator[str]:
    """This worker's database."""
    with databases.copy(postgres_url, "cairn") as url:
        yield url
        engines.engine().dispose()


@pytest.fixture(scope="session")
def _engine(migrated: str) -> list[Engine]:
    """The engine of the last test with `database`."""
    return [engines.configure(migrated)]


@pytest.fixture
def database(migrated: str, _engine: list[Engine]) -> Iterator[str]:
    """A migrated database with the built-in templates and nothing else."""
    # A new engine connects anew, and compiles and prepares each statement anew: more work than most tests are.
    if engines.engine() is not _engine[0]:
        _engine[0] = engines.configure(migrated)
    store.load()
    breaker.view.forget()
    shared_clock.forget()
    # It goes on from the entries of the test before, which are no longer there.
    chain_check.forget()
    yield migrated
    emptying.empty(migrated)


@pytest.fixture
def own_database(database: str, postgres_url: str) -> Iterator[str]:
    """For a test that breaks its tables, as their owner: nothing of it is left, however it ends."""
    with databases.copy(postgres_url, "own") as own:
        engines.configure(databases.owners(own))
        yield databases.owners(own)
        engines.engine().dispose()
        engines.configure(database)


@pytest.fixture
def setting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """`setting(NAME=value)` changes the environment and what was read from it."""

    def change(**values: object) -> None:
        for name, value in values.items():
            monkeypatch.setenv(name, str(value))
        get_settings.cache_clear()
        clients.forget()

    yield change
    monkeypatch.undo()
    get_settings.cache_clear()
    clients.forget()


@pytest.fixture
def provider() -> Iterator[local_provider.LocalProvider]:
    """A provider of our own on this machine."""
    with local_provider.running() as server:
        yield server


@pytest.fixture
def openai(provider: local_provider.LocalProvider, setting: Any) -> local_provider.LocalProvider:
    """The same, set up as openai, without waits of its own: what fails is not tried again unless a test says so."""
    setting(
        OPENAI_API_KEY="test",
        OPENAI_BASE_URL=provider.openai_url,
        RETRY_ATTEMPTS=0,
        RESILIENCE_CUSTOM_CONFIG='{"circuit_breaker_threshold": 100}',
    )
    return provider


@pytest.fixture
def batch_server(setting: Any) -> Iterator[BatchProvider]:
    """A provider of our own with batches, set up as openai and as anthropic, and looked at without waits."""
    with batch_provider.running() as server:
        setting(
            OPENAI_API_KEY="test",
            OPENAI_BASE_URL=server.openai_url,
            ANTHROPIC_API_KEY="test",
            ANTHROPIC_BASE_URL=server.anthropic_url,
            RETRY_ATTEMPTS=0,
            RESILIENCE_CUSTOM_CONFIG='{"circuit_breaker_threshold": 100}',
            BATCH_POLL_SECONDS=0.2,
            BATCH_SETTLE_SECONDS=0,
        )
        yield server


@pytest.fixture
def fixtures() -> Path:
    return Path(__file__).parent / "fixtures"
