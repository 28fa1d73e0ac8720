"""The uploader: files or a whole folder, stored as soon as they arrive. The outcome is shown until the next upload.

Files live in the web process's memory until the widget forgets them, so each upload gets a widget of its own.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

import streamlit as st

from core import samples
from core.documents import upload
from core.documents.extraction import SUPPORTED, media_type_of
from core.errors import CairnError, InvalidInput
from core.settings import limits
from pages.common import failures, formats
from pages.parts import sending

FORMAT_NAMES = ", ".join(dict.fromkeys(SUPPORTED.values()))
# Files that systems leave in folders, beside those whose names begin with a dot.
LEFT_BEHIND = ("thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx")
HEAD_BYTES = 1 << 20
LONGEST_NAME = 200
LOOK_EVERY_S = 0.1


@dataclass(frozen=True)
class UploadOutcome:
    """`skipped`: names, each with the reason. `missing`: how many files were not stored because of `trouble`."""

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
    sending.watch()
    if outcome := st.session_state.get("uploaded"):
        _show_outcome(outcome)
    elif said := sending.broken_off(st.context.cookies):
        st.warning(said, icon=":material/upload_file:")


def _take(key: str, collection: str, folder: bool) -> None:
    if files := st.session_state.get(key):
        failures.guarded(partial(_store_all, files, collection, folder))


def _store_all(files: Sequence[BinaryIO], collection: str, folder: bool) -> None:
    """A thread of its own stores them: this one ends with the tab, and what has arrived is stored all the same."""
    done = [0]
    storing = ThreadPoolExecutor(1, "upload")
    kept = storing.submit(
        copy_context().run, store, files, collection, folder=folder, progress=partial(done.__setitem__, 0)
    )
    storing.shutdown(wait=False)
    bar = st.progress(0.0)
    while not kept.done():
        bar.progress(done[0] / len(files), text=f"Storing {done[0]:,} of {len(files):,}")
        wait([kept], LOOK_EVERY_S)
    bar.empty()
    st.session_state["uploaded"] = kept.result()
    st.session_state["uploads"] = st.session_state.get("uploads", 0) + 1


def _show_outcome(outcome: UploadOutcome) -> None:
    parts = [f"{outcome.stored:,} stored"] if outcome.stored or not outcome.known else []
    parts += [f"{outcome.known:,} already here"] if outcome.known else []
    parts += [f"{len(outcome.skipped):,} skipped"] if outcome.skipped else []
    st.markdown(f"{', '.join(parts)} in **{formats.plain(outcome.collection)}**.")
    if outcome.trouble:
        missing = formats.count(outcome.missing, "file")
        again = "Choose all of them once more: what is here already is not stored twice."
        failures.show_failure(f"Not stored: {missing}. {outcome.trouble} {again}", "NOT_STORED")
    if outcome.skipped:
        with st.expander(f"What was skipped: {len(outcome.skipped):,}", expanded=len(outcome.skipped) <= 5):
            st.dataframe({"File": [n for n, _ in outcome.skipped], "Why": [w for _, w in outcome.skipped]})


def store(
    files: Sequence[BinaryIO], collection: str, *, folder: bool, progress: Callable[[int], None]
) -> UploadOutcome:
    """Store files one by one. A file that is not accepted is skipped with its reason, and the others go on.

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
    """Store the samples in a collection of their own, so that they are easy to delete."""
    for sample in samples.files():
        with sample.path.open("rb") as file:
            upload.add(sample.name, file, "samples")


def why_not(file: BinaryIO) -> str | None:
    """Why a file of a folder is left out, None if it is not: nobody chose each of them, so not all are documents."""
    for part in file.name.lower().split("/"):
        if part.startswith((".", "~$")) or part in LEFT_BEHIND:
            return "A hidden or a system file."
    head = file.read(HEAD_BYTES)
    return "A type of file that is not read." if head and media_type_of(file.name, head) is None else None


def names_of(paths: Sequence[str]) -> list[str]:
    """The documents' names: the file names, with their sub-folders where a folder has the same name more than once."""
    often = Counter(path.rsplit("/", 1)[-1] for path in paths)
    names = []
    for path in paths:
        parts = path.split("/")
        alone = often[parts[-1]] == 1 or len(parts) < 3
        names.append(parts[-1] if alone else " - ".join(parts[1:])[-LONGEST_NAME:])
    return names
