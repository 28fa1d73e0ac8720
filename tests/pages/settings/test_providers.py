"""Adding a provider on the Settings page, its prices and limits, and several of one kind on other pages."""

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.calls import providers_now
from core.settings import learned_contexts, learned_forms, provider_changes, store
from core.settings.provider_changes import Change
from core.settings.provider_prices import Rates
from tests.local_provider import LocalProvider
from tests.pages.seeing import buttons, press, show, words
from tests.pipeline import PATIENCE_S, make_job, ready_documents, run_job

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def _sealed(setting: Any) -> None:
    setting(SECRET_KEY="s" * 32, RETRY_ATTEMPTS=0)


def the_form() -> None:
    """Closed once it has told what came of it, as the dialog is."""
    import streamlit as st

    from pages.common import entering
    from pages.settings import provider_adding
    from pages.words import settings

    entering.act_as(settings.DOOR)
    if "notice" not in st.session_state:
        provider_adding.form()


def fill(at: AppTest, **fields: str) -> AppTest:
    for name, value in fields.items():
        at.text_input(key=f"new-provider-{name}").set_value(value)
    return at


def test_one_is_added_and_asked_at_once_for_its_models(provider: LocalProvider) -> None:
    at = AppTest.from_function(the_form, default_timeout=PATIENCE_S).run()
    press(fill(at, name="Lab <b>", address=provider.openai_url), "Add")
    assert "letters, digits" in words(at)
    press(fill(at, name="Lab", key="sk-lab-1", model="llama"), "Add")
    assert "It answers and offers 2 models" in str(at.session_state["notice"])
    added = providers_now.one("Lab")
    assert (added.key_set, added.default_model, added.base_url) == (True, "llama", provider.openai_url)
    text = words(show("settings"))
    assert "**Lab**" in text
    assert "sk-lab" not in text + str(store.history())


def test_prices_context_and_calls_at_once_are_set_on_its_card(provider: LocalProvider) -> None:
    provider_changes.add("Lab", "openai", Change(base_url=provider.openai_url))
    at = show("settings")
    state = "Lab-List prices"
    at.button_group(key=f"prices-{state}").set_value("own").run()
    at.text_input(key=f"rate-input-{state}").set_value("0.5")
    at.text_input(key=f"rate-output-{state}").set_value("2")
    at.number_input(key=f"context-{state}").set_value(9_000)
    at.number_input(key=f"at-once-{state}").set_value(1)
    at.button(key=f"save-terms-{state}").click().run()
    found = providers_now.one("Lab")
    assert isinstance(found.prices, Rates)
    assert (str(found.prices.input), str(found.prices.cached), found.context_tokens, found.concurrency) == (
        "0.5",
        "0.5",
        9_000,
        1,
    )
    state = "Lab-$0.5 in, $2 out per million tokens, 9,000 tokens of context, 1 call at once"
    at.text_input(key=f"rate-input-{state}").set_value("cheap")
    at.button(key=f"save-terms-{state}").click().run()
    assert "a number from 0" in words(at)


def test_what_was_learned_is_shown_and_forgotten_of_one_provider_alone(openai: LocalProvider) -> None:
    provider_changes.add("Lab", "openai", Change(base_url=openai.openai_url))
    for name in ("Lab", "openai"):
        learned_contexts.learn(name, openai.openai_url, "m", "n_ctx: 4096")
    at = show("settings")
    assert words(at).count("m takes 4,096 tokens, as its server said.") == 2
    at.button(key="forget-context-Lab-m").click().run()
    assert learned_contexts.known("Lab", openai.openai_url) == {}
    assert learned_contexts.known("openai", openai.openai_url) == {"m": 4_096}
    assert learned_forms.known("Lab", openai.openai_url) == []


def test_several_of_one_kind_stand_side_by_side_in_jobs_costs_and_health(openai: LocalProvider) -> None:
    documents = ready_documents(1)
    rates = {"input": "1", "output": "1"}
    for name in ("Lab", "Azure_1"):
        provider_changes.add(name, "openai", Change(base_url=openai.openai_url, prices=rates))
        run_job(make_job(documents, "summarize", provider=name, model="plain"))
    (jobs,) = show("jobs").dataframe
    assert list(jobs.value["Model"]) == ["plain, Azure_1", "plain, Lab"]
    by_provider = show("costs", by="Provider").dataframe[0].value
    assert sorted(by_provider["Provider"]) == ["Azure_1", "Lab", "Total"]
    assert all(by_provider["USD"] > 0)
    tables = [table.value for table in show("health").dataframe if "Provider" in table.value]
    assert {"Lab", "Azure_1"} <= {*tables[0]["Provider"]}
    assert "Launch" in "".join(buttons(show("analyse")))
