"""Configuration fails at boot, with all that is wrong and no secret shown."""

from pathlib import Path
from typing import Any

import pytest

from core.errors import ConfigurationError
from core.settings import Settings, load_settings


def test_all_that_is_wrong_is_said_at_once_and_no_value_is_shown(setting: Any) -> None:
    setting(DATABASE_POOL_SIZE="hunter2", DATABASE_URL="mysql://hunter2@host/db", SCHEDULER_TICK_SECONDS="0.01")
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    for name in ("DATABASE_POOL_SIZE", "DATABASE_URL", "SCHEDULER_TICK_SECONDS"):
        assert name in caught.value.message
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize("secret", ["", "short", "change-me-" * 5])
def test_production_wants_a_real_secret(secret: str, setting: Any) -> None:
    setting(ENVIRONMENT="production", SECRET_KEY=secret)
    with pytest.raises(ConfigurationError, match="SECRET_KEY"):
        load_settings()


def test_a_good_secret_is_taken_and_never_printed(setting: Any) -> None:
    secret = "kX9-" * 12
    setting(ENVIRONMENT="production", SECRET_KEY=secret, OPENAI_API_KEY="sk-private")
    assert secret not in repr(load_settings())
    assert "sk-private" not in repr(load_settings())


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+asyncpg", "postgresql+psycopg"])
def test_any_postgresql_address_is_read_with_our_driver(scheme: str, setting: Any) -> None:
    setting(DATABASE_URL=f"{scheme}://u:p@h:5432/cairn")
    assert load_settings().database_url == "postgresql+psycopg://u:p@h:5432/cairn"


def test_empty_values_count_as_not_set(setting: Any) -> None:
    setting(DATABASE_URL="", OPENAI_API_KEY="")
    assert (load_settings().database_url, load_settings().openai_api_key) == (None, None)


def test_settings_are_frozen_and_the_env_file_is_read(
    setting: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("LIVE_CONCURRENCY=7\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(Settings.model_config, "env_file", ".env")  # off elsewhere: a developer's own is not ours
    assert load_settings().live_concurrency == 7
    with pytest.raises(Exception, match="frozen"):
        load_settings().live_concurrency = 8  # type: ignore[misc]
