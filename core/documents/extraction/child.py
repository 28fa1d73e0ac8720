"""The child that reads one file. The warm parent forks it, and it ends with the parent.

It writes JSON lines: `{"done", "total"}` while it reads, then `{"error": [code, message]}`, or `{"page_starts",
"left_out", "pictures"}` with the text as UTF-8 after it. Of an archive it writes each file instead: `{"file": name}`,
`{"bytes": number}` with so many after it, as often as need be, `{"kept": whether the file is whole}`; then
`{"left_out"}`.
"""

import json
import os
import sys
import traceback
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import BinaryIO, NoReturn

from core.documents.extraction import failures, forked, sandbox, spare
from core.documents.extraction.forked import Descriptors
from core.documents.extraction.formats import DOCX, EML, FORMATS, MSG, OFFICE, OLE, PDF, PICTURES, PPTX, ZIP
from core.documents.extraction.pages import Pages
from core.documents.extraction.sandbox import SandboxMissing
from core.documents.extraction.spooling import Spool, without_marks
from core.errors import ExtractionError

# Of the time for a file. Pages that come later are read, and their pictures are not.
SHARE_FOR_PICTURES = 0.75
_MAY_BE_PICTURES = (PDF, DOCX, PPTX, *PICTURES)


def prepare() -> None:
    """In the parent: what all children share."""
    readers = sorted({f"{__package__}.{known.reader}" for known in FORMATS.values()})
    for name in (*readers, f"{__package__}.office", "charset_normalizer"):
        # One that cannot be imported is imported again by the child that needs it, which says so.
        with suppress(Exception):
            import_module(name)


def run(message: bytes, given: Descriptors, parent: int) -> NoReturn:
    """`message` is a JSON list: media type, path, bytes of memory, seconds, characters (of an archive: bytes of one of
    its files), pictures, sandbox."""
    try:
        forked.leave_parent(given, parent)
        _read_file(given, *json.loads(message))
    except BaseException:  # the outer boundary: a child must never come back into its parent's loop
        traceback.print_exc()
    finally:
        os._exit(1)


def _read_file(
    given: Descriptors,
    media_type: str,
    path: str,
    memory: int,
    seconds: int,
    characters: int,
    pictures: int,
    mode: str,
) -> NoReturn:
    answer = os.fdopen(given.out, "wb")
    forked.limit(memory, seconds)
    if media_type in (EML, MSG):
        spare.prepare()  # for what came with it; the sandbox lets nobody make a file
    if mode == "required" or (mode == "auto" and not sandbox.missing()):
        try:
            sandbox.enter(Path(path))
        except SandboxMissing as error:
            forked.say(
                answer, {"error": [error.code, f"{error.message} EXTRACTION_SANDBOX says that there must be one."]}
            )
            os._exit(0)
    spool = Spool(given.spool, pictures, SHARE_FOR_PICTURES * seconds)
    pages = Pages(characters, lambda done, total: forked.say(answer, {"done": done, "total": total}), spool)
    try:
        if media_type == ZIP:
            _unpack(answer, Path(path), characters)
        else:
            _read(media_type, Path(path), memory, pages)
            _tell(answer, pages, spool)
    except ImportError:
        raise  # the installation is broken, not the document
    except Exception as error:  # the outer boundary: readers raise whatever a broken file makes them raise
        failure = _explained(error, memory)
        forked.say(answer, {"error": [failure.code, failure.message]})
    answer.flush()
    os._exit(0)  # nothing is worth tidying up


def _tell(answer: BinaryIO, pages: Pages, spool: Spool) -> None:
    text, starts, placed = without_marks(pages.text(), pages.starts, spool.pictures)
    said = text.encode()
    listed = [[at, one.code, one.count, one.alone, one.start, one.length] for at, one in placed]
    forked.say(answer, {"page_starts": starts, "left_out": pages.left_out(), "pictures": listed})
    answer.write(said)


def _unpack(answer: BinaryIO, path: Path, most: int) -> None:
    from core.documents.extraction import archive

    if path.stat().st_size == 0:
        raise failures.empty()
    forked.say(answer, {"left_out": archive.unpack(path, most, _Files(answer))})


class _Files:
    def __init__(self, answer: BinaryIO) -> None:
        self._answer = answer

    def begin(self, name: str) -> None:
        forked.say(self._answer, {"file": name})

    def write(self, data: bytes) -> None:
        forked.say(self._answer, {"bytes": len(data)})
        self._answer.write(data)

    def end(self, *, keep: bool) -> None:
        forked.say(self._answer, {"kept": keep})


def _read(media_type: str, path: Path, memory: int, pages: Pages) -> None:
    if path.is_file() and path.stat().st_size == 0:
        raise failures.empty()
    if media_type in OFFICE or media_type == OLE:
        from core.documents.extraction.office import check_container

        check_container(path, memory // 2)
    import_module(f"core.documents.extraction.{FORMATS[media_type].reader}").read(path, pages)
    if pages.are_blank():
        raise failures.no_text() if media_type in _MAY_BE_PICTURES else failures.empty()


def _explained(error: Exception, memory: int) -> ExtractionError:
    if isinstance(error, ExtractionError):
        return error
    # lxml and others raise anything when they get no memory.
    if isinstance(error, MemoryError) or _most_memory_used() > memory // 2:
        return failures.out_of_memory()
    # What the exception says may hold words of the file: it goes to the log, by standard error.
    print(f"{type(error).__name__}: {error}"[:2000], file=sys.stderr, flush=True)
    return failures.corrupt("its reader does not understand it")


def _most_memory_used() -> int:
    """Bytes of address space; 0 where there is no /proc."""
    try:
        status = Path("/proc/self/status").read_text()
    except FileNotFoundError:
        return 0
    return next((int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmPeak")), 0)
