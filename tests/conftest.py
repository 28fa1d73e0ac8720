"""One real PostgreSQL for the run, a database of its own for every worker of it, emptied after each test."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from core import breaker, clients, db, migrate, shared_clock, stored, templates
from core.embedded import EmbeddedPostgres
from core.settings import Settings, get_settings
from tests import batch_provider, local_provider, pipeline
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
    Settings.model_config["env_file"] = None
    os.environ["DATA_DIR"] = str(tmp_path_factory.mktemp("data"))
    get_settings.cache_clear()


@pytest.fixture(scope="session")
def postgres_url(_no_outside_settings: None) -> Iterator[str]:
    # Not under pytest's own directory: each start of pytest closes that to other accounts, such as PostgreSQL's.
    with tempfile.TemporaryDirectory(prefix="cairn-", ignore_cleanup_errors=True) as directory:
        server = EmbeddedPostgres(Path(directory))
        server.start()
        yield server.url
        server.stop()


@pytest.fixture(scope="session")
def migrated(postgres_url: str) -> str:
    db.configure(postgres_url)
    migrate.upgrade()
    templates.sync_built_ins()
    # Nobody is taken over in the first lease of a server; the leases of tests are a second.
    young = "SELECT 1 WHERE pg_postmaster_start_time() > now() - interval '1 second'"
    pipeline.until_now(lambda: pipeline.rows(young) == [])
    return postgres_url


@pytest.fixture
def database(migrated: str) -> Iterator[str]:
    """A migrated database with the built-in templates and nothing else."""
    db.configure(migrated)
    stored.load()
    breaker.view.forget()
    shared_clock.forget()
    yield migrated
    pipeline.empty(migrated)


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
