"""Text of others, escaped, with marks on it."""

import html
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import streamlit as st


@dataclass(frozen=True)
class Mark:
    """Characters to mark. Where several stand, the one of the highest `rank` shows. `note`: shown at the pointer."""

    start: int
    end: int
    style: str = "background:#ffe08a"
    rank: int = 0
    note: str = ""


MARK = "color:#111;padding:0 .1em;"
# Tabs stand between the cells of a table: wide ones, so that most columns stand below one another.
TEXT = "white-space:pre-wrap;tab-size:14;overflow-wrap:anywhere;line-height:1.55;font-size:.95rem;max-width:80ch"


def show(text: str, marks: Iterable[Mark] = (), name: str = "marked-text") -> None:
    body = ""
    for mark, start, end in _runs(len(text), [mark for mark in marks if mark.start < mark.end]):
        if mark:
            body += f"<mark style='{MARK}{html.escape(mark.style)}' title='{html.escape(mark.note)}'>"
        body += html.escape(text[start:end])
        if mark:
            body += "</mark>"
    st.html(f"<div data-testid='{html.escape(name)}' style='{TEXT}'>{body}</div>")


def _runs(length: int, marks: Sequence[Mark]) -> Iterator[tuple[Mark | None, int, int]]:
    """The whole text, cut where the mark that shows changes."""
    edges = sorted({0, length, *(at for mark in marks for at in (mark.start, mark.end) if 0 < at < length)})
    shown = [(_on_top(marks, start, end), start, end) for start, end in itertools.pairwise(edges)]
    for mark, run in itertools.groupby(shown, key=lambda one: one[0]):
        pieces = list(run)
        yield mark, pieces[0][1], pieces[-1][2]


def _on_top(marks: Sequence[Mark], start: int, end: int) -> Mark | None:
    """Of equal rank the shortest."""
    here = (mark for mark in marks if mark.start <= start and mark.end >= end)
    return max(here, key=lambda mark: (mark.rank, mark.start - mark.end), default=None)
