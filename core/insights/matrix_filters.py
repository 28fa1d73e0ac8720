"""What a matrix is narrowed to and ordered by, as SQL on an answer `a` to a document `d`. Names and values are bound.

A value fits: numbers that are equal, or within `low..high`, either of which may be left out; texts and items of lists
that contain it, without regard to case; choices and booleans that are it. An empty value fits an empty field.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from core.errors import InvalidInput
from core.fields import FieldSpec

# Characters of a text that it is ordered by.
ORDERED_BY = 200
DOCUMENT = "document"


@dataclass(frozen=True)
class Conditions:
    sql: str = "true"
    given: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def all_of(cls, found: Sequence["Conditions"]) -> "Conditions":
        given = {name: value for one in found for name, value in one.given.items()}
        return cls(" AND ".join(f"({one.sql})" for one in found) or "true", given)


@dataclass(frozen=True)
class Sorting:
    """`after`: what comes behind the place of a cursor."""

    key: str
    order: str
    after: Conditions
    given: Mapping[str, Any]


def parsed(given: str) -> tuple[str, str]:
    """`field:value`. Raises InvalidInput."""
    name, colon, value = given.partition(":")
    if not colon:
        raise InvalidInput(f"{given!r} names no value. Write field:value, such as fee:100..200.")
    return name, value


def condition(fields: Mapping[str, FieldSpec], name: str, value: str, param: str) -> Conditions:
    """`param`: begins the names of its parameters."""
    spec = _spec(fields, name)
    item, text = f"a.result -> CAST(:{param}f AS text)", f"a.result ->> CAST(:{param}f AS text)"
    given = {f"{param}f": name}
    if not value:
        return Conditions(f"coalesce({text}, '') IN ('', '[]')", given)
    if spec.type in ("number", "integer"):
        return _within(item, text, value, param, given)
    given[f"{param}v"] = value
    if spec.type in ("boolean", "choice"):
        return Conditions(f"{text} = :{param}v", given)
    if spec.type == "list":
        items = f"CASE WHEN jsonb_typeof({item}) = 'array' THEN {item} ELSE '[]' END"
        contained = f"strpos(lower(one), lower(:{param}v)) > 0"
        return Conditions(f"EXISTS (SELECT 1 FROM jsonb_array_elements_text({items}) one WHERE {contained})", given)
    return Conditions(f"strpos(lower({text}), lower(:{param}v)) > 0", given)


def _within(item: str, text: str, value: str, param: str, given: Mapping[str, Any]) -> Conditions:
    low, dots, high = value.partition("..")
    bounds = {"l": (">=", low), "h": ("<=", high if dots else low)}
    number = f"CASE WHEN jsonb_typeof({item}) = 'number' THEN CAST({text} AS numeric) END"
    wanted = {f"{param}{name}": _number(bound) for name, (_, bound) in bounds.items() if bound.strip()}
    compared = [f"{number} {bounds[name[-1]][0]} CAST(:{name} AS numeric)" for name in wanted]
    return Conditions(" AND ".join([f"{number} IS NOT NULL", *compared]), {**given, **wanted})


def _number(bound: str) -> Decimal:
    try:
        number = Decimal(bound.strip())
    except InvalidOperation:
        raise InvalidInput(f"{bound!r} is no number. Write one, or a range such as 100..200.") from None
    if not number.is_finite() or abs(number.adjusted()) > 300:
        raise InvalidInput(f"{bound!r} is no number that a field may have.")
    return number


def sorting(fields: Mapping[str, FieldSpec], sort: str | None, after: tuple[str | None, str] | None) -> Sorting:
    """Empty fields come last in either direction; equal ones go by document."""
    if sort is None:
        behind = Conditions() if after is None else Conditions("d.id < :sd", {"sd": after[1]})
        return Sorting("NULL", "d.id DESC", behind, {})
    down, name = sort.startswith("-"), sort.removeprefix("-")
    key, kind, given = _key(fields, name)
    order = f"{key} {'DESC' if down else 'ASC'} NULLS LAST, d.id"
    if after is None:
        return Sorting(key, order, Conditions(), given)
    value, document = after
    if value is None:
        return Sorting(key, order, Conditions(f"{key} IS NULL AND d.id > :sd", {"sd": document}), given)
    if kind == "numeric":
        _number(value)
    place = f"CAST(:sk AS {kind})"
    beyond = f"{key} {'<' if down else '>'} {place} OR {key} = {place} AND d.id > :sd OR {key} IS NULL"
    return Sorting(key, order, Conditions(beyond, {"sd": document, "sk": value}), given)


def _key(fields: Mapping[str, FieldSpec], name: str) -> tuple[str, str, dict[str, Any]]:
    if name == DOCUMENT and name not in fields:
        return f'(left(lower(d.name), {ORDERED_BY}) COLLATE "C")', "text", {}
    item, text = "a.result -> CAST(:sf AS text)", "a.result ->> CAST(:sf AS text)"
    if _spec(fields, name).type in ("number", "integer"):
        return f"(CASE WHEN jsonb_typeof({item}) = 'number' THEN CAST({text} AS numeric) END)", "numeric", {"sf": name}
    return f'(left(lower({text}), {ORDERED_BY}) COLLATE "C")', "text", {"sf": name}


def _spec(fields: Mapping[str, FieldSpec], name: str) -> FieldSpec:
    found = fields.get(name)
    if found is None:
        raise InvalidInput(f"There is no field {name!r} in this template. It has {', '.join(fields)}.")
    return found
