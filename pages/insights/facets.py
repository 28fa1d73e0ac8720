"""What is found, by what it has in common: a click narrows the list to that, or takes it back."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st

from core.asking import templates
from core.insights import facets_report
from core.insights.facets_report import Facets, Value
from core.insights.report import Filters
from pages.common import formats
from pages.insights import narrowing
from pages.words import insights

SHOWN = 8


@dataclass(frozen=True)
class Facet:
    """`on`: the value that the list is narrowed to now. `choose` narrows to a value, or to any."""

    key: str
    label: formats.Markdown
    values: Sequence[Value]
    on: str | None
    choose: Callable[[str | None], None]
    names: dict[str, str]


def show(filters: Filters) -> None:
    found = facets_report.facets(filters)
    told = list(_facets(found, filters))
    if not told:
        st.caption("All that is found is of one kind: there is nothing to narrow it down by.")
        return
    for facet in told:
        _show(facet)
    if found.sampled:
        st.caption(insights.SAMPLED)


def _facets(found: Facets, now: Filters) -> Iterator[Facet]:
    """Those that tell something apart, or are chosen."""
    kinds = {one.id: one.name for one in templates.list_all(retired=True)}
    state = now.state[0] if isinstance(now.state, tuple) and len(now.state) == 1 else None
    every = [
        Facet("words", "Words", found.words, None, narrowing.add_word, {}),
        Facet("collection", "Collection", found.collections, now.collection, partial(_select, "collection"), {}),
        Facet("template", "Template", found.templates, now.template, partial(_select, "template"), kinds),
        Facet("tag", "Tag", found.tags, now.tag, partial(_select, "tag"), {}),
        Facet("state", "State", found.states, state, _select_state, {}),
        Facet("language", "Language", found.languages, now.language, partial(narrowing.put, "language"), {}),
        Facet(
            "support",
            "Documents",
            found.support,
            None if now.min_support is None else str(now.min_support),
            partial(narrowing.put, "min_support"),
            {},
        ),
        *(_of_field(name, values, now) for name, values in found.fields.items()),
    ]
    return (facet for facet in every if len(facet.values) > 1 or (facet.values and (facet.on or facet.key == "words")))


def _of_field(name: str, values: Sequence[Value], now: Filters) -> Facet:
    chosen = dict(one.split(":", 1) for one in now.field)
    return Facet(f"field-{name}", formats.plain(name), values, chosen.get(name), partial(narrowing.put_field, name), {})


def _show(facet: Facet) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f"**{facet.label}**", width="content")
        for number, one in enumerate(facet.values[:SHOWN]):
            is_on = one.value == facet.on
            click = partial(facet.choose, None if is_on else one.value)
            icon = ":material/check:" if is_on else None
            st.button(_value(facet, one), icon=icon, key=f"{facet.key}-{number}", type="tertiary", on_click=click)


def _value(facet: Facet, one: Value) -> formats.Markdown:
    at_least = "at least " if facet.key == "support" else ""
    return f"{at_least}{formats.plain(facet.names.get(one.value, one.value))} · {one.count:,}"


def _select(key: str, value: str | None) -> None:
    st.session_state[key] = value


def _select_state(value: str | None) -> None:
    st.session_state["state"] = value or next(iter(insights.STATES))
