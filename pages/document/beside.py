"""What insights quote of a document: marks in the text, and the insights beside it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

import streamlit as st

from core.insights import document_report
from core.insights.document_report import Passage
from core.runtime import db
from pages.common import formats, widgets
from pages.common.marking import Mark
from pages.document.text import PagedText
from pages.words import instructions, quotes

LONGEST = 140
MOST_ELSEWHERE = 40
# By verdict, as the words under the text say. What was dismissed is not marked.
STYLES = {
    "found": "background:#d3f0d8",
    "spelling": "background:#d3f0d8;text-decoration:underline dotted #2b7a3d",
    "differs": "background:#fde3c8;text-decoration:underline wavy #b45309",
}


def marks(passages: Sequence[Passage]) -> list[Mark]:
    return [
        Mark(start, end, STYLES[one.verdict], note=one.words)
        for one in passages
        if one.verdict in STYLES and one.state != "dismissed"
        for start, end in one.parts
    ]


def legend(passages: Sequence[Passage], *, opened: bool, instructs: bool) -> None:
    """Of the marks that are there. `opened`: the open quote is one of them."""
    there = {one.verdict for one in passages if one.state != "dismissed"}
    told = [quotes.THE_OPEN_ONE] if opened else []
    told += [quotes.LEGEND[verdict] for verdict in STYLES if verdict in there]
    told += [instructions.LEGEND] if instructs else []
    if told:
        st.caption(f"Marked: {', '.join(told)}. Point at a mark to see what quotes it, or why it is marked.")


def show(
    document_id: str,
    passages: Sequence[Passage],
    text: PagedText,
    quote: tuple[int, int] | None,
    open_: Callable[[Passage], None],
) -> None:
    """The insights whose quotes stand on this page, in the order of the text, those of the open `quote` marked; then
    those of other pages, and those without a place."""
    st.header("Insights from here")
    numbers = db.read(document_report.quoted, document_id)
    here = _by_insight(passages)
    everywhere = _by_insight(document_report.passages(document_id, 0, len(text.text))) if text.in_parts else here
    elsewhere = {insight: one for insight, one in everywhere.items() if insight not in here}
    if text.in_parts and numbers.placed:
        st.caption(quotes.on_this_page(len(here), numbers.placed, text.label.lower()))
    with widgets.lines("places"):
        _list(here, text, open_, {one.insight for one in passages if (one.start, one.end) == quote})
    if elsewhere:
        st.caption("On other pages:" if text.label == "Page" else "In other parts:")
        with widgets.lines("elsewhere"):
            _list(dict(list(elsewhere.items())[:MOST_ELSEWHERE]), text, open_, with_page=True)
    if numbers.not_found:
        _without_place(document_id)
    if not (numbers.placed or numbers.not_found):
        st.caption("None yet. Ask something of this document on the Analyse page.")


def _by_insight(passages: Sequence[Passage]) -> dict[str, Passage]:
    """Each at its first passage, dismissed ones last."""
    found: dict[str, Passage] = {}
    for one in sorted(passages, key=lambda one: one.state == "dismissed"):
        found.setdefault(one.insight, one)
    return found


def _list(
    listed: Mapping[str, Passage],
    text: PagedText,
    open_: Callable[[Passage], None],
    shown: Collection[str] = (),
    *,
    with_page: bool = False,
) -> None:
    for one in listed.values():
        page = f"{text.label.lower()} {text.page_at(one.start):,}: " if with_page else ""
        turn = partial(text.turn_to, one.start)
        label, icon = f"{page}{_label(one)}", None
        if one.insight in shown:
            label, icon = f"**{label}**", ":material/format_quote:"
        if st.button(label, key=one.insight, type="tertiary", icon=icon, wrap=True, on_click=turn):
            open_(one)


def _label(one: Passage) -> formats.Markdown:
    facts = quotes.beside(one)
    return f"{_short(one.words)} :gray[· {facts}]" if facts else _short(one.words)


def _short(statement: str) -> formats.Markdown:
    return formats.plain(statement[:LONGEST]) + ("…" if statement[LONGEST:] else "")


def _without_place(document_id: str) -> None:
    st.caption(quotes.NO_SUPPORT_HERE)
    for evidence, statement in document_report.not_found(document_id):
        widgets.link(_short(statement), "insight/insight.py", ":material/help:", id=evidence.insight)
        st.caption(quotes.verdict(evidence))
