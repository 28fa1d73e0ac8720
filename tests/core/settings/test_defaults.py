from typing import Any

import pytest

from core.calls import connection_test, resilience
from core.errors import CairnError, InvalidInput
from core.settings import credentials, defaults, store
from tests.local_provider import LocalProvider, Reply

pytestmark = pytest.mark.usefixtures("database")


def test_a_model_set_here_goes_before_the_environment_and_that_before_ours(setting: Any) -> None:
    assert defaults.model_of("openai") == ("gpt-5.6-luna", "default")
    setting(DEFAULT_MODEL_OPENAI="from-env")
    assert defaults.model_of("openai") == ("from-env", "environment")
    defaults.change_model("openai", " from-here ")
    assert defaults.model_of("openai") == ("from-here", "here")
    assert (defaults.model_for("openai", None), defaults.model_for("openai", "chosen")) == ("from-here", "chosen")
    defaults.change_model("openai", "")
    assert defaults.model_of("openai") == ("from-env", "environment")
    assert store.values() == {}


@pytest.mark.parametrize(("provider", "model"), [("offline", "x"), ("openai", "x" * 201), ("openai", "a\nb")])
def test_a_model_that_cannot_be_set(provider: str, model: str) -> None:
    with pytest.raises(InvalidInput):
        defaults.change_model(provider, model)
    assert store.history() == []


def test_a_lock_on_resilience_does_not_hold_models(setting: Any) -> None:
    setting(RESILIENCE_LOCKED="true")
    defaults.change_model("anthropic", "other")
    resilience.undo(store.history()[0].id)
    assert defaults.model_of("anthropic") == ("claude-haiku-4-5", "default")


def test_a_provider_that_is_there_tells_its_models(openai: LocalProvider) -> None:
    assert connection_test.models(credentials.of("openai")) == connection_test.models(credentials.of("openai")) != []


def test_an_address_that_is_no_providers_is_told(openai: LocalProvider) -> None:
    openai.plan = lambda _asked: Reply(body=b"<html>Welcome</html>", headers={"Content-Type": "text/html"})
    with pytest.raises(CairnError, match="could not be read"):
        connection_test.models(credentials.of("openai"))


def test_a_provider_that_is_not_there_is_told(setting: Any) -> None:
    with pytest.raises(InvalidInput, match="OPENAI_API_KEY"):
        connection_test.models(credentials.of("openai"))
    setting(OPENAI_API_KEY="k", OPENAI_BASE_URL="http://127.0.0.1:9/v1")
    with pytest.raises(CairnError, match="openai"):
        connection_test.models(credentials.of("openai"))
