"""Who acts: one context variable, which the doors set, and which roles, audit entries and stored names read.

Threads begun by `asyncio.to_thread` inherit it. Where no door has set it, the machine acts (the jobs process, a tool at
the console): it may do everything. Web closes that at its start, so that a door that forgets it is refused.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Literal

Role = Literal["analyst", "manager", "admin"]
Door = Literal["pages", "api", "jobs", "environment"]
# Signed in; a key that a person made; one of the environment; nobody is asked who they are; no person at all.
Kind = Literal["session", "key", "environment", "open", "machine"]


@dataclass(frozen=True)
class Caller:
    """Who asks, through which door. `user` and `key` are ids; `workspaces` those that it is a member of, None: all."""

    door: Door
    kind: Kind
    # None: known, and not let in.
    role: Role | None
    user: str | None = None
    key: str | None = None
    workspaces: tuple[str, ...] | None = None
    # The one workspace that a key was made for.
    only: str | None = None
    # What is recorded as who did it where there is no person.
    label: str = ""
    ip: str | None = None
    request_id: str | None = None

    @property
    def name(self) -> str:
        """What rows keep as who made them: a person's id, or the door."""
        return self.user or self.label


MACHINE = Caller("jobs", "machine", "admin")
NOBODY = Caller("pages", "machine", None)

_caller: ContextVar[Caller | None] = ContextVar("caller", default=None)
_without_one = MACHINE


def caller() -> Caller:
    return _caller.get() or _without_one


def current() -> str:
    """What rows keep as who made them; empty for the machine."""
    return caller().name


def close() -> None:
    """From now on nothing may be done in this process where no door has said who asks."""
    global _without_one
    _without_one = NOBODY


def open_again() -> None:
    """What `close` did is undone: for the end of web, and for tests."""
    global _without_one
    _without_one = MACHINE


@contextmanager
def bound(who: Caller) -> Iterator[None]:
    """What is done within the block is done by `who`."""
    token = _caller.set(who)
    try:
        yield
    finally:
        _caller.reset(token)


@contextmanager
def labelled(label: str) -> Iterator[None]:
    """Within the block, what is done without a person is recorded as done by `label`."""
    with bound(replace(caller(), label=label)):
        yield
