"""Cursor paging of lists, newest first. A cursor names its list: that of another one is refused, as its place says
nothing here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from core.errors import InvalidInput

T = TypeVar("T")
MOST = 500
LONGEST_ID = 18  # digits; more are beyond a bigint


@dataclass(frozen=True)
class Page(Generic[T]):
    items: tuple[T, ...]
    next_cursor: str | None


def cut(items: Sequence[T], limit: int, of: str, places: Sequence[object]) -> Page[T]:
    """A page of `limit` items from a query that asked for one more. `of` names the list, `places` are of its items."""
    more = len(items) > limit
    return Page(tuple(items[:limit]), f"{of}~{places[limit - 1]}" if more else None)


def place(cursor: str | None, of: str) -> str | None:
    """The place that a cursor of this list stands for. Raises InvalidInput for any other."""
    if cursor is None:
        return None
    name, _, found = cursor.partition("~")
    if name != of or not found or "\0" in found:
        raise not_ours()
    return found


def not_ours() -> InvalidInput:
    return InvalidInput("This cursor is not one of this list. Use the next_cursor of the same list as it came.")


def checked_limit(limit: int) -> int:
    if not 1 <= limit <= MOST:
        raise InvalidInput(f"limit must be 1 to {MOST}.")
    return limit


def number(cursor: str | None, of: str) -> int | None:
    """The same for a list that is ordered by a number."""
    found = place(cursor, of)
    if found is None:
        return None
    if not (found.isascii() and found.isdecimal()) or len(found) > LONGEST_ID:
        raise not_ours()
    return int(found)
