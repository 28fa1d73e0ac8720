"""Reuse of answers: how often they were known, what that saved, and which are not to be reused any more."""

from datetime import timedelta

import streamlit as st

from core.asking import templates
from core.documents import report
from core.errors import CairnError
from core.requests import reuse, savings
from core.requests.reuse import Which
from core.requests.savings import Reuse
from core.runtime import db
from pages.common import failures, formats, widgets

PERIOD_DAYS = 30


def read() -> Reuse:
    return savings.read(formats.utc_now() - timedelta(days=PERIOD_DAYS))


def show() -> None:
    st.header(f"Reused answers, last {PERIOD_DAYS} days")
    health = reuse.health()
    if not health.healthy:
        st.error(formats.plain(health.message), icon=":material/error:")
        return
    found = db.read(read)
    with widgets.tiles():
        rate = "–" if found.hit_rate is None else f"{found.hit_rate:.0%}"
        st.metric("Known already", rate, help="The share of answers that were there already.", border=True)
        st.metric(
            "Saved",
            formats.money_of(found.saved_usd, found.saved_unpriced),
            help="What the reused answers had cost when they were asked for.",
            border=True,
        )
        widgets.figure("Answers to reuse", found.answers)
        st.metric("Size of all answers", formats.size(found.bytes), border=True)
    if found.answers and st.button("Stop reusing answers", icon=":material/restart_alt:"):
        ask_afresh()


@failures.dialog("Stop reusing answers")
def ask_afresh() -> None:
    st.markdown("Choose answers that are not to be reused any more. They stay where they are, with their evidence.")
    names = {view.id: view.name for view in templates.list_all(retired=True)}
    template = st.selectbox(
        "Template",
        list(names),
        index=None,
        format_func=names.__getitem__,
        placeholder="Any",
        key="afresh_template",
    )
    model = st.text_input("Model", placeholder="Any").strip()
    collections = report.collection_names()
    collection = st.selectbox("Collection", collections, index=None, placeholder="Any")
    days = st.number_input("Older than, in days", min_value=0, max_value=36_500, value=None, placeholder="Any age")
    which = Which(
        template,
        model or None,
        collection,
        None if days is None else formats.utc_now() - timedelta(days=days),
        everything=not (template or model or collection) and days is None,
    )
    try:
        going = reuse.count(which)
    except CairnError as error:
        failures.show_failure(error.message, error.code)
        return
    answers = formats.count(going, "answer")
    st.markdown(f"**{answers}** {'of all ' if which.everything else ''}would be asked and paid for again when needed.")

    def act() -> None:
        failures.attempt(lambda: reuse.invalidate(which), f"Not reused any more: {answers}.")

    if st.button(f"Clear {going:,}", type="primary", disabled=not going, on_click=act):
        st.rerun()
