"""Whose things are meant: one context variable, which the doors will set and `db.transaction()` puts into its session.

A transaction carries its workspace: statements of the doors name it as `:workspace`, and the database shows it no rows
of another one. Machinery that works for all workspaces takes the workspace of each row from the row, and says that it
does: `everywhere()`. Threads begun by `asyncio.to_thread` inherit the variable.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# Made by migration 0009: everything that was there belongs to it, and everything where nobody signs in.
DEFAULT = "ws_default"

_workspace: ContextVar[str | None] = ContextVar("workspace", default=None)
_without_one = DEFAULT
_everywhere: ContextVar[bool | None] = ContextVar("everywhere", default=None)
_works_everywhere = False


def current() -> str:
    """The id of the workspace that transactions begun from now on carry."""
    chosen = _workspace.get()
    return _without_one if chosen is None else chosen


def close() -> None:
    """From now on nothing is seen in this process where no door has said in which workspace."""
    global _without_one
    _without_one = ""


def open_again() -> None:
    """What `close` did is undone: for the end of web, and for tests."""
    global _without_one
    _without_one = DEFAULT


def scope(workspace_id: str) -> str:
    """What the fingerprints of its requests begin with, so that no answer is reused by another workspace. Nothing in
    the default one: what was answered before there was a wall stays known."""
    return "" if workspace_id == DEFAULT else f"{workspace_id}:"


@contextmanager
def bound(workspace_id: str) -> Iterator[None]:
    """Transactions begun within the block carry this workspace."""
    token = _workspace.set(workspace_id)
    try:
        yield
    finally:
        _workspace.reset(token)


def is_everywhere() -> bool:
    """Whether transactions begun from now on see the rows of all workspaces."""
    chosen = _everywhere.get()
    return _works_everywhere if chosen is None else chosen


@contextmanager
def everywhere(chosen: bool = True) -> Iterator[None]:
    """Transactions begun within the block see the rows of all workspaces."""
    token = _everywhere.set(chosen)
    try:
        yield
    finally:
        _everywhere.reset(token)


def everywhere_from_now_on() -> None:
    """For the jobs process, which does the work of all workspaces."""
    global _works_everywhere
    _works_everywhere = True
