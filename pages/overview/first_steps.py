"""What to do first on a fresh machine, until there are insights."""

import streamlit as st

from core.access import roles
from core.calls import clients
from core.overview import Overview
from core.settings import provider_rows
from pages.common import failures, formats, widgets
from pages.parts.upload import load_samples

DONE, TO_DO = ":material/check_circle:", ":material/radio_button_unchecked:"


def first_steps(found: Overview) -> None:
    with st.container(border=True):
        st.header("First steps")
        models = [
            formats.plain(provider_rows.label(name))
            for name in clients.configured()
            if provider_rows.can(name).is_language_model
        ]
        may_set = roles.may("settings.change")
        missing = "set its key" if may_set else "none has a key yet; an admin sets it"
        model = (
            f"{' and '.join(models)} {'answers' if len(models) == 1 else 'answer'} your questions"
            if models
            else f"{missing}. Until then the offline engine answers: free, and no language model"
        )
        with widgets.lines("steps"):
            _step(found.documents, "**Documents**: upload your own, or load the samples", "documents/documents.py")
            _step(found.jobs, "**Ask**: launch *Key points*, which makes insights", "analyse/analyse.py")
            _step(found.insights, "**Read**: open an insight, and its quote in the document", "insights/insights.py")
            if may_set:
                _step(models, f"**A model**: {model}", "settings/settings.py")
            else:
                st.markdown(f"{DONE if models else TO_DO} **A model**: {model}")
        with st.container(horizontal=True):
            if found.documents == 0 and st.button("Load sample documents", type="primary"):
                failures.attempt(load_samples, "The sample documents are in the collection “samples”.")
                st.rerun()
            if st.button("Upload documents"):
                widgets.go("documents/documents.py")
            if found.documents and st.button("Analyse", type="primary"):
                widgets.go("analyse/analyse.py")


def _step(done: object, words: formats.Markdown, page: str) -> None:
    widgets.link(words, page, DONE if done else TO_DO)
