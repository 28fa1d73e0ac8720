"""The uploader: files or a whole folder, stored as soon as they are here, and what came of it until the next ones.

Files live in the web process's memory until the widget forgets them, so each upload gets a widget of its own.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import streamlit as st

from core import samples
from core.documents import upload
from core.documents.extraction import SUPPORTED, media_type_of
from core.errors import CairnError, InvalidInput
from core.settings import limits
from pages.common import failures, formats

FORMAT_NAMES = ", ".join(dict.fromkeys(SUPPORTED.values()))
# What systems and programs leave in folders, beside all that begins with a dot.
LEFT_BEHIND = ("thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx")
HEAD_BYTES = 1 << 20
LONGEST_NAME = 200


@dataclass(frozen=True)
class UploadOutcome:
    """`skipped` are names with the reason, `missing` those that were not reached because of `trouble`."""

    collection: str
    stored: int
    known: int
    skipped: tuple[tuple[str, str], ...]
    missing: int = 0
    trouble: str = ""


def show_upload(collections: Sequence[str], suggested: str | None) -> None:
    key = f"upload-{st.session_state.get('uploads', 0)}"
    names = list(dict.fromkeys([*collections, upload.DEFAULT_COLLECTION]))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        into = st.selectbox(
            "Into the collection",
            names,
            index=names.index(suggested if suggested in names else upload.DEFAULT_COLLECTION),
            accept_new_options=True,
            key="into",
            help="Choose one, or type a new name.",
        )
        what = st.segmented_control(
            "Upload", ["Files", "Folder"], default="Files", required=True, key="upload_what", width="content"
        )
    folder = what == "Folder"
    st.file_uploader(
        f"Drop {'a folder' if folder else 'files'} here: {FORMAT_NAMES}",
        accept_multiple_files="directory" if folder else True,
        key=f"{key}-{what}",
        max_upload_size=min(limits.upload_mb(), st.get_option("server.maxUploadSize")),
        on_change=_take,
        args=(f"{key}-{what}", into or upload.DEFAULT_COLLECTION, folder),
    )
    if outcome := st.session_state.get("uploaded"):
        _show_outcome(outcome)


def _take(key: str, collection: str, folder: bool) -> None:
    files = st.session_state.get(key) or []
    bar = st.progress(0.0)

    def progress(done: int) -> None:
        bar.progress(done / len(files), text=f"Storing {done:,} of {len(files):,}")

    if files:
        st.session_state["uploaded"] = store(files, collection, folder=folder, progress=progress)
        st.session_state["uploads"] = st.session_state.get("uploads", 0) + 1
    bar.empty()


def _show_outcome(outcome: UploadOutcome) -> None:
    parts = [f"{outcome.stored:,} stored"] if outcome.stored or not outcome.known else []
    parts += [f"{outcome.known:,} already here"] if outcome.known else []
    parts += [f"{len(outcome.skipped):,} skipped"] if outcome.skipped else []
    st.markdown(f"{', '.join(parts)} in **{formats.plain(outcome.collection)}**.")
    if outcome.trouble:
        missing = formats.count(outcome.missing, "file")
        again = "Choose all of them once more: what is here already is not stored twice."
        failures.show_failure(f"Not stored: {missing}. {formats.plain(outcome.trouble)} {again}", "NOT_STORED")
    if outcome.skipped:
        with st.expander(f"What was skipped: {len(outcome.skipped):,}", expanded=len(outcome.skipped) <= 5):
            st.dataframe({"File": [n for n, _ in outcome.skipped], "Why": [w for _, w in outcome.skipped]})


def store(
    files: Sequence[BinaryIO], collection: str, *, folder: bool, progress: Callable[[int], None]
) -> UploadOutcome:
    """Store one by one: a file that is not accepted is skipped and says why, and does not stop the others.

    From a folder, the files' names are paths that begin with its own.
    """
    stored = known = 0
    skipped: list[tuple[str, str]] = []
    named = names_of([file.name for file in files])
    for number, (file, name) in enumerate(zip(files, named, strict=True)):
        progress(number)
        if folder and (reason := why_not(file)):
            skipped.append((file.name, reason))
            continue
        try:
            added = upload.add(name, file, collection)
        except InvalidInput as error:
            skipped.append((file.name, error.message))
        except CairnError as error:
            return UploadOutcome(collection, stored, known, tuple(skipped), len(files) - number, error.message)
        else:
            known += added.duplicate
            stored += not added.duplicate
    return UploadOutcome(collection, stored, known, tuple(skipped))


def load_samples() -> None:
    """Into a collection of their own, so that they are easy to delete."""
    for sample in samples.files():
        with sample.path.open("rb") as file:
            upload.add(sample.name, file, "samples")


def why_not(file: BinaryIO) -> str | None:
    """Nobody chose each file of a folder, so what is no document is left out. A file chosen by name is always kept."""
    for part in file.name.lower().split("/"):
        if part.startswith((".", "~$")) or part in LEFT_BEHIND:
            return "A hidden or a system file."
    head = file.read(HEAD_BYTES)
    return "A type of file that is not read." if head and media_type_of(file.name, head) is None else None


def names_of(paths: Sequence[str]) -> list[str]:
    """A document's name is the file's; where a folder holds it more than once, with the sub-folders it lies in."""
    often = Counter(path.rsplit("/", 1)[-1] for path in paths)
    names = []
    for path in paths:
        parts = path.split("/")
        alone = often[parts[-1]] == 1 or len(parts) < 3
        names.append(parts[-1] if alone else " - ".join(parts[1:])[-LONGEST_NAME:])
    return names
