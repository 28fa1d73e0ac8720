"""What the list is narrowed to and ordered by, all of it in the link. What is hidden at first is shown as chosen."""

from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from core.asking import templates
from core.documents import report as documents_report
from core.insights import history, report
from core.insights.report import Filters, Sort
from core.runtime import db
from core.runtime.abreast import Group
from pages.common import widgets
from pages.insights import narrowing
from pages.words import insights, instructions

FIRST_STATE, FIRST_EVIDENCE, FIRST_SORT = next(iter(insights.STATES)), next(iter(insights.EVIDENCE)), "newest"
FIRST_CONFLICT = next(iter(insights.CONFLICTS))
FIRST_QUARANTINE = next(iter(instructions.QUARANTINES))


@dataclass(frozen=True)
class Chosen:
    """`link`: the filters as they stand in a link to the page."""

    filters: Filters
    sort: Sort
    link: dict[str, str | list[str] | None]

    @property
    def hides(self) -> bool:
        """Whether the filters that the page begins with are in force."""
        begun = self.filters.state == insights.STATES[FIRST_STATE], self.filters.supported is True
        return any(begun) or self.filters.quarantined is False

    @property
    def all(self) -> Filters:
        """What would be listed without those."""
        return replace(self.filters, state=None, supported=None, quarantined=self.filters.quarantined or None)


# In quarantine, and nobody has decided on them.
WAITING = Filters(quarantined=True, state="new")


def read(group: Group) -> None:
    """What is offered."""
    group.ahead(documents_report.collection_names)
    group.ahead(templates.list_all, retired=True)
    group.ahead(history.lately_given_tags)


def show() -> Chosen:
    with widgets.tiles():
        q = st.text_input("Search", key="q", bind="query-params", placeholder='words, "a phrase", -not', type="search")
        names = db.read(documents_report.collection_names)
        collection = st.selectbox(
            "Collection", names, index=None, placeholder="All", key="collection", bind="query-params"
        )
        template, template_name = _template()
        state = st.selectbox("State", list(insights.STATES), key="state", bind="query-params")
        evidence = st.selectbox("Evidence", list(insights.EVIDENCE), key="evidence", bind="query-params")
        tag = _tag()
        sorts: list[Sort] = [one for one in insights.SORTS if one != "relevance" or q]
        sort: Sort = st.selectbox("Order", sorts, 0, insights.SORTS.__getitem__, key="sort", bind="query-params")
        conflict = st.selectbox("Conflicts", list(insights.CONFLICTS), key="conflict", bind="query-params")
        quarantine = _quarantine()
        pinned = st.checkbox("Pinned only", key="pinned", bind="query-params")
    more = narrowing.given()
    narrowing.show(more)
    link = {
        **narrowing.link(more),
        "q": q,
        "collection": collection,
        "template": template_name,
        "state": None if state == FIRST_STATE else state,
        "evidence": None if evidence == FIRST_EVIDENCE else evidence,
        "tag": tag,
        "sort": None if sort == FIRST_SORT else insights.SORTS[sort],
        "conflict": None if conflict == FIRST_CONFLICT else conflict,
        "quarantine": None if quarantine == FIRST_QUARANTINE else quarantine,
        "pinned": "true" if pinned else None,
    }
    filters = _filters(
        more,
        instructions.QUARANTINES[quarantine],
        evidence,
        q=q or None,
        collection=collection,
        template=template,
        state=insights.STATES[state],
        tag=tag,
        conflict=insights.CONFLICTS[conflict],
        pinned=True if pinned else None,
    )
    return Chosen(filters, sort, link)


def _template() -> tuple[str | None, str | None]:
    """Its id and its name."""
    kinds = {t.id: t.name for t in db.read(templates.list_all, retired=True) if t.insights}
    template = st.selectbox(
        "Template", list(kinds), None, kinds.__getitem__, placeholder="All", key="template", bind="query-params"
    )
    return template, template and kinds[template]


def _quarantine() -> str:
    about = "Insights whose quotes lie in passages that give instructions to a model wait there for a person."
    return st.selectbox("Quarantine", list(instructions.QUARANTINES), key="quarantine", bind="query-params", help=about)


def _filters(more: Filters, waits: bool | None, evidence: str, **given: Any) -> Filters:
    # Nothing supports what is in quarantine.
    supported = None if waits and evidence == FIRST_EVIDENCE else insights.EVIDENCE[evidence]
    return replace(more, quarantined=waits, supported=supported, **given)


def _tag() -> str | None:
    """Those given of late are offered, and any other can be typed."""
    known = db.read(history.lately_given_tags)
    given = st.query_params.get("tag")
    options = known if given is None or given in known else [given, *known]
    return st.selectbox(
        "Tag", options, None, placeholder="Any", key="tag", bind="query-params", accept_new_options=True
    )


def show_hidden() -> None:
    """For a button: without the filters that the page begins with."""
    st.session_state.update(state="all", evidence="all", quarantine="all")


def number_hidden(chosen: Chosen, shown: report.Count) -> int | None:
    """How many more there are without the filters that the page begins with; None where that is not counted."""
    if not chosen.hides or shown.capped:
        return 0 if not chosen.hides else None
    every = db.read(report.count, chosen.all)
    return None if every.capped else every.count - shown.count
