"""The offline engine: answers from the document's text alone, without a language model and without a network.

It quotes, counts and ranks; it does not reason, and its answers say no more than that. The same text, parameters and
VERSION give the same answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.fields import FieldSpec

# Part of every fingerprint: raise it when an answer may change.
VERSION = "2"


@dataclass(frozen=True)
class OfflineAnswer:
    """`result` is JSON-ready and satisfies the template's schema."""

    result: dict[str, Any]


def answer(
    operation: str,
    text: str,
    params: Mapping[str, Any],
    fields: Sequence[FieldSpec] = (),
    prompt: str = "",
    insights: bool = False,
) -> OfflineAnswer:
    """`operation` is a built-in template's id, or "own". Raises InvalidInput for parameters that cannot be followed."""
    # Here, as importing the engine's parts costs what the web process need not pay.
    from core.offline import built_in, own_templates

    if operation == "own":
        return OfflineAnswer(own_templates.answer(text, params, fields, prompt, insights))
    return OfflineAnswer(built_in.answer(operation, text, params))
