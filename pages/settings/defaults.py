"""The default language of answers."""

import streamlit as st

from core import languages
from core.environment import get_settings
from core.settings import defaults
from pages.common import failures, formats
from pages.parts.choices import LANGUAGES
from pages.words import settings


def show() -> None:
    language, source = defaults.language()
    now = language or languages.OF_THE_DOCUMENT
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "Language where none is chosen",
            list(LANGUAGES),
            index=list(LANGUAGES).index(now),
            format_func=LANGUAGES.__getitem__,
            key=f"language-{now}-{source}",
            width=360,
            disabled=get_settings().settings_locked,
        )
        if chosen != now:
            st.button("Save", key="save-language", on_click=_save, args=(chosen,))
        elif source == "here":
            st.button("Use what the environment says", key="reset-language", on_click=_save, args=(None,))
    name = formats.plain(settings.language(now))
    st.caption(
        f"Now: {name} ({settings.SOURCES[source]}). Each job may choose another. Jobs that exist "
        "keep theirs; quotes always stay as the document has them. The offline engine cannot translate."
    )


def _save(language: str | None) -> None:
    failures.attempt(lambda: defaults.change_language(language), "Saved.")
