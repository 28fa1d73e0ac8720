"""Cursor paging of lists, newest first."""

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


def cut(items: Sequence[T], limit: int, cursors: Sequence[str]) -> Page[T]:
    """A page of `limit` items from a query that asked for one more."""
    more = len(items) > limit
    return Page(tuple(items[:limit]), cursors[limit - 1] if more else None)


def checked_limit(limit: int) -> int:
    if not 1 <= limit <= MOST:
        raise InvalidInput(f"limit must be 1 to {MOST}.")
    return limit


def number(cursor: str | None) -> int | None:
    """The cursor of a list that is ordered by a number."""
    if cursor is None:
        return None
    if not cursor.isdecimal() or len(cursor) > LONGEST_ID:
        raise InvalidInput("This cursor is not one of ours. Use the next_cursor of a list as it came.")
    return int(cursor)
