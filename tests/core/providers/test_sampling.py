"""What a job sets of how its answers are written, in the bodies of both providers."""

from typing import Any

import pytest

from core.asking.prompts import Asking, build
from core.errors import InvalidInput
from core.providers import forms, sampling
from core.providers.anthropic import AnthropicProvider
from core.providers.capabilities import Kind, of_kind
from core.providers.forms import Form
from core.providers.openai import OpenAIProvider
from core.providers.sampling import Sampling
from core.providers.types import Provider

OPENAI, ANTHROPIC = OpenAIProvider(None, None, 5), AnthropicProvider(None, None, 5)
LIMITED = ("max_tokens", "max_completion_tokens", "temperature")


def sent(provider: Provider, model: str, set_to: Sampling, form: Form | None = None) -> dict[str, Any]:
    asking = Asking("sentiment", 1, "", (), False, {}, set_to)
    body = provider.body(build(asking, "Two pumps failed.", "a" * 64), model)
    fitted = forms.fitted(body, form, set_to) if form else body
    return {name: value for name, value in fitted.items() if name in LIMITED}


@pytest.mark.parametrize(
    ("provider", "model", "set_to", "found"),
    [
        (OPENAI, "llama-3", Sampling(), {"max_tokens": 1_024, "temperature": 0}),
        (OPENAI, "llama-3", Sampling(0.7, 300), {"max_tokens": 300, "temperature": 0.7}),
        (OPENAI, "gpt-5.4-mini", Sampling(), {"max_completion_tokens": 9_024}),
        (OPENAI, "gpt-5.4-mini", Sampling(0.7, 300), {"max_completion_tokens": 300, "temperature": 0.7}),
        (OPENAI, "gpt-5-mini", Sampling(0.7, 300), {"max_completion_tokens": 300}),
        (ANTHROPIC, "claude-haiku-4-5", Sampling(), {"max_tokens": 9_024}),
        (ANTHROPIC, "claude-haiku-4-5", Sampling(1, 300), {"max_tokens": 300, "temperature": 1}),
        (ANTHROPIC, "claude-opus-5", Sampling(0.5), {"max_tokens": 9_024}),
    ],
)
def test_a_body_has_what_is_set(provider: Provider, model: str, set_to: Sampling, found: dict[str, Any]) -> None:
    assert sent(provider, model, set_to) == found


def test_what_is_set_is_what_is_asked_by_itself_where_it_is_the_same() -> None:
    # As JSON too: else the same question would have another fingerprint.
    assert repr(sent(OPENAI, "llama-3", Sampling(0.0, 1_024))) == repr(sent(OPENAI, "llama-3", Sampling()))


def test_a_longest_answer_that_is_set_holds_in_a_learned_form() -> None:
    form = Form(limit="max_completion_tokens", sampled=False)
    assert sent(OPENAI, "llama-3", Sampling(0.7, 300), form) == {"max_completion_tokens": 300}
    assert sent(OPENAI, "llama-3", Sampling(), form) == {"max_completion_tokens": 9_024}


def test_a_longest_answer_bounds_what_is_expected() -> None:
    usual = Asking("summarize", 1, "", (), False, {"length": "long"}).expected_output_tokens
    assert usual > 50
    assert Asking("summarize", 1, "", (), False, {"length": "long"}, Sampling(None, 50)).expected_output_tokens == 50
    assert (
        Asking("summarize", 1, "", (), False, {"length": "long"}, Sampling(None, 9_999)).expected_output_tokens == usual
    )


@pytest.mark.parametrize(
    ("provider", "set_to", "why"),
    [
        ("openai", Sampling(2.1), "0 to 2 at OpenAI"),
        ("openai", Sampling(-0.1), "0 to 2"),
        ("openai", Sampling(float("nan")), "0 to 2"),
        ("anthropic", Sampling(1.1), "0 to 1 at Anthropic"),
        ("openai", Sampling(None, 0), "from 1 to"),
        ("openai", Sampling(None, 1_000_001), "from 1 to 1,000,000"),
        ("offline", Sampling(0), "leave it out"),
    ],
)
def test_what_no_model_takes_is_refused(provider: Kind, set_to: Sampling, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        sampling.check(set_to, of_kind(provider))


@pytest.mark.parametrize(
    ("provider", "model", "takes"),
    [
        ("openai", "gpt-5-mini", False),
        ("openai", "gpt-5-nano-2025-08-07", False),
        ("openai", "o3", False),
        ("openai", "gpt-5.6-luna", False),
        ("openai", "gpt-5.4-mini", True),
        ("openai", "gpt-5-chat-latest", True),
        ("openai", "gpt-4.1-mini", True),
        ("openai", "llama-3", True),
        ("anthropic", "claude-haiku-4-5", True),
        ("anthropic", "claude-opus-4-7", False),
        ("anthropic", "claude-sonnet-5", False),
        ("offline", "offline-1", True),
    ],
)
def test_which_models_are_known_to_take_no_temperature(provider: Kind, model: str, takes: bool) -> None:
    assert sampling.takes_temperature(provider, model) is takes
