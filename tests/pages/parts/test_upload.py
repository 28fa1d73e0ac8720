"""Files and folders through the uploader of the Documents page."""

import io

import pytest
from streamlit.testing.v1 import AppTest

from pages.parts.sending import COOKIE, broken_off
from pages.parts.upload import names_of, store
from tests.pages.seeing import show
from tests.pipeline import add_document, database_away, rows

pytestmark = pytest.mark.usefixtures("database")


def file(name: str, content: bytes = b"Two pumps failed. They were replaced.") -> io.BytesIO:
    made = io.BytesIO(content)
    made.name = name
    return made


def stored() -> dict[str, str]:
    return {row["name"]: row["state"] for row in rows("SELECT name, state FROM document ORDER BY name")}


def upload(folder: bool, *files: tuple[str, bytes]) -> AppTest:
    at = show("documents")
    if folder:
        at.segmented_control(key="upload_what").set_value("Folder").run()
    at.file_uploader[0].set_value([(name, content, "") for name, content in files]).run()
    assert not at.exception
    return at


def said(at: AppTest) -> str:
    return "\n".join(element.value for kind in (at.markdown, at.error, at.caption) for element in kind)


def test_many_files_are_stored_at_once_and_counted() -> None:
    at = upload(False, ("a.txt", b"The first one."), ("b.txt", b"The second one."))
    assert stored() == {"a.txt": "queued", "b.txt": "queued"}
    assert "2 stored in **default**" in said(at)


def test_the_widget_forgets_what_was_stored() -> None:
    at = upload(False, ("a.txt", b"The first one."))
    assert at.file_uploader[0].value == []


def test_a_known_file_is_already_here() -> None:
    add_document("Two pumps failed. They were replaced.")
    at = upload(False, ("again.txt", b"Two pumps failed. They were replaced."))
    assert "1 already here in **default**." in [element.value for element in at.markdown]


def test_an_empty_file_is_skipped_and_does_not_stop_the_others() -> None:
    at = upload(False, ("empty.txt", b""), ("b.txt", b"The second one."))
    assert stored() == {"b.txt": "queued"}
    assert "1 stored, 1 skipped" in said(at)
    assert list(at.dataframe[0].value["File"]) == ["empty.txt"]


def test_a_file_of_an_unknown_type_that_was_chosen_by_name_is_kept_and_says_why() -> None:
    upload(False, ("photo.gif", b"GIF89a"))
    assert stored() == {"photo.gif": "failed"}


def test_of_a_folder_only_documents_are_taken_and_the_rest_says_why() -> None:
    at = upload(
        True,
        ("reports/.DS_Store", b"\0\1"),
        ("reports/.git/config", b"[core]"),
        ("reports/~$march.docx", b"lock"),
        ("reports/Thumbs.db", b"\0\1"),
        ("reports/photo.gif", b"GIF89a"),
        ("reports/2026/march.txt", b"Two pumps failed."),
    )
    assert stored() == {"march.txt": "queued"}
    skipped = dict(zip(at.dataframe[0].value["File"], at.dataframe[0].value["Why"], strict=True))
    assert skipped["reports/photo.gif"] == "A type of file that is not read."
    assert list(skipped.values()).count("A hidden or a system file.") == 4
    assert "1 stored, 5 skipped" in said(at)


def test_an_upload_goes_to_the_collection_of_the_link() -> None:
    add_document(collection="reports")
    at = show("documents", collection="reports")
    assert at.selectbox(key="into").value == "reports"


def test_without_one_it_goes_to_the_default_collection_not_to_the_first_by_name() -> None:
    add_document(collection="a first one")
    assert show("documents").selectbox(key="into").value == "default"


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["top/a.txt", "top/sub/b.txt"], ["a.txt", "b.txt"]),
        (["top/2025/a.txt", "top/2026/q1/a.txt", "top/a.txt"], ["2025 - a.txt", "2026 - q1 - a.txt", "a.txt"]),
        (["a.txt", "b.txt"], ["a.txt", "b.txt"]),
        ([f"top/{'x' * 300}/a.txt", "top/a.txt"], [f"{'x' * 192} - a.txt"[-200:], "a.txt"]),
    ],
)
def test_names_carry_their_sub_folders_only_where_they_are_needed(paths: list[str], names: list[str]) -> None:
    assert names_of(paths) == names


def test_a_database_that_goes_away_says_how_many_are_missing(database: str) -> None:
    with database_away(database):
        outcome = store([file("a.txt"), file("b.txt")], "default", folder=False, progress=lambda _done: None)
    assert (outcome.stored, outcome.missing) == (0, 2)
    assert "database" in outcome.trouble


@pytest.mark.parametrize(
    ("left", "said"),
    [
        ("60", "of its 60 files none was stored"),
        ("1", "of its 1 file none was stored"),
        ("", ""),
        ("0" * 9, ""),
        ("12<b>", ""),
        ("\u0662", ""),
    ],
)
def test_an_upload_that_was_left_behind_is_told_of(left: str, said: str) -> None:
    told = broken_off({COOKIE: left} if left else {})
    assert (said in told) if said else told == ""
