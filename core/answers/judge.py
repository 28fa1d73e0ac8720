"""Judge an answer: whether it can be read and keeps the schema that was asked for, and which findings it holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import jsonschema
import orjson

from core import providers
from core.asking.prompts import Asking
from core.errors import ProviderError
from core.fields import QUOTES, quoted
from core.insight_base.writing import Finding
from core.runtime.text import storable


@dataclass(frozen=True)
class Verdict:
    """`code` is ok, or the reason why the answer cannot be used. After `schema` alone the request is asked again."""

    code: str
    message: str = ""
    result: dict[str, Any] | None = None


@dataclass(frozen=True)
class Read:
    """An answer's text and the reason why the model stopped. `fault`: the error, where a body could not be read."""

    text: str
    finish_reason: str
    fault: str = ""


class Readable(Protocol):
    """A response: with `text` and `finish_reason`, or with its `raw` body and who made it."""

    @property
    def text(self) -> str | None: ...
    @property
    def finish_reason(self) -> str | None: ...
    @property
    def raw(self) -> str | None: ...
    @property
    def provider(self) -> str: ...
    @property
    def endpoint(self) -> str | None: ...


def read(response: Readable) -> Read:
    """The answer's text and finish reason; a body that was not read yet is parsed as its provider's."""
    if response.text is not None:
        return Read(response.text, response.finish_reason or "")
    try:
        parsed = providers.keyless(response.provider).parse(response.raw or "", response.endpoint)
    except ProviderError as error:
        return Read("", "bad_response", error.message)
    return Read(storable(parsed.text), parsed.finish_reason)


def judge(asking: Asking | None, text: str, finish_reason: str) -> Verdict:
    """Judge an answer by its asking's schema; without an asking every answer that was not cut short is ok. Pure."""
    reason = UNUSABLE.get(finish_reason)
    if reason is not None:
        return Verdict(finish_reason, reason)
    if not text.strip():
        return Verdict("empty", "The model gave an empty answer. Send it again or choose another model.")
    return Verdict("ok") if asking is None else _validated(asking, text)


def _validated(asking: Asking, text: str) -> Verdict:
    try:
        result = orjson.loads(text)
        jsonschema.Draft202012Validator(asking.schema).validate(result)
    except orjson.JSONDecodeError as error:
        return Verdict("schema", f"The answer is not JSON: {error}")
    except jsonschema.ValidationError as error:
        return Verdict("schema", f"The answer breaks the schema at {error.json_path}: {error.message[:500]}")
    except RecursionError:
        return Verdict("schema", "The answer is nested too deeply.")
    return Verdict("ok", result=result)


UNUSABLE = {
    "length": "The answer was cut off at the output limit. Ask for less, or choose a model with a higher limit.",
    "refusal": "The model refused to answer. Look at the document and the prompt.",
    "content_filter": "The provider's content filter stopped the answer. Look at the document and the prompt.",
    "other": "The model stopped for a reason that Cairn does not know. Send it again.",
}


def findings_of(asking: Asking, result: Mapping[str, Any]) -> list[Finding]:
    """The statements of a validated result with their quotes; none for a template that makes no insights."""
    if not asking.insights:
        return []
    if asking.template_id == "key_points":
        return [Finding(point["statement"], (point["quote"],), {}) for point in result["points"]]
    if asking.template_id == "qa":
        if not result["found"] or not result["answer"].strip():
            return []
        question = asking.params["question"]
        return [Finding(result["answer"], tuple(result["quotes"]), {"question": question}, question)]
    return [
        Finding(
            item["statement"],
            (item["quote"],),
            {name: value for name, value in item.items() if name not in ("statement", "quote")},
        )
        for item in result["insights"]
    ]


def quotes_of(asking: Asking, result: Mapping[str, Any]) -> dict[str, str]:
    """By field, the quotes that a validated result gives for values."""
    found = result[QUOTES] if quoted(asking.fields) else {}
    return {name: quote for name, quote in found.items() if quote and result[name] not in (None, "")}
