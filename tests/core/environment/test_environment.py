from pathlib import Path

import pytest
from pydantic import ValidationError

from core.environment import Settings, load_settings
from core.errors import ConfigurationError


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def load(monkeypatch: pytest.MonkeyPatch, **values: str) -> Settings:
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def refused(monkeypatch: pytest.MonkeyPatch, **values: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(monkeypatch, **values)
    return caught.value.message


def test_nothing_needs_to_be_set() -> None:
    settings = load_settings()
    assert settings.environment == "development"
    assert settings.database_url is None


def test_all_errors_are_told_at_once_and_no_value_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    told = refused(
        monkeypatch,
        DATABASE_POOL_SIZE="-3",
        LIVE_CONCURRENCY="lots-of-it",
        DATABASE_URL="mysql://admin:hunter2@db/x",
        OPENAI_BASE_URL="ftp://hunter3",
        LOG_LEVEL="LOUD",
        REPORTING_ZONE="Mars/Olympus",
    )
    wrong = "DATABASE_POOL_SIZE", "LIVE_CONCURRENCY", "DATABASE_URL", "OPENAI_BASE_URL", "LOG_LEVEL", "REPORTING_ZONE"
    for name in wrong:
        assert name in told
    for value in ("hunter2", "hunter3", "lots-of-it", "LOUD", "-3", "Olympus"):
        assert value not in told
    assert "start again" in told


SECRET = "gK3v0-8sQm1Zc7Yt5Rj2Wp9Xn4Lb6Hd"


@pytest.mark.parametrize(
    "secret", [None, "", "short", "x" * 31, "change-me-" + SECRET, "your-secret-key-" + SECRET, "SECRET" + SECRET]
)
def test_production_wants_a_real_secret(secret: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {} if secret is None else {"SECRET_KEY": secret}
    told = refused(monkeypatch, ENVIRONMENT="production", **values)
    assert "SECRET_KEY" in told
    assert SECRET not in told
    assert load(monkeypatch, ENVIRONMENT="development").environment == "development"


def test_production_with_a_real_secret_starts_and_hides_it(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, ENVIRONMENT="production", SECRET_KEY=SECRET + "x", OPENAI_API_KEY="sk-hidden")
    assert SECRET not in repr(settings)
    assert "sk-hidden" not in repr(settings)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+asyncpg"])
def test_every_spelling_of_a_postgresql_url_is_taken(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, DATABASE_URL=f"{scheme}://u:p@db:5432/cairn")
    assert settings.database_url == "postgresql+psycopg://u:p@db:5432/cairn"


def test_blank_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, DATABASE_URL=" ", OPENAI_API_KEY="", OPENAI_BASE_URL="  ")
    assert (settings.database_url, settings.openai_api_key, settings.openai_base_url) == (None, None, None)


@pytest.mark.parametrize(
    ("values", "grace"),
    [
        ({}, 60),
        ({"SHUTDOWN_GRACE_SECONDS": "0"}, 0),
        ({"SHUTDOWN_GRACE_SECONDS": "7"}, 7),
    ],
)
def test_how_long_calls_may_take_to_end(values: dict[str, str], grace: float, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(monkeypatch, **values).grace_seconds == grace


def test_the_env_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("LIVE_CONCURRENCY=7\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(Settings.model_config, "env_file", ".env")  # off elsewhere: a developer's own is not ours
    assert load_settings().live_concurrency == 7


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load_settings().debug = True  # type: ignore[misc]


def test_own_figures_are_checked_at_boot(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "must be JSON such as" in refused(monkeypatch, RESILIENCE_CUSTOM_CONFIG="{retries: 3}")
    told = refused(monkeypatch, RESILIENCE_CUSTOM_CONFIG='{"retries": 3, "deadline_s": 0}')
    assert "RESILIENCE_CUSTOM_CONFIG: retries is not known" in told
    assert "deadline_s must be a number from 0.1 to 86400" in told
    assert "RESILIENCE_PRESET" in refused(monkeypatch, RESILIENCE_PRESET="none")


def test_own_figures_are_checked_over_the_preset(monkeypatch: pytest.MonkeyPatch) -> None:
    cap = '{"backoff_cap_s": 0.6}'
    assert load(monkeypatch, RESILIENCE_PRESET="simple", RESILIENCE_CUSTOM_CONFIG=cap).resilience_preset == "simple"
    told = refused(monkeypatch, RESILIENCE_PRESET="production", RESILIENCE_CUSTOM_CONFIG=cap)
    assert "backoff_cap_s must not be less than backoff_base_s, which is 1" in told


def test_the_environment_gives_only_what_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(monkeypatch).resilience_values() == {}
    custom = '{"recovery_timeout": 90, "retry_attempts": 4}'
    assert load(monkeypatch, RESILIENCE_CUSTOM_CONFIG=custom).resilience_values() == {
        "recovery_timeout_s": 90,
        "retry_attempts": 4,
    }
    values = load(monkeypatch, RESILIENCE_PRESET="production", RETRY_ATTEMPTS="0").resilience_values()
    assert (values["retry_attempts"], values["recovery_timeout_s"], values["strategy"]) == (0, 90, "conservative")
