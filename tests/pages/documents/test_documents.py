"""The list of documents: a click opens, ticks stay with their rows, pages, and why something could not be read."""

import io
import threading
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.documents import extract, moving, report, upload
from core.insights import document_report
from core.runtime import db, worker_lease
from pages.common import widgets
from tests.pages.seeing import buttons, links, opened, press, show, words
from tests.pipeline import add_document, make_job, run_job

pytestmark = pytest.mark.usefixtures("database")


def with_(at: AppTest, *, rows: tuple[int, ...] = (), cells: tuple[tuple[int, str], ...] = ()) -> AppTest:
    """With these rows ticked, or this cell clicked, in the grid of the newest documents."""
    key = widgets.rows_key("documents", report.find().items)
    at.session_state[key] = {"selection": {"rows": list(rows), "columns": [], "cells": list(cells)}}
    return at


def names(at: AppTest) -> list[str]:
    return list(at.dataframe[0].value["Name"])


def test_a_click_on_any_cell_opens_the_document() -> None:
    add_document(name="first.txt")
    add_document("Another document. It is newer.", "newer.txt")
    for cell in ((0, "Name"), (0, "Size")):
        at = with_(opened("documents"), cells=(cell,)).run()
        assert not at.exception
        assert at.title[0].value == "newer\\.txt"
        assert at.query_params["id"] == report.find().items[0].id


def test_ticks_stay_with_their_documents_when_others_come() -> None:
    at = show("documents")
    assert "Load sample documents" in buttons(at)
    add_document()
    at = with_(at, rows=(0,)).run()
    assert {"Analyse (1)", "Delete (1)"} <= buttons(at)
    add_document("Another document. It is newer.", "newer.txt")
    at.run()
    assert {"Analyse (1)", "Delete (1)"} <= buttons(at)
    assert [row.name for row in report.by_ids(at.session_state["selected"])] == ["report.txt"]


def test_ticked_documents_move_to_a_collection_and_what_stays_is_said() -> None:
    there = add_document(collection="kept")
    add_document()
    add_document("Another document. It is newer.", "newer.txt")
    at = with_(opened("documents"), rows=(0, 1)).run()
    at.session_state["move_to"] = "kept"
    said = words(press(press(at, "Move (2)"), "Move")).replace("\\", "")
    assert "1 document moved to “kept”. Not moved, as “kept” has the same content already: report.txt." in said
    assert {row.name for row in report.find(report.Filters("kept")).items} == {"report.txt", "newer.txt"}
    elsewhere = add_document("A third document. It is elsewhere.", "third.txt", "elsewhere")
    at = show("document", id=elsewhere)
    at.session_state["move_to"] = "kept"
    press(press(at, "Move"), "Move")
    assert {row.id for row in report.find(report.Filters("kept")).items} >= {elsewhere, there}


def many(number: int) -> None:
    with db.transaction() as session:
        db.execute(session, "INSERT INTO collection (workspace_id, id, name) VALUES ('ws_default', 'col_1', 'many')")
        for statement in (
            "INSERT INTO blob (sha256, size_bytes) SELECT n::text, 1 FROM generate_series(1, :number) n",
            """INSERT INTO document (workspace_id, id, name, collection_id, sha256, media_type, size_bytes, state)
               SELECT 'ws_default', 'doc_' || n, n || '.txt', 'col_1', n::text, 'text/plain', 1, 'ready'
               FROM generate_series(1, :number) n""",
        ):
            db.execute(session, statement, number=number)


def test_all_documents_are_reached_page_by_page() -> None:
    many(450)
    at = show("documents")
    assert "450 documents: 450 ready. Shown: 1 to 200." in words(at)
    seen = names(at)
    at = press(at, "Next page")
    assert "Shown: 201 to 400." in words(at)
    seen += names(at)
    at = press(at, "Next page")
    assert "Shown: 401 to 450." in words(at)
    assert "Next page" not in buttons(at)
    assert list(at.dataframe[0].value.index) == list(range(401, 451))
    assert len(set(seen + names(at))) == 450
    at.text_input(key="name").input("4").run()
    assert "fit the filters" in words(at)
    assert names(at)[0] == "94.txt"


def test_what_fits_the_filters_is_counted_beyond_the_page() -> None:
    many(450)
    assert "450 documents: 450 ready. 450 fit the filters: 1 to 200 are shown." in words(show("documents", name="t"))
    assert "450 documents: 450 ready. 1 fit the filters." in words(show("documents", name="450"))


def test_each_reason_why_something_could_not_be_read_stands_there_in_full() -> None:
    add_document()
    upload.add("photo.gif", io.BytesIO(b"GIF89a"), "pictures")
    at = show("documents")
    assert "**photo\\.gif could not be read.** This type of file is not read\\. Convert it to one of" in words(at)
    assert links(at)["Show them"] == "documents?state=failed"
    upload.add("b*.gif", io.BytesIO(b"GIF89b"), "pictures")
    assert "**2, such as b\\*\\.gif, could not be read.**" in words(show("documents"))
    assert links(show("documents", collection="pictures"))["Show them"] == "documents?state=failed&collection=pictures"
    for narrowed in ({"collection": "default"}, {"name": "photo"}, {"state": "ready"}):
        assert "could not be read.**" not in words(show("documents", **narrowed))


def test_a_click_opens_a_document_of_an_archive() -> None:
    archive, inside = add_document(name="mails.txt"), add_document("Another document. It is inside.", "inside.txt")
    with db.transaction() as session:
        db.execute(session, "UPDATE document SET state = 'unpacked' WHERE id = :id", id=archive)
        db.execute(session, "UPDATE document SET part_of = :archive WHERE id = :id", id=inside, archive=archive)
    at = opened("document", id=archive)
    key = widgets.rows_key("parts", report.by_ids([inside]))
    at.session_state[key] = {"selection": {"rows": [], "columns": [], "cells": [(0, "State")]}}
    assert at.run().title[0].value == "inside\\.txt"


def test_a_part_that_was_moved_is_deleted_where_it_is_ticked_beside_its_archive() -> None:
    archive, inside, moved = (add_document(f"Document {n}. It is one.", f"{n}.txt") for n in range(3))
    with db.transaction() as session:
        db.execute(session, "UPDATE document SET part_of = :of WHERE id = ANY(:ids)", of=archive, ids=[inside, moved])
    moving.move([moved], "kept")
    at = with_(opened("documents"), rows=(0, 1, 2)).run()
    press(press(at, "Delete (3)"), "Delete")
    assert report.find().items == ()


def test_a_page_of_a_pdf_stands_beside_its_text_as_a_picture() -> None:
    form = Path(__file__).parents[2] / "fixtures" / "form.pdf"
    with form.open("rb") as file:
        document = upload.add("form.pdf", file).document.id
    extract.extract_document(document, worker_lease.register("test"), threading.Event())
    at = show("document", id=document)
    assert not at.exception
    (shown,) = [one.proto.body for one in at.get("html") if "<img" in one.proto.body]
    assert f"src='api/v1/documents/{document}/pages/1/image'" in shown
    assert "Page 1 as it looks" in words(at)
    assert "<img" not in "".join(one.proto.body for one in show("document", id=add_document()).get("html"))


def test_the_open_quote_is_in_the_legend_of_the_marks() -> None:
    document = add_document()
    run_job(make_job([document]))
    first = document_report.passages(document, 0, 10_000)[0]
    assert "the open quote" in words(show("document", id=document, start=str(first.start), end=str(first.end)))
    assert "the open quote" not in words(show("document", id=document))
