"""Choices that several pages offer: documents, parameters, provider and model, language."""

from collections.abc import Sequence
from functools import partial
from typing import Any, NoReturn

import streamlit as st

from core import languages
from core.asking.templates import TemplateView
from core.calls import clients
from core.documents import report
from core.documents.report import CollectionRow
from core.providers.sampling import AS_ASKED, MOST_OUTPUT_TOKENS, Sampling, takes_temperature
from core.settings import defaults, provider_rows
from pages.common import formats, widgets
from pages.words import models


def analyse(document_ids: list[str]) -> NoReturn:
    """Go to the Analyse page with these documents chosen: `documents` takes them from its widget's key."""
    st.session_state["ask_documents"] = document_ids
    widgets.go("analyse/analyse.py")


def _about(row: CollectionRow) -> str:
    unread = f", {row.failed:,} could not be read" if row.failed else ""
    # A select box cuts off the end, which has the figures: so the name is shortened here.
    name = row.name if len(row.name) <= 40 else f"{row.name[:39]}…"
    return f"{name} ({formats.count(row.documents, 'document')}{unread}, {row.tokens:,} tokens)"


def documents(collections: Sequence[CollectionRow]) -> dict[str, Any]:
    """Choose a collection or single documents, as fields of a JobSpec. Another page may have chosen: see `analyse`."""
    ways = ["A collection", "Single documents"]
    st.session_state.setdefault("ask_how", ways["ask_documents" in st.session_state])
    how = st.segmented_control("Documents", ways, required=True, key="ask_how")
    if how == "A collection":
        names = {c.name: _about(c) for c in collections}
        return {"collection": st.selectbox("Collection", list(names), format_func=names.__getitem__, key="ask_in")}
    chosen = st.session_state.get("ask_documents", [])
    found = (*report.find(limit=500).items, *report.by_ids(chosen))
    rows = {row.id: f"{row.name} ({row.collection})" for row in found if row.state != "failed"}
    picked = st.multiselect("Documents", list(rows), format_func=rows.__getitem__, key="ask_documents")
    return {"documents": tuple(picked)}


def params(template: TemplateView) -> dict[str, Any]:
    if template.id == "summarize":
        return {"length": st.segmented_control("Length", ["short", "medium", "long"], default="medium", required=True)}
    if template.id in ("key_points", "questions"):
        return {"count": st.slider("How many", 1, 20, 5)}
    if template.id == "qa":
        return {"question": st.text_input("Question", placeholder="What do the documents say about …?")}
    return {}


def model(key: str | None = None, other_than: tuple[str, str] = ("", "")) -> tuple[str, str]:
    """Choose a provider and one of its models. A page with several such choices gives each a `key`.

    `other_than`: a provider and its model that cannot be chosen. Other providers are then listed first.
    """

    def comes_last(name: str) -> bool:
        return name == other_than[0] or (key is not None and not provider_rows.can(name).is_language_model)

    configured = sorted(clients.configured(), key=comes_last)
    provider = st.selectbox("Provider", configured, format_func=provider_rows.label, key=key and f"{key}_provider")
    if not provider_rows.can(provider).is_language_model:
        st.caption(
            "Free, and no language model: it picks sentences by their weight and cannot translate. Set an API key for "
            "real answers."
        )
        return provider, defaults.model_for(provider, None)
    default = defaults.model_for(provider, None)
    today = formats.utc_now().date()
    options = [one for one in models.to_choose(provider, default, today) if (provider, one) != other_than]
    chosen = st.selectbox(
        "Model",
        options,
        format_func=partial(models.named, provider),
        accept_new_options=True,
        help="Choose one, or type any model's name.",
        key=key and f"{key}_model_{provider}",
    )
    if ends := models.end(provider, chosen or default, today):
        st.caption(ends)
    return provider, chosen or default


def sampling(provider: str, model: str) -> Sampling:
    """Under *More*: the temperature and the longest answer; empty boxes leave them to Cairn."""
    row = provider_rows.of(provider)
    hottest = row.can.hottest
    if hottest is None:
        return AS_ASKED
    with st.expander("More"):
        temperature = st.number_input(
            "Temperature",
            0.0,
            float(hottest),
            None,
            0.1,
            placeholder="as Cairn asks",
            help="0 for the likeliest words, more for other ones. Empty: 0, or the model's own.",
            key=f"temperature_{provider}",
        )
        if not takes_temperature(row.kind, model):
            st.caption(f"{formats.plain(model)} takes no temperature.")
        longest = st.number_input(
            "Longest answer, in tokens",
            1,
            MOST_OUTPUT_TOKENS,
            None,
            100,
            placeholder="as the template needs",
            help="An answer that would be longer is cut off there and cannot be used. What a model thinks counts, too.",
            key="longest_answer",
        )
    return Sampling(None if temperature is None else round(temperature, 2), longest)


LANGUAGES = {languages.OF_THE_DOCUMENT: "Of each document", **{name: name for name in languages.NAMES}}


def language(template: TemplateView, provider: str) -> dict[str, Any]:
    """The parameter `language`, or {} where answers have no words or only those of the document."""
    if "language" not in template.params_schema["properties"]:
        return {}
    default = defaults.language()[0] or languages.OF_THE_DOCUMENT
    if not provider_rows.can(provider).can_translate:
        if default != languages.OF_THE_DOCUMENT:
            name = formats.plain(default)
            st.caption(f"The default language, {name}, does not apply: answers stay in the document's own words.")
        return {}
    chosen = st.selectbox(
        "Language of the answers",
        list(LANGUAGES),
        index=list(LANGUAGES).index(default),
        format_func=LANGUAGES.__getitem__,
        help="Quotes always stay as the document has them.",
    )
    return {"language": chosen}
