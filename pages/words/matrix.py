"""The matrix in words: values, and what was found of their quotes."""

from collections.abc import Sequence
from typing import Any

from core.fields import FieldSpec, FieldType
from core.insights.matrix import Cell
from pages.common import formats

# What a value is compared with, by the type of its field.
HINTS: dict[FieldType, formats.Markdown] = {
    "string": "words in it",
    "list": "words of an item",
    "number": "100, or 100..200, or 100..",
    "integer": "100, or 100..200, or 100..",
}
BOOLEANS = ("true", "false")
EVIDENCE: dict[formats.Markdown, str | None] = {
    "all": None,
    "every quote found": "supported",
    "some quote not found": "unsupported",
}
NOTHING = "\N{EM DASH}"


def value(found: Any) -> str:
    """As text, which may be foreign."""
    if found is None or found in ("", []):
        return NOTHING
    if isinstance(found, bool):
        return "yes" if found else "no"
    if isinstance(found, int | float):
        return f"{found:,}"
    return ", ".join(map(str, found)) if isinstance(found, list) else str(found)


def mark(cell: Cell) -> str:
    """A sign beside the value: whether its quote stands in the document."""
    if cell.quote is None:
        return ""
    return "\N{CHECK MARK}" if cell.supported else "\N{WARNING SIGN}"


def verdict(cell: Cell, document_name: str, *, asked: bool) -> formats.Markdown:
    """What was found when the quote was looked up."""
    name = formats.plain(document_name)
    if cell.quote is None:
        return "No quote was given." if asked else "The template asks for no quote of this field: tick *Quote* there."
    if cell.quarantined:
        return f"The quote lies in a passage of {name} that gives instructions to a model: look before you rely on it."
    found: dict[str | None, formats.Markdown] = {
        "found": f"The quote stands in {name} word for word.",
        "spelling": f"The quote stands in {name} with another spelling, as scanned text often has.",
        "differs": f"{name} says it in other words than this quote.",
        "short": "The quote is too short to be looked up: three words at least, or a figure of the value.",
    }
    return found.get(cell.verdict, f"Not found in {name}; the model gave this quote:")


NEWEST = "newest first"


def sorts(fields: Sequence[FieldSpec]) -> list[str]:
    """What rows can be ordered by: a field's name never has a space."""
    names = [field.name for field in fields]
    return [NEWEST, *names] if "document" in names else [NEWEST, "document", *names]
