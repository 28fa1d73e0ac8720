"""In which other form a refused question is asked, by what real servers say."""

from typing import Any

import pytest

from core.asking.prompts import Asking, build
from core.providers import forms
from core.providers.anthropic import AnthropicProvider
from core.providers.errors import from_status
from core.providers.forms import AS_BUILT, Form
from core.providers.openai import OpenAIProvider

PROMPT = build(Asking("sentiment", 1, "", (), False, {}), "Two pumps failed.", "a" * 64)
CHAT = OpenAIProvider(None, None, 5).body(PROMPT, "llama-3")
THINKING = OpenAIProvider(None, None, 5).body(PROMPT, "gpt-5.4-mini")
MESSAGE = AnthropicProvider(None, None, 5).body(PROMPT, "claude-haiku-4-5")


def after(said: Any, body: dict[str, Any], form: Form = AS_BUILT) -> Form | None:
    error = from_status("openai", 400, said if isinstance(said, dict) else {"error": {"message": said}}, {})
    return forms.next_form(error.refusal, form, forms.fitted(body, form)) if forms.may_be_of_form(error) else None


@pytest.mark.parametrize(
    ("said", "form"),
    [
        ("This response_format type is unavailable now", Form(answers="json_object")),
        ("Model does not support structured output", Form(answers="json_object")),
        ("'response_format.type' must be 'text' or 'json_object'", Form(answers="json_object")),
        ({"error": {"message": "Not possible.", "param": "response_format"}}, Form(answers="json_object")),
        ({"detail": [{"loc": ["body", "max_tokens"], "msg": "Extra inputs are not permitted"}]},
         Form(limit="max_completion_tokens")),
        ("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.",
         Form(limit="max_completion_tokens")),
        ("Unsupported value: 'temperature' does not support 0 with this model.", Form(sampled=False)),
        ("This model only supports streaming. Set stream=true.", Form(streamed=True)),
        ("System role not supported", Form(system=False)),
        ("max_tokens is too large: 1024. This model supports at most 512 tokens.", None),
        ("This model's maximum context length is 4096 tokens; reduce max_tokens or use max_completion_tokens.", None),
        ("Bad thing.", None),
        ("", None),
    ],
)  # fmt: skip
def test_a_refusal_names_the_form(said: Any, form: Form | None) -> None:
    assert after(said, CHAT) == form


def test_each_form_is_tried_once() -> None:
    said, form, seen = "max_tokens, max_completion_tokens, temperature, response_format: not supported", AS_BUILT, []
    while (following := after(said, CHAT, form)) is not None:
        form = following
        seen.append(form)
    assert form == Form("text", "max_completion_tokens", sampled=False)
    assert len(seen) == len(set(seen)) == 4


def test_a_thinking_model_s_limit_has_another_name() -> None:
    form = after("Unrecognized request argument supplied: max_completion_tokens", THINKING)
    assert form == Form(limit="max_tokens")
    assert forms.fitted(THINKING, form)["max_tokens"] == THINKING["max_completion_tokens"]
    room = forms.fitted(CHAT, Form(limit="max_completion_tokens"))["max_completion_tokens"] - CHAT["max_tokens"]
    assert room == forms.REASONING_ROOM


def test_without_a_schema_beside_it_the_schema_is_in_the_prompt() -> None:
    made = forms.fitted(CHAT, Form(answers="json_object", sampled=False))
    assert (made["response_format"], "temperature" in made) == ({"type": "json_object"}, False)
    assert '"confidence"' in made["messages"][0]["content"]
    plain = forms.fitted(CHAT, Form(answers="text", streamed=True, system=False))
    assert "response_format" not in plain
    assert (plain["stream"], [one["role"] for one in plain["messages"]]) == (True, ["user"])
    assert "additionalProperties" in plain["messages"][0]["content"]
    assert plain["messages"][0]["content"].endswith(CHAT["messages"][1]["content"])
    assert forms.fitted(CHAT, AS_BUILT) is CHAT


def test_messages_of_anthropic_have_no_plain_json() -> None:
    form = after("output_config: Extra inputs are not permitted", MESSAGE)
    assert form == Form(answers="text")
    made = forms.fitted(MESSAGE, form)
    assert "output_config" not in made
    assert "additionalProperties" in made["system"]
    assert after("max_tokens: Extra inputs are not permitted", MESSAGE) is None


def test_the_prompt_names_the_fields_in_any_form() -> None:
    assert all(f'"{name}"' in CHAT["messages"][0]["content"] for name in ("sentiment", "score", "confidence"))


@pytest.mark.parametrize("form", [AS_BUILT, Form("text", "max_tokens", sampled=False, streamed=True, system=False)])
def test_a_form_is_stored_by_what_differs(form: Form) -> None:
    assert forms.read({**forms.as_json(form), "address": "a", "of another version": 1}) == form
