"""What is said of files on their way: `scripts/upload.js` counts them, because Streamlit hears of a choice of files
only once all of them have arrived."""

import html
from collections.abc import Mapping

import streamlit as st

from pages.common import formats

SCRIPT = "scripts/upload.js"
# Left by the script when the page was left while files were on their way: how many.
COOKIE = "cairn_upload"
PROGRESS = "{arrived} of {total} files have arrived. They are stored once all of them are here: keep this page open."
LEAVE = "Files are still on their way, and none of them is stored yet. Leave all the same?"


WATCH = (
    f"<div id='cairn-sending' role='status' data-progress='{html.escape(PROGRESS)}' "
    f"data-leave='{html.escape(LEAVE)}'></div><script src='{html.escape(SCRIPT)}'></script>"
)


def watch() -> None:
    """A line that is filled while files are on their way, and a question before the page is left."""
    st.html(WATCH, unsafe_allow_javascript=True)


def broken_off(cookies: Mapping[str, str]) -> formats.Markdown:
    """What became of an upload that this browser left behind; "" if there is none."""
    number = cookies.get(COOKIE, "")
    if not (number.isascii() and number.isdecimal() and len(number) < 7):
        return ""
    files = formats.count(int(number), "file")
    return f"The last upload was broken off before all of it had arrived: of its {files} none was stored. Choose again."
