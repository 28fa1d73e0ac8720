"""Whose document is read next."""

import io
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from core.access import actor
from core.documents import extract, upload
from core.documents.claims import Turns
from core.documents.extraction import starting
from core.runtime import db, worker_lease
from tests import databases
from tests.callers import by
from tests.pipeline import SLEPT, are_alive, change, rows, until_now

pytestmark = pytest.mark.usefixtures("database")
STOP = threading.Event()


def queue(collection: str, count: int) -> None:
    for number in range(count):
        upload.add(
            f"{collection} {number}", io.BytesIO(f"{collection} {number}".encode()), collection, media_type="text/plain"
        )


def claimed(turns: Turns, count: int) -> list[str]:
    """The names of the next documents."""
    found = [turns.claim(STOP) for _ in range(count)]
    return [document.name for document in found if document]


def read(*names: str) -> None:
    change("UPDATE document SET state = 'ready' WHERE name = ANY(:names)", names=list(names))


def test_collections_take_turns() -> None:
    queue("many", 8)
    queue("few", 1)
    queue("some", 2)
    turns, taken = Turns(worker_lease.register("one"), readers=8), []
    for _ in range(11):
        (name,) = claimed(turns, 1)
        taken.append(name)
        read(name)
    order = [row["name"] for row in rows("SELECT name FROM collection ORDER BY id")]
    assert order == ["many", "few", "some"]
    assert taken == [
        *("many 0", "few 0", "some 0", "many 1", "some 1", "many 2", "many 3", "many 4", "many 5", "many 6", "many 7")
    ]


def test_people_take_turns_whatever_collections_they_have() -> None:
    for user, collections in (("user_ann", ("a", "b", "c")), ("user_ben", ("d",))):
        with actor.bound(by(user, "analyst")):
            for collection in collections:
                queue(collection, 2)
    turns, taken = Turns(worker_lease.register("one"), readers=8), []
    for _ in range(5):
        (name,) = claimed(turns, 1)
        taken.append(name)
        read(name)
    assert taken == ["a 0", "d 0", "a 1", "d 1", "b 0"]


def test_the_collection_of_which_fewest_are_read_comes_first() -> None:
    one, other = (Turns(worker_lease.register(name), readers=8) for name in ("one", "other"))
    queue("slow", 8)
    assert claimed(one, 2) + claimed(other, 2) == ["slow 0", "slow 1", "slow 2", "slow 3"]
    queue("late", 3)
    assert claimed(one, 2) + claimed(other, 1) == ["late 0", "late 1", "late 2"]


def test_one_collection_leaves_a_reader_to_the_others() -> None:
    turns = Turns(worker_lease.register("one"), readers=2)
    queue("slow", 8)
    assert claimed(turns, 2) == ["slow 0", "slow 1"]
    assert claimed(Turns(worker_lease.register("other"), readers=2), 1) == ["slow 2"]  # another process has its own
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(claimed, turns, 1)
        queue("late", 1)
        assert waiting.result() == ["late 0"]
        read("late 0")
        waiting = thread.submit(claimed, turns, 1)
        read("slow 0")
        assert waiting.result() == ["slow 3"]


def test_what_another_transaction_holds_is_stepped_over_or_waited_for(database: str) -> None:
    queue("held", 2)
    turns = Turns(worker_lease.register("one"), readers=8)
    url = make_url(database).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(databases.owners(url)) as connection, ThreadPoolExecutor(1) as thread:
        connection.execute("SELECT FROM document WHERE name = 'held 0' FOR UPDATE")
        assert claimed(turns, 1) == ["held 1"]
        waiting = thread.submit(claimed, turns, 1)
        assert not waiting.done()
        connection.rollback()
        assert waiting.result() == ["held 0"]


def test_nothing_is_waited_for_where_nothing_is_queued() -> None:
    turns = Turns(worker_lease.register("one"), readers=1)
    assert turns.claim(STOP) is None
    queue("slow", 1)
    assert claimed(turns, 1) == ["slow 0"]
    assert turns.claim(STOP) is None


def test_a_stop_ends_the_waiting_and_nothing_is_claimed_after_it() -> None:
    turns, stop = Turns(worker_lease.register("one"), readers=1), threading.Event()
    queue("slow", 2)
    claimed(turns, 1)
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(turns.claim, stop)
        stop.set()
        assert waiting.result() is None
    read("slow 0")
    assert turns.claim(stop) is None


def test_many_claim_at_once_and_each_document_once() -> None:
    queue("a", 12)
    queue("b", 8)
    both = [Turns(worker_lease.register(name), readers=20) for name in ("one", "other")]
    with ThreadPoolExecutor(4) as threads:
        taken = [*threads.map(lambda number: claimed(both[number % 2], 5), range(4))]
    assert sorted(name for names in taken for name in names) == sorted(
        [f"a {n}" for n in range(12)] + [f"b {n}" for n in range(8)]
    )


def test_more_collections_than_are_compared_all_have_their_turn() -> None:
    with db.transaction() as session:
        for sql in MANY:
            db.execute(session, sql)
    turns, taken = Turns(worker_lease.register("one"), readers=8), []
    for _ in range(100):
        taken += claimed(turns, 1)
        read(taken[-1])
    assert sorted(taken) == [f"doc_{n:03}" for n in range(100)]


MANY = (
    "INSERT INTO blob (sha256, size_bytes) VALUES ('x', 1)",
    "INSERT INTO collection (workspace_id, id, name) SELECT 'ws_default', 'col_' || n, n FROM generate_series(0, 99) n",
    """INSERT INTO document (workspace_id, id, name, collection_id, sha256, media_type, size_bytes, state)
       SELECT 'ws_default', 'doc_' || to_char(n, 'FM000'), 'doc_' || to_char(n, 'FM000'), 'col_' || n, 'x',
         'text/plain', 1, 'queued'
       FROM generate_series(0, 99) n""",
)


@pytest.fixture
def slow_readers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A file that is not UTF-8 is never read to its end."""
    (tmp_path / "charset_normalizer.py").write_text("import time\ndef from_bytes(*_, **__): time.sleep(9999)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    starting.end_shared()
    yield
    starting.end_shared()


@pytest.mark.usefixtures("slow_readers")
def test_slow_files_of_one_collection_keep_no_short_text_of_another_waiting() -> None:
    for number in range(8):
        upload.add(f"slow {number}.txt", io.BytesIO(f"Größe {number}".encode("latin-1")), "slow")
    turns, stop = Turns(worker_lease.register("one"), readers=2), threading.Event()
    with ThreadPoolExecutor(3) as readers:
        at_work = [readers.submit(extract.extract_next, turns, stop) for _ in range(3)]
        until_now(
            lambda: [row["n"] for row in rows("SELECT count(*) AS n FROM document WHERE state = 'extracting'")] == [2]
        )
        short = upload.add("short.txt", io.BytesIO(b"A short text."), "short").document.id
        until_now(lambda: rows("SELECT state FROM document WHERE id = :id", id=short) == [{"state": "ready"}])
        assert sum(not one.done() for one in at_work) == 2
        stop.set()
    assert {row["state"] for row in rows("SELECT state FROM document WHERE id <> :id", id=short)} == {"queued"}


def test_who_slept_keeps_the_document_that_is_claimed_on_waking() -> None:
    queue("c", 1)
    turns = Turns(worker_lease.register("slept"))
    change(SLEPT)
    claimed(turns, 1)
    assert are_alive()
