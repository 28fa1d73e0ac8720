"""Pieces of several schemas. Schemas are apart from the tables, so that each can change without the other."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, TypeVar

from fastapi import Form, Query
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator

from core.runtime import paging
from core.runtime.paging import MOST, Page
from core.runtime.text import storable as storable_text
from core.settings import provider_rows

T = TypeVar("T")
Row = TypeVar("Row")

Money = Annotated[Decimal, PlainSerializer(lambda amount: f"{amount.normalize():f}", return_type=str)]
Limit = Annotated[int, Query(ge=1, le=MOST)]
Cursor = Annotated[str | None, Query()]
# Also the values of list filters; FastAPI refuses others and names the allowed ones.
Lane = Literal["live", "batch"]


def storable(value: Any) -> Any:
    """Refuses text that PostgreSQL cannot store, at any depth: NUL and lone surrogates."""
    if isinstance(value, str):
        if value != storable_text(value):
            raise ValueError("Text may hold neither NUL characters nor half surrogates. Remove them.")
    elif isinstance(value, dict):
        storable([*value, *value.values()])
    elif isinstance(value, list):
        for item in value:
            storable(item)
    return value


def _is_a_provider(name: str) -> str:
    """What was sent is not repeated: it may be confidential."""
    if not provider_rows.exists(name):
        raise ValueError(f"There is no provider of this name. There are {', '.join(provider_rows.names())}.")
    return name


# Which there are changes while Cairn runs.
ProviderName = Annotated[
    str, AfterValidator(_is_a_provider), Field(description="A name of GET /providers.", examples=["openai"])
]
Storable = Annotated[str, AfterValidator(storable)]
StorableForm = Annotated[str, Form(), AfterValidator(storable)]


def _in_time(moment: datetime) -> datetime:
    """In UTC, where PostgreSQL and Python know a day before and after it."""
    if moment.tzinfo is None:
        raise ValueError("needs a time zone, such as 2026-01-31T08:00:00Z")
    try:
        utc = moment.astimezone(UTC)
    except OverflowError:
        utc = datetime.max.replace(tzinfo=UTC)
    if not EARLIEST < utc < LATEST:
        raise ValueError("must lie between the years 1 and 9999, in UTC")
    return utc


def _begin_of_a_day(value: Any) -> Any:
    return (
        f"{value}T00:00:00Z" if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value) else value
    )


EARLIEST, LATEST = datetime(1, 1, 3, tzinfo=UTC), datetime(9999, 12, 29, tzinfo=UTC)
Moment = Annotated[datetime, AfterValidator(_in_time)]
# Of filters: a day stands for its begin in UTC.
DayOrMoment = Annotated[Moment, BeforeValidator(_begin_of_a_day)]


class In(BaseModel):
    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _is_storable(cls, value: Any) -> Any:
        return storable(value)


class ListOut(BaseModel, Generic[T]):
    items: list[T]
    next_cursor: str | None


def listed(page: Page[Row], convert: Callable[[Row], T]) -> dict[str, Any]:
    return {"items": [convert(row) for row in page.items], "next_cursor": page.next_cursor}


def _itself(row: Row) -> Any:
    return row


def newest_first(
    rows: Sequence[Any], of: str, limit: int, cursor: str | None, convert: Callable[[Any], Any] = _itself
) -> dict[str, Any]:
    """A page of a list that is short enough to be read as a whole. `of` names it; rows have `created_at` and `id`."""

    def place(row: Any) -> str:
        return f"{row.created_at.astimezone(UTC).isoformat(timespec='microseconds')}~{row.id}"

    after = paging.place(cursor, of)
    ordered = sorted(rows, key=place, reverse=True)
    left = [row for row in ordered if after is None or place(row) < after][: limit + 1]
    return listed(paging.cut(left, limit, of, [place(row) for row in left]), convert)


def spent(cost: Decimal | None, unpriced: int) -> Decimal | None:
    """The cost in USD; None, not 0, if no call could be priced."""
    return None if unpriced and not cost else cost


class ErrorOut(BaseModel):
    code: str
    message: str


def error_of(code: str | None, message: str | None) -> ErrorOut | None:
    return ErrorOut(code=code, message=message or "") if code else None


def fields_of(row: object, out: type[BaseModel]) -> dict[str, Any]:
    """The attributes of a report's row that the schema `out` has; integer ids become strings."""
    values = {name: getattr(row, name) for name in out.model_fields if hasattr(row, name)}
    numbers: Sequence[str] = ("id", "request_id", "request", "response")
    return {name: str(v) if name in numbers and isinstance(v, int) else v for name, v in values.items()}
