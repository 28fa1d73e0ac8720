"""The context window that a refusal names, by what real servers say."""

import pytest

from core.providers.errors import from_status
from core.settings.learned_contexts import named_in


@pytest.mark.parametrize(
    ("said", "tokens"),
    [
        ({"message": "This model's maximum context length is 4096 tokens. However, you requested 21024."}, 4096),
        ({"message": "maximum context length is 128,000 tokens"}, 128_000),
        ({"message": "the request exceeds the available context size.", "n_prompt_tokens": 9000, "n_ctx": 8192}, 8192),
        ({"message": "the request exceeds the available context size (8192 tokens), try increasing it"}, 8192),
        ({"message": "prompt is too long: 208310 tokens > 200000 maximum"}, 200_000),
        ({"message": "Your input exceeds the context window of this model."}, None),
        ({"message": "Bad context 7."}, None),
        ({}, None),
    ],
)
def test_a_refusal_names_the_context(said: dict[str, object], tokens: int | None) -> None:
    assert named_in(from_status("openai", 400, {"error": said}, {}).refusal) == tokens
