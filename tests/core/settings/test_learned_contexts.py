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
        (
            {"message": "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200,000"},
            200_000,
        ),
        ({"message": "tokens to keep is greater than the context length (n_keep: 5000>= n_ctx: 4096)"}, 4096),
        ({"message": "Prompt contains 40000 tokens, too large for model with 32768 maximum context length"}, 32_768),
        ({"message": "This model's maximum prompt length is 131072 but the request contains 537812."}, 131_072),
        (
            {"message": "The input token count (1200000) exceeds the maximum of tokens allowed (1048576)"},
            1_048_576,
        ),
        ({"message": "`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens"}, 4096),
        ({"message": "too many tokens: the prompt cannot exceed 4081 - received 5000"}, 4081),
        ({"message": "The input (20000 tokens) is longer than the model's context length (4096 tokens)."}, 4096),
        ({}, None),
    ],
)
def test_a_refusal_names_the_context(said: dict[str, object], tokens: int | None) -> None:
    assert named_in(from_status("openai", 400, {"error": said}, {}).refusal) == tokens
