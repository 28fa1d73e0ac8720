"""Documents move to another collection, with what was found in them and without what was spent."""

import io
import threading

import pytest

from core.access import actor
from core.documents import extract, moving, report, upload
from core.documents.moving import Moved
from core.documents.report import Filters
from core.errors import Conflict, Forbidden, InvalidInput, NotFound
from core.insights import report as insights
from core.runtime import worker_lease, workspace
from tests.callers import by
from tests.core.documents.extraction.making import zipped
from tests.core.insights import world
from tests.pipeline import add_document, change, make_job, rows, run_job

pytestmark = pytest.mark.usefixtures("database")


def statements(collection: str) -> set[str]:
    return {one.statement for one in insights.find(insights.Filters(collection=collection), limit=50).items}


def names(collection: str) -> set[str]:
    return {one.name for one in report.find(Filters(collection)).items}


def where(document_id: str) -> str:
    return report.by_ids([document_id])[0].collection


def test_insights_are_found_where_their_documents_are() -> None:
    one, other = add_document(), add_document("Another document. It is not moved.", "other.txt")
    run_job(make_job([one, other]))
    all_of = statements("default")
    assert moving.move([one], "kept") == Moved(1)
    assert (names("kept"), names("default")) == ({"report.txt"}, {"other.txt"})
    assert statements("kept")
    assert statements("default")
    assert statements("kept") | statements("default") == all_of
    assert not statements("kept") & statements("default")
    assert moving.move([one, other], "kept") == Moved(2)
    assert (statements("kept"), statements("default")) == (all_of, set())


def test_a_head_is_found_where_the_evidence_of_what_was_merged_into_it_is() -> None:
    one, other = world.document(world.TEXTS[3]), world.document(world.TEXTS[4])
    world.say(one, ["Ann works."])
    world.say(other, ["Ann works.", "Ben works."])
    moving.move([other], "kept")
    assert (statements("c"), statements("kept")) == ({"Ann works."}, {"Ann works.", "Ben works."})


def test_what_was_spent_stays_where_it_was_and_the_audit_tells(openai: object) -> None:
    document = add_document()
    run_job(make_job([document], provider="openai", model="gpt-5-mini"))
    with actor.bound(by("user_may", "manager")):
        moving.move([document], "kept")
    assert {row["collection"] for row in rows("SELECT collection FROM usage_record")} == {"default"}
    (told,) = rows("""SELECT "user", subject, before, after FROM audit_entry WHERE action = 'document.move'""")
    known = {row["name"]: row["id"] for row in rows("SELECT id, name FROM collection")}
    assert (told["user"], told["subject"]) == ("user_may", f"document:{document}")
    assert (told["before"], told["after"]) == ({"collection": known["default"]}, {"collection": known["kept"]})


def test_what_is_there_already_stays() -> None:
    one, there = add_document(), add_document(collection="kept")
    assert moving.move([one], "kept") == Moved(0, ("report.txt",))
    assert (where(one), where(there)) == ("default", "kept")
    with pytest.raises(Conflict, match="same content"):
        moving.move_one(one, "kept")
    moving.move_one(there, "kept")
    assert rows("SELECT 1 FROM audit_entry") == []
    # Of two with the same content from two collections the first one goes.
    assert moving.move([one, there], "new") == Moved(1, ("report.txt",))


def test_all_go_or_none() -> None:
    with actor.bound(by("user_ann", "analyst")):
        mine = add_document("Of Ann. It is hers.", "ann.txt")
    other = add_document()
    with actor.bound(by("user_ann", "analyst")):
        with pytest.raises(Forbidden, match="move documents"):
            moving.move([mine, other], "kept")
        with pytest.raises(NotFound, match="doc_none"):
            moving.move([mine, "doc_none"], "kept")
        with pytest.raises(InvalidInput, match="200 characters"):
            moving.move([mine], "x" * 201)
        assert where(mine) == "default"
        moving.move([mine], "kept")
    assert (where(mine), where(other)) == ("kept", "default")


def test_nobody_moves_a_document_of_another_workspace() -> None:
    document = add_document()
    change("INSERT INTO workspace (id, name) VALUES ('ws_there', 'There')")
    with workspace.bound("ws_there"), pytest.raises(NotFound):
        moving.move([document], "kept")
    assert where(document) == "default"


def test_an_archive_takes_its_parts_along_and_finds_those_that_went_elsewhere() -> None:
    files = io.BytesIO(zipped({"one.txt": "The first one. It is here.", "two.txt": "The second one. It is here."}))
    archive = upload.add("all.zip", files).document.id
    worker = worker_lease.register("test")
    extract.extract_document(archive, worker, stop := threading.Event())
    parts = {row["name"]: row["id"] for row in rows("SELECT id, name FROM document WHERE part_of IS NOT NULL")}
    assert moving.move([archive], "kept") == Moved(3)
    assert names("kept") == {"all.zip", "one.txt", "two.txt"}
    moving.move([parts["one.txt"]], "elsewhere")
    change("UPDATE document SET state = 'queued' WHERE id = :id", id=archive)
    extract.extract_document(archive, worker, stop)
    assert (names("kept"), names("elsewhere")) == ({"all.zip", "two.txt"}, {"one.txt"})
