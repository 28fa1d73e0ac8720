"""Archives: their files become documents, within bounds, and go with them."""

import io
import threading
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.documents import archives, content, deletion, extract, moving, report, upload
from core.documents.extraction import archive, failures
from core.documents.extraction.archive import LeftOut
from core.documents.report import Filters
from core.errors import Conflict, ExtractionError, InvalidInput, NotFound
from core.jobs.launch import JobSpec, create, estimate
from core.runtime import worker_lease
from core.tables.documents import Document
from tests.core.documents.extraction.making import pdf, word, zipped
from tests.pipeline import add_document, change, make_job, rows, run_job, states


def locked(data: bytes) -> bytes:
    """As if all of it were encrypted: that flag of each file, in its header and in the index."""
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.find(mark)
        while place >= 0:
            data = data[: place + at] + bytes([data[place + at] | 1]) + data[place + at + 1 :]
            place = data.find(mark, place + 1)
    return data


class Kept:
    """Files that an archive gave away."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self._name, self._data = "", b""

    def begin(self, name: str) -> None:
        self._name, self._data = name, b""

    def write(self, data: bytes) -> None:
        self._data += data

    def end(self, *, keep: bool) -> None:
        if keep:
            self.files[self._name] = self._data


def unpacked(folder: Path, data: bytes, most: int = 1 << 20) -> tuple[dict[str, bytes], LeftOut]:
    path = folder / "a.zip"
    path.write_bytes(data)
    kept = Kept()
    return kept.files, archive.unpack(path, most, kept)


def test_files_by_their_paths_and_archives_inside(tmp_path: Path) -> None:
    deep = zipped({"last.txt": "4"})
    for name in ("third.zip", "second.zip", "first.zip"):
        deep = zipped({name: deep, f"{name}.txt": name})
    files, left_out = unpacked(
        tmp_path,
        zipped(
            {
                "a.txt": "1",
                "2025/b.txt": "2",
                "2026/b.txt": "3",
                "empty.txt": "",
                "__MACOSX/a.txt": "x",
                "deep.zip": deep,
            }
        ),
    )
    inside = "deep.zip/first.zip/second.zip/third.zip"
    assert sorted(files) == [
        *("2025/b.txt", "2026/b.txt", "a.txt", "deep.zip/first.zip.txt"),
        *("deep.zip/first.zip/second.zip.txt", "deep.zip/first.zip/second.zip/third.zip.txt"),
    ]
    assert left_out == [("ATTACHMENTS_UNREAD", 1, [], [inside])]


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("../../etc/passwd.txt", "etc/passwd.txt"),
        ("/root/a.txt", "root/a.txt"),
        ("C:\\a\\b.txt", "C:/a/b.txt"),
        ("a\u202e\x07b.txt", "ab.txt"),
        ("größe.txt", "größe.txt"),
        ("x" * 300 + ".txt", "x" * (archive.LONGEST_NAME - 4) + ".txt"),
    ],
)
def test_names_lead_nowhere(tmp_path: Path, name: str, stored: str) -> None:
    assert list(unpacked(tmp_path, zipped({name: "x"}))[0]) == [stored]


def test_what_is_not_read_is_named(tmp_path: Path) -> None:
    broken = bytearray(zipped({"ok.txt": "fine", "broken.txt": "once upon a time"}, zipfile.ZIP_STORED))
    broken[broken.find(b"once")] ^= 1
    assert unpacked(tmp_path, bytes(broken)) == (
        {"ok.txt": b"fine"},
        [("ATTACHMENTS_UNREAD", 1, [], ["broken.txt"])],
    )
    inside = zipped({"open.txt": "1", "tool.exe": b"MZ\0", "locked.zip": locked(zipped({"a.txt": "x"}))})
    assert unpacked(tmp_path, inside) == (
        {"open.txt": b"1"},
        [("ATTACHMENTS_UNREAD", 1, [], ["tool.exe"]), ("ENCRYPTED_UNREAD", 1, [], ["locked.zip/a.txt"])],
    )


def test_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = zipped({"bomb.txt": b"0" * (archive.BOMB_BYTES + 1), "large.txt": b"1" * 2_000_000, "a.txt": "1"})
    files, left_out = unpacked(tmp_path, bomb, most=100 << 20)
    assert (sorted(files), left_out) == (["a.txt", "large.txt"], [("ATTACHMENTS_UNREAD", 1, [], ["bomb.txt"])])
    files, left_out = unpacked(tmp_path, bomb, most=1_000_000)
    assert (list(files), left_out[0][1]) == (["a.txt"], 2)
    many = zipped({f"{number}.txt": str(number) for number in range(archive.MOST_FILES + 150)})
    files, left_out = unpacked(tmp_path, many)
    ((code, count, _, names),) = left_out
    assert (len(files), code, count, len(names)) == (archive.MOST_FILES, "ATTACHMENTS_UNREAD", 150, archive.MOST_NAMES)
    monkeypatch.setattr(archive, "MOST_ENTRIES", 20)
    assert unpacked(tmp_path, many)[1] == [("REST_UNREAD", 1, [], [""])]
    monkeypatch.setattr(archive, "MOST_BYTES", 3_000_000)
    noise = {f"{number}.txt": bytes([65 + number]) * 900_000 for number in range(5)}
    assert len(unpacked(tmp_path, zipped(noise))[0]) == 3


@pytest.mark.parametrize(
    ("data", "failure"),
    [
        (zipped({}), failures.empty()),
        (locked(zipped({"a.txt": "x"})), failures.encrypted()),
        (zipped({"a.txt": "x"})[:40], failures.corrupt("it is cut off, or not what its name says")),
    ],
    ids=["empty", "encrypted", "cut off"],
)
def test_there_is_nothing_to_store(tmp_path: Path, data: bytes, failure: ExtractionError) -> None:
    with pytest.raises(ExtractionError) as raised:
        unpacked(tmp_path, data)
    assert raised.value.code == failure.code


def add(data: bytes, name: str = "contracts.zip") -> str:
    return upload.add(name, io.BytesIO(data)).document.id


def read_all() -> None:
    worker = worker_lease.register("test")
    while queued := [row["id"] for row in rows("SELECT id FROM document WHERE state = 'queued' ORDER BY id")]:
        for document in queued:
            extract.extract_document(document, worker, threading.Event())


def parts(of: str) -> dict[str, str]:
    return {row.name: row.state for row in report.find(Filters(part_of=of)).items}


@pytest.mark.usefixtures("database")
def test_an_archive_becomes_documents_that_go_with_it(tmp_path: Path) -> None:
    alone = add_document("Here before.", "before.txt")
    data = zipped(
        {
            **{
                "a.txt": "First.",
                "twice.txt": "First.",
                "b/c.pdf": pdf(["On a page."]),
                "b/d.docx": word(tmp_path).read_bytes(),
            },
            **{"before.txt": "Here before.", "tool.exe": b"MZ", "broken.pdf": b"no pdf"},
        }
    )
    of = add(data)
    read_all()
    assert parts(of) == {"a.txt": "ready", "b/c.pdf": "ready", "b/d.docx": "ready", "broken.pdf": "failed"}
    (row,) = report.by_ids([of])
    assert row.state == "unpacked"
    assert row.warnings is not None
    assert [(one.code, one.count, one.names) for one in row.warnings] == [("ATTACHMENTS_UNREAD", 1, ("tool.exe",))]
    with pytest.raises(Conflict, match="no text"):
        content.text_of(of)
    extract.retry(of)
    read_all()
    assert len(parts(of)) == 4
    (first,) = (one.id for one in report.find(Filters(part_of=of, name="a.txt")).items)
    assert upload.add("a.txt", io.BytesIO(b"First.")).duplicate  # it stays from now on
    deletion.delete(of)
    assert sorted(row["id"] for row in rows("SELECT id FROM document")) == sorted([alone, first])
    assert (
        rows("SELECT 1 FROM blob_chunk c WHERE NOT EXISTS (SELECT 1 FROM document d WHERE d.sha256 = c.sha256)") == []
    )


@pytest.mark.usefixtures("database")
def test_no_job_asks_an_archive_and_those_that_wait_for_it_ask_its_parts() -> None:
    of = add(zipped({"a.txt": "First of two.", "b.txt": "Second of two."}))
    waiting = create(JobSpec("key_points", "offline", collection="default"), datetime.now(UTC))
    assert estimate(JobSpec("key_points", "offline", collection="default"), datetime.now(UTC)).waiting == 1
    read_all()
    run_job(waiting)
    assert states(waiting) == {"succeeded": 2}
    later = create(JobSpec("key_points", "offline", collection="default"), datetime.now(UTC))
    run_job(later)
    assert states(later) == {"succeeded": 2}
    with pytest.raises(InvalidInput, match="no documents"):
        make_job([of])
    found = estimate(JobSpec("key_points", "offline", documents=(of,)), datetime.now(UTC))
    assert (found.requests, found.waiting) == (0, 0)


def being_unpacked() -> tuple[Document, int]:
    """An archive of two files, and the worker that is at it."""
    of, worker = add(zipped({"a.txt": "First.", "b.txt": "Second."})), worker_lease.register("test")
    change("UPDATE document SET state = 'extracting', worker_id = :worker", worker=worker)
    return content.get(of), worker


@pytest.mark.usefixtures("database")
def test_an_archive_that_is_deleted_while_it_is_unpacked_leaves_nothing() -> None:
    document, worker = being_unpacked()
    stages: list[str] = []

    def on_stage(stage: str, done: int, total: int) -> None:
        stages.append(stage)
        if stage == "storing" and done == 1:
            deletion.delete(document.id)

    with pytest.raises(NotFound):
        archives.read(document, worker, on_stage, threading.Event())
    assert "unpacking" in stages
    assert rows("SELECT 1 FROM document") == []


@pytest.mark.usefixtures("database")
def test_files_of_an_archive_that_is_moved_while_it_is_unpacked_come_where_it_is() -> None:
    document, worker = being_unpacked()

    def on_stage(stage: str, done: int, total: int) -> None:
        if stage == "storing" and done == 1:
            moving.move([document.id], "kept")

    archives.read(document, worker, on_stage, threading.Event())
    assert {one.collection for one in report.find(Filters()).items} == {"kept"}
