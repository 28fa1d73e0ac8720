"""Documents move to another collection, with what was found in them and without what was spent."""

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest

from core.access import actor
from core.documents import deletion, extract, moving, report, upload
from core.documents.moving import Moved
from core.documents.report import Filters
from core.errors import Conflict, Forbidden, InvalidInput, NotFound
from core.insight_base import text_groups
from core.insights import report as insights
from core.runtime import db, worker_lease, workspace
from core.tables.documents import Document
from tests.callers import by
from tests.core.documents.extraction.making import zipped
from tests.core.insights import world
from tests.pipeline import PATIENCE_S, TEXT, add_document, change, make_job, rows, run_job, until_now

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
    assert moving.move([one, other], "kept") == Moved(1)
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
    assert moving.move([one], "kept") == Moved(0, there=("report.txt",))
    assert (where(one), where(there)) == ("default", "kept")
    with pytest.raises(Conflict, match="has the content of report"):
        moving.move_one(one, "kept")
    moving.move_one(there, "kept")
    assert rows("SELECT 1 FROM audit_entry") == []
    # Of two with the same content from two collections the first one goes.
    assert moving.move([one, there], "new") == Moved(1, there=("report.txt",))


def test_what_a_job_asks_stays_until_that_has_ended() -> None:
    """Its calls are held against the budget of the collection that it was launched over, and are booked there."""
    asked, other = add_document(), add_document("Another document. It is not asked.", "other.txt")
    job = make_job([asked])
    assert moving.move([asked, other], "kept") == Moved(1, asked=("report.txt",))
    with pytest.raises(Conflict, match="job under way asks report"):
        moving.move_one(asked, "kept")
    run_job(job)
    assert moving.move([asked], "kept") == Moved(1)


def test_all_go_or_none() -> None:
    with actor.bound(by("user_ann", "analyst")):
        mine = add_document("Of Ann. It is hers.", "ann.txt")
    other = add_document()
    with actor.bound(by("user_ann", "analyst")):
        with pytest.raises(Forbidden, match="move documents"):
            moving.move([mine, other], "kept")
        with pytest.raises(NotFound, match="doc_none"):
            moving.move([mine, "doc_none"], "kept")
        for name, says in (("x" * 201, "200 characters"), ("", "Name the collection"), ("  ", "Name the collection")):
            with pytest.raises(InvalidInput, match=says):
                moving.move([mine], name)
        assert where(mine) == "default"
        moving.move([mine], "kept")
    assert (where(mine), where(other)) == ("kept", "default")


def test_nobody_moves_a_document_of_another_workspace() -> None:
    document = add_document()
    change("INSERT INTO workspace (id, name) VALUES ('ws_there', 'There')")
    with workspace.bound("ws_there"), pytest.raises(NotFound):
        moving.move([document], "kept")
    assert where(document) == "default"


def archive(**files: str) -> tuple[str, dict[str, str]]:
    """Its id, and those of its parts by their names."""
    packed = io.BytesIO(zipped({f"{name}.txt": text for name, text in files.items()}))
    of = upload.add("all.zip", packed).document.id
    extract.extract_document(of, worker_lease.register("test"), threading.Event())
    parts = rows("SELECT id, name FROM document WHERE part_of = :of", of=of)
    return of, {row["name"].removesuffix(".txt"): row["id"] for row in parts}


FILES = {"one": "The first one. It is here.", "two": "The second one. It is here."}


def test_an_archive_takes_along_the_parts_that_are_where_it_is() -> None:
    of, parts = archive(**FILES)
    assert moving.move([of], "kept") == Moved(3)
    assert names("kept") == {"all.zip", "one.txt", "two.txt"}
    moving.move([parts["one"]], "elsewhere")
    assert moving.move([of], "default") == Moved(2)
    assert (names("default"), names("elsewhere")) == ({"all.zip", "two.txt"}, {"one.txt"})
    # Nor does a part that was moved come a second time.
    change("UPDATE document SET state = 'queued' WHERE id = :id", id=of)
    extract.extract_document(of, worker_lease.register("test"), threading.Event())
    assert (names("default"), names("elsewhere")) == ({"all.zip", "two.txt"}, {"one.txt"})


def test_an_archive_stays_as_a_whole() -> None:
    of, parts = archive(**FILES)
    add_document(FILES["one"], "there.txt", "kept")
    assert moving.move([of], "kept") == Moved(0, there=("one.txt",))
    with pytest.raises(Conflict, match="the content of one"):
        moving.move_one(of, "kept")
    make_job([parts["two"]])
    assert moving.move([of], "new") == Moved(0, asked=("all.zip",))
    assert names("default") == {"all.zip", "one.txt", "two.txt"}


def test_a_part_that_was_moved_does_not_go_with_its_archive() -> None:
    """Neither by hand nor with the rule that keeps its new collection for ever."""
    of, parts = archive(**FILES)
    moving.move([parts["one"]], "for ever")
    deletion.delete(of)
    assert rows("SELECT name, part_of FROM document") == [{"name": "one.txt", "part_of": None}]


def test_no_part_comes_in_while_an_archive_is_moved() -> None:
    of, _ = archive(one="The first one. It is here.")
    with ThreadPoolExecutor(1) as other, db.transaction() as session:
        held = db.within(session, Document, of, lock="update")
        assert held is not None
        moved = other.submit(copy_context().run, moving.move, [of], "kept")
        until_now(lambda: bool(rows(WAITING)))
        late = io.BytesIO(b"It comes late. It is here.")
        upload.store(session, upload.measure("late.txt", late), late, held.collection_id, part_of=held)
        session.commit()
        assert moved.result(PATIENCE_S) == Moved(3)
    assert names("default") == set()


WAITING = """
SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@pytest.mark.parametrize("way", ["move", "upload"])
def test_whoever_brings_content_that_another_one_is_bringing_waits_and_finds_it_there(way: str) -> None:
    document = add_document()
    add_document("Another document. It makes the collection.", collection="kept")
    with ThreadPoolExecutor(1) as other, db.transaction() as session:
        file = io.BytesIO(TEXT.encode())
        upload.store(session, upload.measure("report.txt", file), file, upload.collection_named(session, "kept").id)
        if way == "move":
            moved = other.submit(copy_context().run, moving.move, [document], "kept")
            until_now(lambda: bool(rows(WAITING)))
            session.commit()
            assert moved.result(PATIENCE_S) == Moved(0, there=("report.txt",))
        else:
            added = other.submit(copy_context().run, upload.add, "again.txt", io.BytesIO(TEXT.encode()), "kept")
            until_now(lambda: bool(rows(WAITING)))
            session.commit()
            assert added.result(PATIENCE_S).duplicate


def test_whoever_deletes_meanwhile_and_whoever_moves_wait_in_one_order() -> None:
    """To delete a document that others nearly repeat reaches those, too."""
    first, second = world.document(world.TEXTS[0]), world.document(world.TEXTS[1])
    with ThreadPoolExecutor(1) as other, db.transaction() as session:
        text_groups.lock(session)
        moved = other.submit(copy_context().run, moving.move, [first, second], "kept")
        until_now(lambda: bool(rows(WAITING)))
        deletion.remove(session, [second])
        session.commit()
        with pytest.raises(NotFound):
            moved.result(PATIENCE_S)
