"""Own templates, as far as a text answers them without a model.

A field gets a passage, a number, key phrases or a choice that stand in the text, and otherwise the emptiest value its
type has: null where the field is optional. Nothing is inferred, so a boolean is never true.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from core.fields import FieldSpec
from core.offline.params import DEFAULT_COUNT, count_wanted
from core.offline.phrases import key_phrases
from core.offline.reading import Reading
from core.offline.words import words_of

LIST_LENGTH = 5
MATCHES = 0.3
PASSAGES_READ = 5
EMPTY: dict[str, Any] = {"string": "", "number": 0, "integer": 0, "boolean": False, "list": []}

_NUMBER = re.compile(r"(?<![\w.,])[-−]?\d{1,15}(?:[.,'’\u00a0\u202f]\d{1,15})*(?![\w])")
_THOUSANDS = re.compile(r"\d{1,3}(?P<mark>[.,'’\u00a0\u202f])\d{3}(?:(?P=mark)\d{3})*")
_NOT_DIGITS = re.compile(r"[^\d]")


def answer(
    text: str, params: Mapping[str, Any], fields: Sequence[FieldSpec], prompt: str, insights: bool
) -> dict[str, Any]:
    reading = Reading(text)
    if insights:
        return {"insights": _insights(reading, fields, prompt, count_wanted({"count": DEFAULT_COUNT} | dict(params)))}
    everything = reading.readable()
    return {field.name: _from_text(reading, field, prompt, everything) for field in fields}
