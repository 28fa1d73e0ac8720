"""In which format a table is exported."""

import streamlit as st

from core.exports.columns import FORMAT_NAMES, FORMATS, FormatName


def format_(key: str) -> FormatName:
    chosen: FormatName = st.segmented_control(
        "Format",
        FORMAT_NAMES,
        default=FORMAT_NAMES[0],
        required=True,
        format_func=lambda name: FORMATS[name].label,
        key=key,
    )
    return chosen
