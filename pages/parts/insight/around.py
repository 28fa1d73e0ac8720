"""What stands around an insight: wordings that were merged into it, what contradicts it, what it looks like."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from core.insights import evidence_report, report
from core.insights.evidence_report import EvidenceRow
from core.insights.relations import Relation
from core.insights.report import InsightRow, Wording
from core.tables.insights import PairKind
from pages.common import formats, widgets
from pages.parts.insight import acting
from pages.words import insights

PAGE = "insight/insight.py"
# For one that stands behind the very wording, and not only behind what was merged into it.
QUOTES_LOOKED_AT = 10
# Of conflicts and the like: the evidence stands below them.
CARDS = 3


def resemblance(found: Sequence[Relation]) -> None:
    """That somebody dismissed what may be the same."""
    like = [one for one in found if one.resembles_dismissed]
    for other in report.get_all([one.other for one in like[:3]]):
        why = f" because “{formats.plain(other.reason)}”" if other.reason else ""
        st.warning(f"Looks like one that was dismissed{why}: “{formats.plain(other.words)}”", icon=":material/block:")
        widgets.link("Open the dismissed one", PAGE, ":material/open_in_new:", id=other.id)


def conflicts(of: str, found: Sequence[Relation]) -> None:
    """Of this insight, each with a quote of both sides; then what holds at another time."""
    _beside_it("In conflict with", of, [one for one in found if one.is_conflict], "conflict")
    _beside_it("Holds at another time", of, [one for one in found if one.is_over_time], "over_time")


def _beside_it(title: formats.Markdown, of: str, found: Sequence[Relation], kind: PairKind) -> None:
    if found:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{title}**", width="content")
            if any(one.verdict is None for one in found):
                widgets.link("Decide in Review", "review/review.py", ":material/rule:", kind=kind)
        _cards(found[:CARDS])
    if rest := found[CARDS:]:
        opened = widgets.expander(f"{len(rest):,} more", f"more-{title}-{of}")
        if opened is not None:
            with opened:
                _cards(rest)


def _cards(found: Sequence[Relation]) -> None:
    others = {one.id: one for one in report.get_all([each.other for each in found])}
    wordings = {one.own for one in found} | {one.theirs for one in found}
    quoted = evidence_report.evidence(sorted(wordings), most=QUOTES_LOOKED_AT)
    for one in found:
        with st.container(border=True):
            _beside(one, others[one.other], quoted)


def _beside(one: Relation, other: InsightRow, quoted: Sequence[EvidenceRow]) -> None:
    with widgets.lines(f"beside-{other.id}"):
        widgets.link(formats.plain(other.words), PAGE, id=other.id)
    st.caption(f"{insights.settled(one)} · {insights.known(other)}{' · dismissed' if one.other_dismissed else ''}")
    _side("This one", one.own, quoted)
    _side("The other", one.theirs, quoted)


def _side(name: formats.Markdown, wording: str, quoted: Sequence[EvidenceRow]) -> None:
    """The first quote of the wording itself, else one of what was merged into it."""
    supporting = [each for each in quoted if each.insight == wording and each.supported]
    supporting.sort(key=lambda each: each.stated != wording)
    if supporting:
        source = formats.plain(supporting[0].document_name)
        st.markdown(f":gray[{name}, in {source}:] “{formats.plain(supporting[0].quote)}”")
    else:
        st.caption(f"{name}: no quote supports it")


def wordings(merged: Sequence[Wording]) -> None:
    """Each can be taken out, and is what it was before."""
    if not merged:
        return
    st.markdown("**Merged wordings**")
    for one in merged:
        with st.container(border=True):
            with widgets.lines(f"wording-{one.id}"):
                widgets.link(formats.plain(one.statement), PAGE, id=one.id)
            st.button("Take out", icon=":material/call_split:", key=f"out-{one.id}", on_click=partial(take_out, one.id))


def take_out(insight_id: str) -> None:
    acting.attempt(partial(acting.take_out, insight_id))
