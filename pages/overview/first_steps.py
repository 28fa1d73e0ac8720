"""What to do first on a fresh machine, until there are insights."""

import streamlit as st

from core.calls import clients
from core.overview import Overview
from core.settings import provider_rows
from pages.common import failures, formats, widgets
from pages.parts.upload import load_samples


def first_steps(found: Overview) -> None:
    with st.container(border=True):
        st.subheader("First steps")
        done = ":material/check_circle:", ":material/radio_button_unchecked:"
        models = [
            formats.plain(provider_rows.label(name))
            for name in clients.configured()
            if provider_rows.can(name).is_language_model
        ]
        model = (
            f"{' and '.join(models)} {'answers' if len(models) == 1 else 'answer'} your questions."
            if models
            else "set its key on the Settings page. "
            "Until then the offline engine answers: free, without a language model, and it says so."
        )
        st.markdown(
            f"{done[not found.documents]} **Documents**: upload your own, or load the samples.\n\n"
            f"{done[not found.jobs]} **Ask**: choose a template on the Analyse page and launch a job.\n\n"
            f"{done[not found.insights]} **Read**: open the insights and click a quote to see it in its document.\n\n"
            f"{done[not models]} **A model**: {model}"
        )
        with st.container(horizontal=True):
            if found.documents == 0 and st.button("Load sample documents", type="primary"):
                failures.attempt(load_samples, "The sample documents are in the collection “samples”.")
                st.rerun()
            if st.button("Upload documents"):
                widgets.go("documents/documents.py")
            if found.documents and st.button("Analyse", type="primary"):
                widgets.go("analyse/analyse.py")
