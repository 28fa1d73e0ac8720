"""A zip: its files, one after the other, to whoever stores them. All of it is a stranger's word: names, sizes, depth.

Archives inside it are opened, too; their files' names begin with theirs. What is left out is named.
"""

import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO, Protocol

from core.documents.extraction import failures
from core.documents.extraction.formats import ZIP, media_type_of

if TYPE_CHECKING:  # the child reads no tables
    from core.tables.documents import WarningCode

MOST_FILES = 1000
MOST_BYTES = 1 << 30
MOST_DEPTH = 3
# Entries that are looked at, those of archives inside too: an index of a few bytes each can name millions.
MOST_ENTRIES = 20_000
# A file that unpacks to more than this, and to so many times its packed size, is made to fill disks.
BOMB_BYTES, BOMB_RATIO = 10 << 20, 200
# Of an archive inside: it is held in memory.
MOST_INSIDE = 100 << 20
CHUNK_BYTES = 1 << 20
LONGEST_NAME = 250
MOST_NAMES = 100
# What systems leave in folders, beside files whose names begin with a dot.
LEFT_BEHIND = ("thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx")
_ENCRYPTED = 1
_UTF8 = 1 << 11
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError)
LeftOut = list[tuple["WarningCode", int, list[int], list[str]]]


class Sink(Protocol):
    """Where files go. One that is begun is ended: kept, or thrown away."""

    def begin(self, name: str) -> None: ...
    def write(self, data: bytes) -> None: ...
    def end(self, *, keep: bool) -> None: ...


class _Unreadable(Exception):
    def __init__(self, code: "WarningCode") -> None:
        super().__init__(code)
        self.code: WarningCode = code


def unpack(path: Path, most_of_a_file: int, sink: Sink) -> LeftOut:
    """What is left out: code, count, no pages, and names. Raises ExtractionError where there is nothing to store."""
    with path.open("rb") as file:
        return unpack_file(file, most_of_a_file, sink)


def unpack_file(file: BinaryIO, most_of_a_file: int, sink: Sink) -> LeftOut:
    unpacking = _Unpacking(most_of_a_file, sink)
    try:
        unpacking.archive(file, "", 0)
    except zipfile.BadZipFile:
        raise failures.corrupt("it is cut off, or not what its name says") from None
    return unpacking.result()


class _Unpacking:
    def __init__(self, most_of_a_file: int, sink: Sink) -> None:
        self._most, self._sink = most_of_a_file, sink
        self._files = self._bytes = self._entries = 0
        self._unread: dict[WarningCode, tuple[int, list[str]]] = {}

    def result(self) -> LeftOut:
        if not self._files and not self._unread:
            raise failures.empty()
        if not self._files and list(self._unread) == ["ENCRYPTED_UNREAD"]:
            raise failures.encrypted()
        return [(code, count, [], names) for code, (count, names) in sorted(self._unread.items())]

    def archive(self, file: BinaryIO, inside: str, depth: int) -> None:
        with zipfile.ZipFile(file) as archive:
            for member in archive.infolist():
                self._entries += 1
                if self._entries > MOST_ENTRIES:
                    self._leave_out("REST_UNREAD", inside)
                    return
                parts = list(_parts(member))
                if member.is_dir() or not parts or any(map(_is_left_behind, parts)) or not member.file_size:
                    continue
                name = "/".join([*([inside] if inside else []), *parts])[-LONGEST_NAME:]
                try:
                    self._member(archive, member, name, depth)
                except _Unreadable as error:
                    self._leave_out(error.code, name)
                except _BROKEN:
                    self._leave_out("ATTACHMENTS_UNREAD", name)

    def _leave_out(self, code: "WarningCode", name: str) -> None:
        count, names = self._unread.get(code, (0, []))
        self._unread[code] = count + 1, names if len(names) >= MOST_NAMES else [*names, name]

    def _member(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str, depth: int) -> None:
        if member.flag_bits & _ENCRYPTED:
            raise _Unreadable("ENCRYPTED_UNREAD")
        if stat.S_ISLNK(member.external_attr >> 16) or self._files >= MOST_FILES:
            raise _Unreadable("ATTACHMENTS_UNREAD")
        with archive.open(member) as opened:
            chunks = self._chunks(opened, member)
            first = next(chunks, b"")
            kind = media_type_of(name, first)
            if kind is None:
                raise _Unreadable("ATTACHMENTS_UNREAD")
            if kind == ZIP:
                return self._nested(first, chunks, name, depth)
            self._store(first, chunks, name)

    def _store(self, first: bytes, chunks: Iterator[bytes], name: str) -> None:
        self._sink.begin(name)
        whole = False
        try:
            self._sink.write(first)
            for chunk in chunks:
                self._sink.write(chunk)
            whole = True
        finally:
            self._sink.end(keep=whole)
        self._files += 1

    def _nested(self, first: bytes, chunks: Iterator[bytes], name: str, depth: int) -> None:
        if depth >= MOST_DEPTH:
            raise _Unreadable("ATTACHMENTS_UNREAD")
        held = BytesIO(first)
        held.seek(0, 2)
        for chunk in chunks:
            if held.tell() > MOST_INSIDE:
                raise _Unreadable("ATTACHMENTS_UNREAD")
            held.write(chunk)
        held.seek(0)
        self.archive(held, name, depth + 1)

    def _chunks(self, opened: IO[bytes], member: zipfile.ZipInfo) -> Iterator[bytes]:
        """Counts what comes out: what the archive says of sizes may be a lie."""
        size = 0
        while chunk := opened.read(CHUNK_BYTES):
            size += len(chunk)
            self._bytes += len(chunk)
            is_bomb = size > BOMB_BYTES and size > BOMB_RATIO * max(1, member.compress_size)
            if is_bomb or size > self._most or self._bytes > MOST_BYTES:
                raise _Unreadable("ATTACHMENTS_UNREAD")
            yield chunk


def _parts(member: zipfile.ZipInfo) -> Iterator[str]:
    """Of its path, without what would lead out of a folder."""
    name = member.filename
    if not member.flag_bits & _UTF8:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")  # what many programs write without saying so
    for part in name.replace("\\", "/").split("/"):
        plain = "".join(one for one in part if one.isprintable()).strip()
        if plain not in ("", ".", ".."):
            yield plain


def _is_left_behind(part: str) -> bool:
    return part.startswith((".", "~$")) or part.lower() in LEFT_BEHIND
