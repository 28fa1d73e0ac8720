"""Read the answers of Anthropic's messages, and of servers that speak like them: as leniently as chat completions."""

from collections.abc import Mapping
from typing import Any

import orjson

from core.providers import answer_text, errors, finish_reasons
from core.providers.bodies import Body
from core.providers.chat_answers import arguments, content_text
from core.providers.types import Parsed
from core.providers.usage_reading import of_message

NO_ANSWER = "The answer was not a message."
Object = Mapping[str, Any]


def parse(body: Body, provider: str) -> Parsed:
    """Raises ProviderError: a refusal. `provider`: its name."""
    data = body.data
    if not isinstance(data, dict) or data.get("type") == "error" or data.get("content") is None:
        raise errors.no_answer(provider, data, NO_ANSWER)
    content = data["content"]
    blocks = [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
    called = [block for block in blocks if block.get("type") == "tool_use"]
    text = content_text(content)
    # Also where a stream broke off: what it had begun is no answer.
    if data.get("error") and not (text and (data.get("stop_reason") or answer_text.is_object(text))):
        raise errors.no_answer(provider, data, NO_ANSWER)
    strange = bool(content) and not text and not isinstance(content, str) and not _is_known(content)
    text = text or (orjson.dumps(called).decode() if called else "")
    thoughts = [block["thinking"] for block in blocks if isinstance(block.get("thinking"), str)]
    elsewhere = (*arguments(called), *thoughts)
    usage, terms = of_message(data.get("usage"), wrote=bool(text or elsewhere))
    return Parsed(
        model=data["model"] if isinstance(data.get("model"), str) else "",
        text=text,
        finish_reason="bad_response" if strange else finish_reasons.read(data.get("stop_reason")),
        usage=usage,
        terms=terms,
        elsewhere=elsewhere,
        raw=body.raw,
    )


def _is_known(content: object) -> bool:
    """Whether it has a block of a kind that may stand without a text."""
    kinds = ("tool_use", "thinking", "redacted_thinking")
    return isinstance(content, list) and any(isinstance(one, dict) and one.get("type") in kinds for one in content)
