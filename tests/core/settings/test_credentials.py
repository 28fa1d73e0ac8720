"""How a provider is called: what goes before what, and that a key never goes to another address than its own."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from core.access import actor
from core.calls import clients, resilience
from core.errors import ConfigurationError, Conflict, InvalidInput
from core.health import sampling
from core.health.components import Component, components
from core.health.readings import Reading
from core.runtime import db
from core.settings import credentials, store
from core.settings.credentials import Credentials
from tests.callers import by
from tests.pipeline import rows

pytestmark = pytest.mark.usefixtures("database")

SECRET, OTHER_SECRET = "s" * 32, "o" * 32
OWN = "https://api.openai.com/v1"
THERE = "https://models.example.org/v1"
URL = "postgresql://u:p@db:5432/cairn"


@pytest.fixture(autouse=True)
def _sealed_with(setting: Any) -> None:
    setting(SECRET_KEY=SECRET)


def now() -> tuple[str, str | None, str | None]:
    """Address, key and where that comes from."""
    found = credentials.of("openai")
    return found.address, found.key.get_secret_value() if found.key else None, found.key_from


def told_in_health() -> list[tuple[bool | None, str]]:
    """By a sample, and by the web process at once."""
    at = datetime.now(UTC)
    found = [*sampling.measured(at), *components(at)]
    return [(one.healthy, one.message) for one in found if isinstance(one, Reading) and one.component == "keys"] + [
        (one.healthy, one.message) for one in found if isinstance(one, Component) and one.name == "keys"
    ]


def actions() -> list[tuple[str, str]]:
    return [(change.action, change.name) for change in store.history()]


def test_a_key_set_here_goes_before_the_environments_and_removing_it_goes_back(setting: Any) -> None:
    assert now() == (OWN, None, None)
    assert "openai" not in clients.configured()
    setting(OPENAI_API_KEY="sk-env")
    assert now() == (OWN, "sk-env", "environment")
    credentials.change("openai", "", " sk-here ")
    assert now() == (OWN, "sk-here", "here")
    credentials.remove_key("openai")
    assert now() == (OWN, "sk-env", "environment")


def test_what_was_set_is_in_no_table_and_no_text(capsys: pytest.CaptureFixture[str]) -> None:
    with actor.bound(by("ann")):
        credentials.change("openai", THERE, "sk-hidden-1")
    credentials.change("openai", THERE, "sk-hidden-2")
    credentials.remove_key("openai")
    credentials.change("anthropic", "", "sk-hidden-3")
    tables = [row["name"] for row in rows("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'")]
    everything = [str(rows(f"SELECT t::text AS line FROM {name} t")) for name in tables]
    shown = [repr(credentials.of("anthropic")), repr(store.values()), repr(store.history()), capsys.readouterr().out]
    assert "hidden" not in "".join([*everything, *shown])
    assert actions() == [
        ("provider_key.set", "key:anthropic"),
        ("provider_key.remove", "key:openai"),
        ("provider_key.set", "key:openai"),
        ("provider_key.set", "key:openai"),
        ("settings.change", "address:openai"),
    ]
    of_keys = [(change.before, change.after) for change in store.history() if store.is_secret(change.name)]
    was_set, removed = {"key": "set"}, {"key": "removed"}
    assert of_keys == [(None, was_set), (was_set, removed), (was_set, was_set), (None, was_set)]
    assert store.history()[-1].user == "ann"


def test_what_is_done_to_a_key_is_not_undone() -> None:
    credentials.change("openai", "", "sk-one")
    credentials.change("openai", "", "sk-two")
    credentials.remove_key("openai")
    for change in store.history():
        with pytest.raises(Conflict, match="Enter it again"):
            resilience.undo(change.id)
    assert now()[1] is None


def test_a_key_set_here_does_not_follow_to_another_address() -> None:
    credentials.change("openai", "", "sk-here")
    credentials.change("openai", THERE)
    assert now() == (THERE, None, None)
    assert credentials.of("openai").trouble == "other_address"
    assert "openai" not in clients.configured()
    resilience.undo(store.history()[0].id)
    assert now() == (OWN, "sk-here", "here")


def test_the_environments_key_does_not_follow_to_an_address_set_here(setting: Any) -> None:
    setting(OPENAI_API_KEY="sk-env")
    credentials.change("openai", THERE)
    found = credentials.of("openai")
    assert (now(), found.held_back) == ((THERE, None, None), True)
    # A server of one's own may need none.
    assert clients.configured()["openai"].base_url == THERE
    credentials.change("openai", OWN)
    assert now() == (OWN, "sk-env", "environment")


def test_a_key_set_here_does_not_follow_when_the_environments_address_changes(setting: Any) -> None:
    setting(OPENAI_BASE_URL=THERE)
    credentials.change("openai", "", "sk-here")
    assert now() == (THERE, "sk-here", "here")
    setting(OPENAI_BASE_URL="https://elsewhere.example.org/v1")
    assert credentials.of("openai").trouble == "other_address"


def test_a_key_that_was_moved_in_the_database_does_not_count() -> None:
    credentials.change("openai", "", "sk-here")
    sealed = store.values()["key:openai"]
    with db.transaction() as session:
        db.execute(session, store.STORE, name="key:anthropic", value=json.dumps(dict(sealed)), actor="")
        db.execute(session, store.STORE, name="address:openai", value=json.dumps({"base_url": THERE}), actor="")
    store.load()
    assert [credentials.of(name).key for name in ("openai", "anthropic")] == [None, None]


def test_a_key_counts_for_its_own_provider_alone() -> None:
    credentials.change("openai", THERE, "sk-here")
    credentials.change("anthropic", THERE)
    sealed = store.values()["key:openai"]
    with db.transaction() as session:
        db.execute(session, store.STORE, name="key:anthropic", value=json.dumps(dict(sealed)), actor="")
    store.load()
    assert [credentials.of(name).key is None for name in ("openai", "anthropic")] == [False, True]


def test_a_key_that_cannot_be_opened_counts_as_not_set(setting: Any) -> None:
    assert told_in_health() == []
    credentials.change("openai", "", "sk-here")
    assert told_in_health() == [(True, "1 set on the Settings page, usable")]
    setting(SECRET_KEY=OTHER_SECRET)
    found = credentials.of("openai")
    assert (found.key, found.trouble, found.set_up) == (None, "unreadable", False)
    assert told_in_health() == [(False, found.warning)] * 2
    assert "SECRET_KEY_PREVIOUS" in str(found.warning)
    with pytest.raises(InvalidInput, match="Settings page says why"):
        clients.provider("openai")
    setting(OPENAI_API_KEY="sk-env")
    assert now() == (OWN, "sk-env", "environment")
    assert credentials.of("openai").trouble == "unreadable"
    assert "Until then the environment's key is used." in str(credentials.of("openai").warning)
    setting(SECRET_KEY=SECRET)
    assert now() == (OWN, "sk-here", "here")


def test_without_anything_to_seal_with_nothing_is_stored(setting: Any) -> None:
    setting(SECRET_KEY="", DATABASE_URL=URL)
    with pytest.raises(ConfigurationError, match="SECRET_KEY"):
        credentials.change("openai", THERE, "sk-here")
    assert (store.values(), store.history()) == ({}, [])
    credentials.change("openai", THERE)
    assert now()[0] == THERE


@pytest.mark.parametrize("key", ["sk hidden", "sk-hiddén", "sk-hidden\nX-Evil: 1", "h" * 1001])
def test_what_is_no_key_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(InvalidInput, match="Paste it anew") as refused:
        credentials.change("openai", "", key)
    assert key not in str(refused.value)
    assert store.history() == []


def test_an_address_that_is_refused_stores_no_key_either() -> None:
    with pytest.raises(InvalidInput, match="Use https"):
        credentials.change("openai", "http://models.example.org", "sk-here")
    with pytest.raises(InvalidInput, match="'offline' has no key"):
        credentials.change("offline", "", "sk-here")
    assert store.history() == []


def test_locked_settings_count_for_nothing_and_are_not_changed(setting: Any) -> None:
    credentials.change("openai", THERE, "sk-here")
    entry = next(change for change in store.history() if change.name == "address:openai")
    setting(SETTINGS_LOCKED="true", OPENAI_API_KEY="sk-env")
    assert now() == (OWN, "sk-env", "environment")
    for refused in (
        lambda: credentials.change("openai", "", "sk-other"),
        lambda: credentials.remove_key("openai"),
        lambda: resilience.change({"preset": "production"}),
        lambda: resilience.undo(entry.id),
    ):
        with pytest.raises(Conflict, match="SETTINGS_LOCKED"):
            refused()
    setting(SETTINGS_LOCKED="false")
    assert now() == (THERE, "sk-here", "here")


@pytest.mark.parametrize(
    ("address", "key", "would"),
    [
        ("", "", (OWN, "sk-env")),
        ("", "sk-new", (OWN, "sk-new")),
        (THERE, "", (THERE, None)),
        (THERE, "sk-new", (THERE, "sk-new")),
    ],
)
def test_what_was_entered_is_tried_as_it_would_be_used(
    address: str, key: str, would: tuple[str, str | None], setting: Any
) -> None:
    def called(how: Credentials) -> tuple[str, str | None]:
        return how.address, how.key.get_secret_value() if how.key else None

    setting(OPENAI_API_KEY="sk-env")
    assert called(credentials.entered("openai", address, key)) == would
    credentials.change("openai", address, key)
    assert called(credentials.of("openai")) == would
