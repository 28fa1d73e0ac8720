"""The fields of an own template, and the strict JSON schema that a provider must answer in."""

import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from core.errors import InvalidInput

FieldType = Literal["string", "number", "integer", "boolean", "list", "choice"]

MOST_FIELDS, DESCRIPTION_CHARACTERS, CHOICE_CHARACTERS = 100, 2000, 200
RESERVED_WITH_INSIGHTS = ("statement", "quote")
# Beside the fields, where some of them have quotes.
QUOTES = "quotes"
NAME_CHARACTERS = 64


@dataclass(frozen=True)
class FieldSpec:
    """`choices` belong to type choice only. A field that is not `required` may be null in an answer. `quote`: an answer
    also gives the passage that its value was taken from."""

    name: str
    type: FieldType
    description: str = ""
    choices: tuple[str, ...] = ()
    required: bool = True
    quote: bool = False

    def as_json(self) -> dict[str, Any]:
        """As it is stored and sent. Without `quote` where it asks for none, as before there was one: what is asked, and
        with it what is known of the answers, stays the same."""
        found = asdict(self)
        if not self.quote:
            del found["quote"]
        return found


def quoted(fields: Sequence[FieldSpec]) -> tuple[str, ...]:
    """The names of the fields that ask for a quote."""
    return tuple(field.name for field in fields if field.quote)


def json_schema(fields: Sequence[FieldSpec], insights: bool) -> dict[str, Any]:
    """Strict: every property is present and nothing else is; optional ones are nullable."""
    _check(fields, insights)
    properties = {field.name: _property(field) for field in fields}
    if not insights:
        asked = {name: dict(OF_A_QUOTE) for name in quoted(fields)}
        return _object(properties | ({QUOTES: _object(asked)} if asked else {}))
    of_an_insight = {
        "statement": {"type": "string", "description": "What the document says, in one sentence."},
        "quote": {"type": "string", "description": "The passage that says it, copied from the document unchanged."},
    }
    return _object({"insights": {"type": "array", "items": _object(of_an_insight | properties)}})


OF_A_QUOTE = {
    "type": ["string", "null"],
    "description": "The passage that the value was taken from, copied from the document unchanged; null without one.",
}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _property(field: FieldSpec) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    if field.type == "list":
        schema = {"type": "array", "items": {"type": "string"}}
    elif field.type == "choice":
        schema = {"type": "string", "enum": list(field.choices)}
    else:
        schema = {"type": field.type}
    if not field.required:
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"].append(None)
    return schema | ({"description": field.description} if field.description else {})


def _check(fields: Sequence[FieldSpec], insights: bool) -> None:
    if not fields and not insights:
        raise InvalidInput("The template has no fields. Add a field, or let it collect insights.")
    if len(fields) > MOST_FIELDS:
        raise InvalidInput(f"A template has up to {MOST_FIELDS} fields.")
    names: set[str] = set()
    for field in fields:
        _check_name(field.name, insights)
        # Written in two ways, a name looks the same.
        alike = unicodedata.normalize("NFKC", field.name)
        if alike in names:
            raise InvalidInput(f"There are two fields named {field.name!r}. Give each field its own name.")
        names.add(alike)
        _check_quote(field, fields, insights)
        _check_type(field)
        _check_length(field)


def _check_quote(field: FieldSpec, fields: Sequence[FieldSpec], insights: bool) -> None:
    if field.quote and insights:
        raise InvalidInput(
            f"Field {field.name!r}: every insight has a quote already. Take the field's own quote off, or let the "
            "template make no insights."
        )
    if field.name == QUOTES and quoted(fields):
        raise InvalidInput(f"The quotes of fields stand under {QUOTES!r}. Give the field another name.")


def _check_length(field: FieldSpec) -> None:
    too_long = any(len(choice) > CHOICE_CHARACTERS for choice in field.choices)
    if len(field.description) > DESCRIPTION_CHARACTERS or too_long:
        raise InvalidInput(
            f"Field {field.name!r}: a description has up to {DESCRIPTION_CHARACTERS:,} characters, a choice up to "
            f"{CHOICE_CHARACTERS}."
        )


def _check_name(name: str, insights: bool) -> None:
    if len(name) > NAME_CHARACTERS or not name.isidentifier():
        raise InvalidInput(
            f"{name!r} is not a field name. Use letters of any script, digits and underscores, "
            "64 at most, and no digit first."
        )
    if insights and name in RESERVED_WITH_INSIGHTS:
        raise InvalidInput(f"Every insight has a {name!r} already. Give the field another name.")


def _check_type(field: FieldSpec) -> None:
    if field.type not in get_args(FieldType):
        raise InvalidInput(
            f"Field {field.name!r}: type is one of {', '.join(get_args(FieldType))}, not {field.type!r}."
        )
    if field.type != "choice":
        if field.choices:
            raise InvalidInput(f"Field {field.name!r} has choices, and its type takes none. Change it, or drop them.")
        return
    if not field.choices or not all(choice.strip() for choice in field.choices):
        raise InvalidInput(f"Field {field.name!r}: name the choices; none may be empty.")
    if len(set(field.choices)) != len(field.choices):
        raise InvalidInput(f"Field {field.name!r}: the same choice is there twice. Name each choice once.")
