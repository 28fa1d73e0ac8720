"""Keys and addresses on the Settings page: set, tested, told of, removed, and never shown."""

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.providers.forms import AS_BUILT, Form
from core.settings import credentials as settings_credentials
from core.settings import learned_forms, store
from pages.common import formats
from tests.local_provider import Asked, LocalProvider, Reply, error
from tests.pages.seeing import buttons, press, show, words
from tests.pipeline import PATIENCE_S, make_job, ready_documents

pytestmark = pytest.mark.usefixtures("database")
RIGHT, WRONG = "sk-right-7431", "sk-wrong-7431"


@pytest.fixture(autouse=True)
def _one_key_fits(provider: LocalProvider, setting: Any) -> None:
    setting(SECRET_KEY="s" * 32)

    def plan(asked: Asked) -> Reply:
        return Reply() if asked.headers.get("authorization") == f"Bearer {RIGHT}" else refused()

    provider.plan = plan


def refused() -> Reply:
    return error(401, "invalid_api_key", f"Incorrect API key provided: {WRONG}")


def field(at: AppTest, label: str) -> Any:
    return next(one for one in at.text_input if one.label == label)


def the_form() -> None:
    """Closed once it has told that it saved, as the dialog is."""
    import streamlit as st

    from pages.common import entering
    from pages.settings import credentials as settings_credentials_
    from pages.words import settings

    entering.act_as(settings.DOOR)
    if "notice" not in st.session_state:
        settings_credentials_.form("openai")


def entered(address: str, key: str) -> AppTest:
    """What is in the dialog, filled in."""
    at = AppTest.from_function(the_form, default_timeout=PATIENCE_S).run()
    field(at, "Key").set_value(key)
    field(at, "Address").set_value(address)
    return at.run()


def test_a_key_is_tested_saved_and_gone_from_page_and_session(provider: LocalProvider) -> None:
    at = entered(provider.openai_url, RIGHT)
    assert RIGHT in str(at.session_state)
    at = press(at, "Test and save")
    assert not at.exception
    assert RIGHT not in str(at.session_state)
    assert settings_credentials.of("openai").key_from == "here"
    assert "It answers and offers 2 models" in at.session_state["notice"][1]
    assert RIGHT not in str(settings_credentials.of("openai"))
    at = show("settings")
    told = words(at)
    assert "key set here" in told
    assert "Key: set " in told
    assert "settings page" in told
    assert f"{formats.plain(provider.openai_url)} :gray[(set here)]" in told
    assert RIGHT not in told + str(at.main)
    listed = words(show("settings", part="Changes"))
    assert "**key of OpenAI** set :gray" in listed
    assert "**address of OpenAI** nothing set here" in listed


def test_a_key_that_is_refused_is_not_saved_unless_one_insists(provider: LocalProvider) -> None:
    at = press(entered(provider.openai_url, WRONG), "Test and save")
    assert "The key was refused" in at.error[0].value
    assert "Nothing was saved" in at.error[0].value
    assert WRONG not in words(at)
    assert store.values() == {}
    assert "Save anyway" in buttons(at)
    press(at, "Save anyway")
    assert settings_credentials.of("openai").key_from == "here"


def test_an_address_that_is_wrong_is_told_and_cannot_be_saved() -> None:
    at = press(entered("http://models.example.org/v1", RIGHT), "Test and save")
    assert "Use https" in at.error[0].value
    assert "Save anyway" not in buttons(at)
    assert store.values() == {}


def test_before_an_address_is_changed_it_is_told_that_the_key_does_not_go_along(setting: Any) -> None:
    setting(OPENAI_API_KEY="sk-env")
    make_job(ready_documents(1), provider="openai")
    at = entered("https://models.example.org/v1", "")
    told = words(at)
    assert "does not go along" in told
    assert "Under way: 1 job and 0 provider batches" in told
    settings_credentials.change("openai", "https://models.example.org/v1")
    told = words(show("settings"))
    assert "The environment's key is for the environment's address" in told.replace("\\", "")


def test_a_key_is_removed_after_what_follows_was_told(setting: Any) -> None:
    settings_credentials.change("openai", "", RIGHT)
    make_job(ready_documents(1), provider="openai")
    at = press(show("settings"), "Remove key")
    assert "its 1 job under way would wait" in words(at)
    assert "This cannot be undone" in words(at)
    press(at, "Remove")
    assert settings_credentials.of("openai").key is None
    settings_credentials.change("openai", "", RIGHT)
    setting(OPENAI_API_KEY="sk-env")
    assert "Then the environment's key is used" in words(press(show("settings"), "Remove key")).replace("\\", "")


def test_keys_are_not_undone_and_the_list_says_so() -> None:
    settings_credentials.change("openai", "", RIGHT)
    settings_credentials.change("openai", "", WRONG)
    settings_credentials.remove_key("openai")
    at = show("settings", part="Changes")
    told = words(at)
    assert [f"**key of OpenAI** {what} :gray" in told for what in ("set", "replaced", "removed")] == [True] * 3
    assert "is not kept" in told
    assert "Undo" not in buttons(at)


def test_a_key_that_cannot_be_opened_is_told(setting: Any) -> None:
    settings_credentials.change("openai", "", RIGHT)
    setting(SECRET_KEY="o" * 32)
    at = show("settings")
    assert "key cannot be used" in words(at)
    assert "SECRET\\_KEY\\_PREVIOUS" in at.warning[0].value
    assert "Test connection" not in buttons(at)


def test_without_anything_to_seal_with_the_page_says_what_to_set(setting: Any, database: str) -> None:
    setting(SECRET_KEY="", DATABASE_URL=database)
    at = AppTest.from_function(the_form, default_timeout=PATIENCE_S).run()
    assert "Set SECRET\\_KEY, the same for every process" in at.warning[0].value
    assert field(at, "Key").disabled
    assert not field(at, "Address").disabled


def test_what_a_test_came_to_stays_until_something_changes(provider: LocalProvider, setting: Any) -> None:
    setting(OPENAI_API_KEY=RIGHT, OPENAI_BASE_URL=provider.openai_url)
    at = press(show("settings"), "Test connection")
    assert "It answers and offers 2 models" in words(at)
    assert "gpt\\-5\\.6\\-luna is not among them" in words(at)
    assert "It answers and offers 2 models" in words(at.run())
    settings_credentials.change("openai", "", WRONG)
    at = at.run()
    assert "It answers" not in words(at)
    assert "The key was refused" in words(press(at, "Test connection"))


def test_locked_settings_offer_no_change_and_say_so(setting: Any) -> None:
    settings_credentials.change("openai", "https://models.example.org/v1", RIGHT)
    setting(SETTINGS_LOCKED="true")
    at = show("settings")
    assert "SETTINGS_LOCKED" in at.info[0].value
    offered = ("Set key", "Change key", "Remove", "Undo", "Use ", "Go back", "Preview")
    assert not [label for label in buttons(at) if label.startswith(offered)]
    assert all(one.disabled for one in at.text_input)


def the_buttons() -> None:
    from core.settings import credentials as settings_credentials
    from pages.common import entering
    from pages.settings import credentials as settings_credentials_
    from pages.words import settings

    entering.act_as(settings.DOOR)
    settings_credentials_.buttons(settings_credentials.of("openai"))


def test_closed_and_opened_at_once_the_dialog_has_forgotten_what_was_typed(openai: LocalProvider) -> None:
    """Both can reach a slow server as one run of the page."""
    at = press(AppTest.from_function(the_buttons).run(), "Change key or address")
    field(at, "Key").set_value(WRONG)
    field(at, "Address").set_value("http://127.0.0.1:1/v1")
    at = press(at, "Change key or address")
    assert (field(at, "Key").value, field(at, "Address").value) == ("", "")
    assert WRONG not in str(at.session_state)


def test_no_key_is_said_to_be_saved_where_none_was_handed_over(provider: LocalProvider, setting: Any) -> None:
    provider.plan = lambda _asked: Reply()
    setting(OPENAI_BASE_URL=provider.openai_url)
    at = press(entered("", ""), "Test and save")
    assert at.session_state["notice"][1].startswith("No key was entered, so none was saved.")
    assert not settings_credentials.is_set_here("openai")


def test_what_was_learned_of_a_server_is_shown_and_forgotten(provider: LocalProvider, setting: Any) -> None:
    setting(OPENAI_API_KEY=RIGHT, OPENAI_BASE_URL=provider.openai_url)
    form = Form(answers="json_object", limit="max_completion_tokens")
    learned_forms.remember("openai", provider.openai_url, "llama", form, "No response_format, please.")
    at = show("settings")
    asked = "llama is asked in the form it takes: JSON, its schema in the prompt, the longest answer as max"
    assert asked in words(at)
    assert "orm of OpenAI's llama" in words(show("settings", part="Changes"))
    at = press(at, "Forget this form")
    assert asked not in words(at)
    assert learned_forms.of("openai", provider.openai_url, "llama") == AS_BUILT
