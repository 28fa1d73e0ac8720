"""What is made of a child's words, whatever code says them."""

import inspect
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.documents.extraction import failures, starting
from core.documents.extraction.limits import ExtractionLimits
from core.documents.extraction.received import LINES_BYTES, Found, Received
from core.errors import ExtractionError
from core.tables.documents import DocumentWarning
from tests.core.documents.extraction.making import Stage, read, saved

HEAD = b'{"page_starts": [0], "left_out": [], "pictures": []}\n'


def received(*said: bytes, characters: int = 100) -> Found | None:
    got = Received(lambda *_: None, characters, 2)
    for data in said:
        got.out(data)
    if got.error:
        raise got.error
    return got.found()


def test_an_answer_in_pieces() -> None:
    stages: list[Stage] = []
    got = Received(lambda *stage: stages.append(stage), 100)
    head = b'{"page_starts": [0, 5], "left_out": [["PICTURES_UNREAD", 3, [1, 2]]], "pictures": []}\n'
    for byte in b'{"done": 1, "total": 2}\n' + head + "One, zwölf.".encode():
        got.out(bytes([byte]))
    assert got.found() == Found((0, 5), (DocumentWarning("PICTURES_UNREAD", 3, (1, 2)),), "One, zwölf.")
    assert stages == [("reading", 1, 2)]


@pytest.mark.parametrize("said", [b"", b'{"page_starts": [0], "left'])
def test_one_that_ended_before_it_answered(said: bytes) -> None:
    assert received(said) is None


OURS = (failures.timeout, failures.interrupted, failures.unforeseen)  # no reader raises these
FAILURES = [failure for _, failure in inspect.getmembers(failures, inspect.isfunction) if failure not in OURS]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.__name__)
def test_what_readers_raise_is_taken_as_it_is(failure: Callable[..., ExtractionError]) -> None:
    error = failure(*["3,000 MB (more than 1.5 GB)" for _ in inspect.signature(failure).parameters])
    with pytest.raises(ExtractionError) as caught:
        received(json.dumps({"error": [error.code, error.message]}).encode() + b"\n")
    assert (caught.value.code, caught.value.message) == (error.code, error.message)


LINES: list[Any] = [
    None,
    [],
    {"done": "1", "total": 2},
    {"done": 2**31, "total": 1},
    {"done": -1, "total": 1},
    {"error": ["CORRUPT"]},
    {"error": ["OK", "This file cannot be read."]},
    {"error": ["CORRUPT", "![p](http://example.org/p.png)"]},
    {"error": ["CORRUPT", "See http://example.org"]},
    {"error": ["CORRUPT", "This file\nis bad."]},
    {"error": ["CORRUPT", "a" * 501]},
    {"page_starts": [0]},
    {"page_starts": [], "left_out": [], "pictures": []},
    {"page_starts": [1], "left_out": [], "pictures": []},
    {"page_starts": [0, 3, 2], "left_out": [], "pictures": []},
    {"page_starts": [0, 6], "left_out": [], "pictures": []},
    {"page_starts": [0, 2**40], "left_out": [], "pictures": []},
    {"page_starts": [0, "1"], "left_out": [], "pictures": []},
    {"page_starts": [0, True], "left_out": [], "pictures": []},
    {"page_starts": [0], "left_out": [["A_SECRET", 1, []]], "pictures": []},
    {"page_starts": [0], "left_out": [["PICTURES_UNREAD", 2**31, []]], "pictures": []},
    {"page_starts": [0], "left_out": [["PICTURES_UNREAD", 1, [0, "1"]]], "pictures": []},
    {"page_starts": [0], "left_out": [["PICTURES_UNREAD", 1]], "pictures": []},
    {"page_starts": [0], "left_out": []},
    {"page_starts": [0], "left_out": [], "pictures": [[0, "A_SECRET", 1, False, 0, 9]]},
    {"page_starts": [0], "left_out": [], "pictures": [[6, "PICTURES_UNREAD", 1, False, 0, 9]]},
    {"page_starts": [0], "left_out": [], "pictures": [[0, "PICTURES_UNREAD", 1, False, 0, 2**30]]},
    {"page_starts": [0], "left_out": [], "pictures": [[0, "PICTURES_UNREAD", 1, False, 0, 9]] * 3},
]


@pytest.mark.parametrize(
    "said",
    [
        *(json.dumps(line).encode() + b"\ntext." for line in LINES),
        b"{}\n",
        b"not JSON\n",
        b"\xff\xfe\n",
        b"[" * 100_000 + b"\n",
        b'{"done": ' + b"9" * 10_000 + b', "total": 1}\n',
        HEAD + b"\xff",
        HEAD + b"a\0b",
        HEAD + b"a" * 101,
        HEAD + b"a" * 500,
        b" " * (LINES_BYTES + 1),
    ],
    ids=lambda said: said[:70].decode(errors="replace"),
)
def test_what_no_reader_says_is_an_error_of_the_file(said: bytes) -> None:
    with pytest.raises(ExtractionError) as caught:
        received(said)
    assert caught.value.message == failures.unusable().message


def test_what_it_complains_of_has_an_end() -> None:
    got = Received(lambda *_: None, 100)
    for _ in range(100):
        got.err(b"\xff complaint" * 1000)
    assert len(got.complaint) == 2000


@pytest.fixture
def endless_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    flood = f"""
import os
def from_bytes(*_, **__):
    out = next(number for number in range(3, 1024) if os.path.exists(f"/proc/self/fd/{{number}}"))
    os.write(out, {HEAD!r})
    while True:
        os.write(out, bytes(65536))
"""
    saved(tmp_path, "charset_normalizer.py", flood)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    starting.end_shared()
    yield
    starting.end_shared()


@pytest.mark.usefixtures("endless_answer")
def test_an_answer_without_end_is_ended(tmp_path: Path) -> None:
    with pytest.raises(ExtractionError, match="no answer that can be used"):
        read(saved(tmp_path, "a.txt", "Größe".encode("latin-1")), limits=ExtractionLimits(text_characters=10**6))
