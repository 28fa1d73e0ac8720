"""Parameters of the built-in templates, as the offline engine understands them."""

from collections.abc import Mapping
from typing import Any

from core.errors import InvalidInput

LENGTHS = {"short": 60, "medium": 150, "long": 400}
DEFAULT_COUNT = 5
MOST = 100


def words_wanted(params: Mapping[str, Any]) -> int:
    length = params.get("length", "medium")
    if isinstance(length, str) and length in LENGTHS:
        return LENGTHS[length]
    number = _whole_number(length)
    if number is None or number < 1:
        raise InvalidInput(f"length is short, medium, long or a number of words from 1, not {length!r}.")
    return number


def count_wanted(params: Mapping[str, Any]) -> int:
    count = params.get("count", DEFAULT_COUNT)
    number = _whole_number(count)
    if number is None or not 1 <= number <= MOST:
        raise InvalidInput(f"count is a whole number from 1 to {MOST}, not {count!r}.")
    return number


def question_asked(params: Mapping[str, Any]) -> str:
    question = params.get("question")
    if not isinstance(question, str) or not question.strip():
        raise InvalidInput("qa needs a question. Give it as the parameter question.")
    return question


def _whole_number(value: object) -> int | None:
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdecimal():
        return int(value.strip()[:9])
    return value if isinstance(value, int) and not isinstance(value, bool) else None
