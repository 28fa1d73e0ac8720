"""Secrets in the database: what seals them, and who can open them."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from core.errors import ConfigurationError
from core.runtime import sealed_secrets

ONE, OTHER = "o" * 31 + "1", "t" * 31 + "2"
URL = "postgresql://u:p@db:5432/cairn"


@pytest.fixture(autouse=True)
def _own_place(setting: Any, tmp_path: Path) -> None:
    setting(DATA_DIR=tmp_path / "data")


def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "secret.key"


def test_what_is_sealed_is_not_readable_and_opens_again(setting: Any) -> None:
    setting(SECRET_KEY=ONE)
    sealed = sealed_secrets.seal("sk-hidden")
    assert "hidden" not in sealed
    assert sealed_secrets.opened(sealed) == "sk-hidden"
    assert sealed_secrets.seal("sk-hidden") != sealed


def test_another_secret_opens_nothing_and_the_previous_one_still_does(setting: Any) -> None:
    setting(SECRET_KEY=ONE)
    sealed = sealed_secrets.seal("sk-hidden")
    setting(SECRET_KEY=OTHER)
    assert sealed_secrets.opened(sealed) is None
    assert sealed_secrets.opened("not sealed at all") is None
    setting(SECRET_KEY_PREVIOUS=ONE)
    assert sealed_secrets.opened(sealed) == "sk-hidden"
    newer = sealed_secrets.seal("sk-newer")
    setting(SECRET_KEY_PREVIOUS="")
    assert (sealed_secrets.opened(sealed), sealed_secrets.opened(newer)) == (None, "sk-newer")


def test_with_the_embedded_database_a_file_is_made_at_first_need(tmp_path: Path) -> None:
    assert sealed_secrets.opened("anything") is None
    assert not file(tmp_path).exists()
    sealed = sealed_secrets.seal("sk-hidden")
    assert stat.S_IMODE(file(tmp_path).stat().st_mode) == 0o600
    before = file(tmp_path).read_bytes()
    assert sealed_secrets.opened(sealed_secrets.seal("sk-other")) == "sk-other"
    assert file(tmp_path).read_bytes() == before
    assert [path.name for path in file(tmp_path).parent.iterdir()] == ["secret.key"]
    file(tmp_path).unlink()
    assert sealed_secrets.opened(sealed) is None


def test_what_the_file_sealed_is_opened_after_a_secret_was_set_and_by_the_jobs_process(setting: Any) -> None:
    sealed = sealed_secrets.seal("sk-hidden")
    setting(SECRET_KEY=ONE, DATABASE_URL=URL)
    assert sealed_secrets.opened(sealed) == "sk-hidden"


def test_many_at_once_make_one_file() -> None:
    with ThreadPoolExecutor(8) as threads:
        sealed = list(threads.map(lambda n: sealed_secrets.seal(f"sk-{n}"), range(16)))
    assert [sealed_secrets.opened(one) for one in sealed] == [f"sk-{n}" for n in range(16)]


def test_with_a_database_of_ones_own_nothing_is_sealed_without_a_secret(setting: Any, tmp_path: Path) -> None:
    setting(DATABASE_URL=URL)
    with pytest.raises(ConfigurationError, match="Set SECRET_KEY, the same for every process"):
        sealed_secrets.seal("sk-hidden")
    assert not file(tmp_path).parent.exists()


@pytest.mark.parametrize("weak", ["short", "change-me-" + ONE])
@pytest.mark.parametrize("url", ["", URL])
def test_a_weak_secret_seals_nothing(weak: str, url: str, setting: Any, tmp_path: Path) -> None:
    setting(SECRET_KEY=weak, DATABASE_URL=url)
    with pytest.raises(ConfigurationError, match="at least 32 random characters") as refused:
        sealed_secrets.seal("sk-hidden")
    assert weak not in refused.value.message
    assert not file(tmp_path).exists()


def test_a_file_that_is_no_key_opens_nothing(tmp_path: Path, setting: Any) -> None:
    sealed = sealed_secrets.seal("sk-hidden")
    file(tmp_path).write_text("nonsense")
    assert sealed_secrets.opened(sealed) is None
    with pytest.raises(ConfigurationError, match=r"secret\.key"):
        sealed_secrets.seal("sk-hidden")
