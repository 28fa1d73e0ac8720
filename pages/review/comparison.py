"""A head and what may be the same as it or contradicts it: quotes, the words that differ, and what can be said."""

from collections import defaultdict
from collections.abc import Sequence
from functools import partial

import streamlit as st

from core.insights import evidence_report, merging, review_report
from core.insights.evidence_report import EvidenceRow
from core.insights.merging import Candidate
from core.insights.report import InsightRow
from core.insights.review_report import Item
from pages.common import formats, marking, widgets
from pages.common.marking import Mark
from pages.parts.insight import evidence
from pages.review import saying
from pages.review.saying import Which
from pages.words import insights, review

MOST, QUOTES = 5, 2
PAGE = "insight/insight.py"


def show(item: Item, collection: str | None) -> None:
    pairs = _of_head(item, collection)
    head = pairs[0].a
    planned = merging.preview(head.id, [one.b.id for one in pairs])
    told = {one.id: one for one in planned.candidates}
    quotes: defaultdict[str, list[EvidenceRow]] = defaultdict(list)
    for row in evidence_report.evidence([head.id, *(one.b.id for one in pairs)], most=QUOTES):
        quotes[row.insight].append(row)
    buttons = st.container()
    left, right = st.columns(2)
    with left:
        st.markdown("**First**")
        with st.container(border=True):
            _side(head, [span for each in pairs[0].differs for span in each.a_spans], quotes[head.id])
    with right:
        st.markdown("**Second**" if len(pairs) == 1 else "**Second: those that are ticked**")
        ticked = [one for one in pairs if _candidate(one, told.get(one.b.id), quotes[one.b.id], len(pairs) > 1)]
    with buttons:
        doubted = any(_is_doubted(told.get(one.b.id)) for one in ticked)
        _say(head, ticked, item, collection, doubted=doubted)


def _of_head(item: Item, collection: str | None) -> list[Item]:
    """This pair, then others of the better supported side. That side is `a` of each."""
    first = item if (item.a.support, item.b.id) >= (item.b.support, item.a.id) else review_report.turned(item)
    others = [
        one
        for one in review_report.candidates(first.a.id, collection)
        if one.kind == item.kind and one.b.id != first.b.id and one.put_off == item.put_off
    ]
    return [first, *others][:MOST]


def _is_doubted(told: Candidate | None) -> bool:
    """Whether a merge would be refused."""
    return told is not None and bool(told.blocks or told.other_question)


def _candidate(pair: Item, told: Candidate | None, quotes: Sequence[EvidenceRow], several: bool) -> bool:
    """Whether it is meant, too. At first those are left out, but the first one, that a merge would be refused for."""
    with st.container(border=True):
        doubted = _is_doubted(told)
        ticked = not several or st.checkbox(
            "My decision is for this one, too", not (doubted and pair.kind == "merge"), key=f"tick-{pair.id}"
        )
        _side(pair.b, [span for each in pair.differs for span in each.b_spans], quotes)
        st.caption(f"{review.proposed(pair)} {insights.differing([each.kind for each in pair.differs])}")
        if told is not None and told.other_question:
            st.caption(":material/block: It answers another question, so the two are never one.")
        elif told is not None and saying.is_refused(pair.id):
            st.warning(insights.refused(told.reasons), icon=":material/warning:")
    return ticked


def _side(row: InsightRow, spans: Sequence[tuple[int, int]], quotes: Sequence[EvidenceRow]) -> None:
    """Spans are those of what the model said, which is what is compared."""
    marking.show(row.statement, [Mark(*span) for span in spans])
    if row.shown:
        st.caption(f":material/edit: Reworded by a person: “{formats.plain(row.shown)}”")
    if row.question:
        st.caption(f":material/help: Answers “{formats.plain(row.question)}”")
    with st.container(horizontal=True, vertical_alignment="center"):
        widgets.state_badge(row.state)
        st.caption(insights.known(row))
        widgets.link("Its own page", PAGE, ":material/open_in_full:", id=row.id)
    evidence.show(quotes)


def _say(head: InsightRow, ticked: Sequence[Item], item: Item, collection: str | None, *, doubted: bool) -> None:
    """The keys carry the pair: a key that is struck twice says the same of the same pair."""
    which = Which(head.id, ticked, _keep(head, ticked, item), _alike(ticked, collection), collection)
    number = which.alike or len(ticked)
    # Of those that differ in what matters, nothing is suggested.
    expected = item.kind if item.kind != "merge" else None if doubted else "same"
    with st.container(horizontal=True, vertical_alignment="center"):
        for verdict, (label, icon, shortcut, help_) in review.SAYING.items():
            st.button(
                label if number < 2 or (verdict == "later" and which.alike) else f"{label} ({number:,})",
                icon=icon,
                help=help_,
                shortcut=shortcut,
                key=f"{verdict}-{item.id}",
                type="primary" if verdict == expected else "secondary",
                disabled=not ticked,
                on_click=partial(saying.say, which, verdict),
            )
    if any(saying.is_refused(one.id) for one in ticked):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f":material/warning: {review.REFUSED}")
            force = partial(saying.say, which, "same", force=True)
            st.button("Merge anyway", shortcut="F", key=f"force-{item.id}", on_click=force)


def _keep(head: InsightRow, ticked: Sequence[Item], item: Item) -> str:
    rows = [head, *(one.b for one in ticked)]
    with st.popover("Which wording stays", icon=":material/edit_note:") if len(rows) > 3 else st.container():
        kept = st.radio(
            "If they are the same, this wording stays",
            range(len(rows)),
            format_func=lambda at: formats.plain(rows[at].words),
            key=f"keep-{item.id}-{hash(tuple(row.id for row in rows))}",
        )
    return rows[kept].id


def _alike(ticked: Sequence[Item], collection: str | None) -> int:
    """How many pairs are meant with this one, if all that differ like it are: 0 if not."""
    if len(ticked) != 1:
        return 0
    number = len(review_report.alike(ticked[0].id, collection))
    if number < 2:
        return 0
    chosen = st.checkbox(f"All {number:,} that differ only like this", key=f"alike-{ticked[0].id}")
    return number if chosen else 0
