"""Whether an answer is what was asked for: readable, valid by the schema, and the findings in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema
import orjson

from core import providers
from core.asking.prompts import Asking
from core.errors import ProviderError
from core.evidence.writing import Finding
from core.runtime.text import storable


@dataclass(frozen=True)
class Verdict:
    """`code` is ok, or why the answer cannot be used. Only `schema` is worth asking again."""

    code: str
    message: str = ""
    result: dict[str, Any] | None = None


@dataclass(frozen=True)
class Read:
    """An answer's text and why it ends there. `fault` says why a body could not be read."""

    text: str
    finish_reason: str
    fault: str = ""


def read(row: Any) -> Read:
    """The answer in a row with `text` and `finish_reason`, or with `raw`, its `provider` and `endpoint`."""
    if row.text is not None:
        return Read(row.text, row.finish_reason)
    try:
        parsed = providers.keyless(row.provider).parse(row.raw, row.endpoint)
    except ProviderError as error:
        return Read("", "bad_response", error.message)
    return Read(storable(parsed.text), parsed.finish_reason)


def judge(asking: Asking | None, text: str, finish_reason: str) -> Verdict:
    """What an answer is worth; without an asking, whatever came to its end is good. Pure."""
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
    """The statements in a validated result, each with its quotes."""
    if not asking.insights:
        return []
    if asking.template_id == "key_points":
        return [Finding(point["statement"], (point["quote"],), {}) for point in result["points"]]
    if asking.template_id == "qa":
        if not result["found"] or not result["answer"].strip():
            return []
        return [Finding(result["answer"], tuple(result["quotes"]), {"question": asking.params["question"]})]
    return [
        Finding(
            item["statement"],
            (item["quote"],),
            {name: value for name, value in item.items() if name not in ("statement", "quote")},
        )
        for item in result["insights"]
    ]
