"""What is made of a child's words about an archive, whatever code says them."""

import json
from pathlib import Path
from typing import Any

import pytest

from core.documents.extraction import archive, received_files
from core.documents.extraction.received_files import ReceivedFiles
from core.errors import ExtractionError
from core.tables.documents import DocumentWarning


def line(message: Any) -> bytes:
    return json.dumps(message).encode() + b"\n"


def file(name: str, data: bytes, *, kept: bool = True) -> bytes:
    return line({"file": name}) + line({"bytes": len(data)}) + data + line({"kept": kept})


LEFT_OUT = line({"left_out": [["ATTACHMENTS_UNREAD", 2, [], ["../a\u202e.exe", "b\n.exe"]]]})


@pytest.fixture
def folder(tmp_path: Path, setting: Any) -> Path:
    setting(DATA_DIR=str(tmp_path))
    made = tmp_path / "scratch" / "files"
    made.mkdir(parents=True)
    return made


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_files_in_pieces(folder: Path, size: int) -> None:
    got = ReceivedFiles(lambda *_: None, 100, folder)
    said = file("a/../b.txt", b"one\n{}") + file("half.txt", b"ha", kept=False) + file("c.txt", b"three") + LEFT_OUT
    for at in range(0, len(said), size):
        got.out(said[at : at + size])
    assert [(one.name, one.path.read_bytes()) for one in got.files] == [("a/b.txt", b"one\n{}"), ("c.txt", b"three")]
    found = got.found()
    assert found is not None
    assert found.warnings == (DocumentWarning("ATTACHMENTS_UNREAD", 2, (), ("a.exe", "b.exe")),)
    assert sorted(path.name for path in folder.iterdir()) == ["0", "2"]


def test_one_that_ends_within_a_file(folder: Path) -> None:
    got = ReceivedFiles(lambda *_: None, 100, folder)
    got.out(line({"file": "a.txt"}) + line({"bytes": 5}) + b"abc")
    got.close()
    assert got.found() is None


@pytest.mark.parametrize(
    "said",
    [
        [line({"bytes": 5})],
        [line({"file": 5})],
        [line({"file": "a"}), line({"file": "b"})],
        [line({"file": "a"}), line({"bytes": -1})],
        [line({"file": "a"}), line({"bytes": archive.CHUNK_BYTES + 1})],
        [line({"file": "a"}), *[line({"bytes": archive.CHUNK_BYTES}) + bytes(archive.CHUNK_BYTES)] * 3],
        [line({"file": "a"}), LEFT_OUT],
        [line({"left_out": [["NO_SUCH_CODE", 1, [], []]]})],
        [line({"left_out": [["REST_UNREAD", 1, [], [5]]]})],
        [LEFT_OUT, b"more"],
        [file("a", b"x")] * (2 * 20 + 1),
    ],
)
def test_what_no_reader_says(folder: Path, said: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(received_files, "MOST_FILES", 20)
    got = ReceivedFiles(lambda *_: None, 100, folder)
    with pytest.raises(ExtractionError, match="no answer that can be used"):
        got.out(b"".join(said))
    got.close()
