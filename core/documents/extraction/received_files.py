"""What a child says of an archive: its files, into a folder. Nothing is believed that the reader could not say."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from core.documents.extraction import failures
from core.documents.extraction.archive import CHUNK_BYTES, MOST_BYTES, MOST_FILES
from core.documents.extraction.received import Found, OnStage, Received, safe_name, warning
from core.runtime import scratch


@dataclass(frozen=True)
class UnpackedFile:
    name: str
    path: Path


class ReceivedFiles(Received):
    """`files` are whole; that of which too much comes, or too many, is the child's lie."""

    def __init__(self, on_stage: OnStage, most_of_a_file: int, folder: Path) -> None:
        super().__init__(on_stage, 0)
        self.files: list[UnpackedFile] = []
        self._most, self._folder = most_of_a_file, folder
        self._file: BinaryIO | None = None
        self._name = ""
        self._begun = self._written = self._all = self._due = 0

    def out(self, data: bytes) -> None:
        while data:
            if self._due:
                part, data = data[: self._due], data[self._due :]
                self._write(part)
            else:
                line, end, data = data.partition(b"\n")
                super().out(line + end)

    def found(self) -> Found | None:
        return None if self._file else super().found()

    def close(self) -> None:
        if self._file:
            self._file.close()

    def _write(self, data: bytes) -> None:
        assert self._file is not None
        self._due -= len(data)
        self._written += len(data)
        self._all += len(data)
        if self._written > self._most + CHUNK_BYTES or self._all > MOST_BYTES + CHUNK_BYTES:
            raise failures.unusable()
        self._file.write(data)

    def _other(self, message: Any) -> None:
        match message:
            case {"file": name} if self._file is None and self._begun < 2 * MOST_FILES:
                self._name, self._written = safe_name(name), 0
                self._file = scratch.new_file(self._folder / str(self._begun))
                self._begun += 1
            case {"bytes": int(due)} if self._file is not None and 0 < due <= CHUNK_BYTES:
                self._due = due
            case {"kept": bool(kept)} if self._file is not None:
                self._file.close()
                self._keep(kept)
            case {"left_out": list(left_out)} if self._file is None:
                self._head = (0,), tuple(map(warning, left_out)), ()
            case _:
                raise failures.unusable()

    def _keep(self, kept: bool) -> None:
        path = self._folder / str(self._begun - 1)
        self._file = None
        if kept and len(self.files) < MOST_FILES:
            self.files.append(UnpackedFile(self._name, path))
            self._on_stage("unpacking", len(self.files), len(self.files))
        else:
            path.unlink()
