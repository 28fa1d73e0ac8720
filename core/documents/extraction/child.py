"""The child that reads one file. The warm parent forks it, and it ends with the parent.

It writes JSON lines: `{"done", "total"}` while it reads, then `{"error": [code, message]}`, or `{"page_starts",
"left_out"}` with the text as UTF-8 after it.
"""

import ctypes
import json
import os
import resource
import signal
import sys
import traceback
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import BinaryIO, NoReturn

from core.documents.extraction import failures, sandbox, spare
from core.documents.extraction.formats import DOCX, EML, FORMATS, OFFICE, OLE, PDF, PPTX
from core.documents.extraction.pages import Pages
from core.documents.extraction.sandbox import SandboxMissing
from core.errors import ExtractionError

PDEATHSIG = 1
_MAY_BE_PICTURES = (PDF, DOCX, PPTX)


def run(message: bytes, out: int, complaints: int, parent: int) -> NoReturn:
    """`message` is a JSON list: media type, path, bytes of memory, seconds, characters, sandbox."""
    try:
        _leave_parent(out, complaints, parent)
        _read_file(out, *json.loads(message))
    except BaseException:  # the outer boundary: a child must never come back into its parent's loop
        traceback.print_exc()
    finally:
        os._exit(1)


def _read_file(out: int, media_type: str, path: str, memory: int, seconds: int, characters: int, mode: str) -> NoReturn:
    answer = os.fdopen(out, "wb")
    _limit(memory, seconds)
    if media_type == EML:
        spare.prepare()  # for what came with it; the sandbox lets nobody make a file
    if mode == "required" or (mode == "auto" and not sandbox.missing()):
        try:
            sandbox.enter(Path(path))
        except SandboxMissing as error:
            _say(answer, {"error": [error.code, f"{error.message} EXTRACTION_SANDBOX says that there must be one."]})
            os._exit(0)
    pages = Pages(characters, lambda done, total: _say(answer, {"done": done, "total": total}))
    try:
        _read(media_type, Path(path), memory, pages)
        text = pages.text().encode()
    except ImportError:
        raise  # the installation is broken, not the document
    except Exception as error:  # the outer boundary: readers raise whatever a broken file makes them raise
        failure = _explained(error, memory)
        _say(answer, {"error": [failure.code, failure.message]})
    else:
        _say(answer, {"page_starts": pages.starts, "left_out": pages.left_out()})
        answer.write(text)
    answer.flush()
    os._exit(0)  # nothing is worth tidying up


def _leave_parent(out: int, complaints: int, parent: int) -> None:
    """Die with it, and keep of its descriptors our own two. What a library prints is a complaint."""
    ctypes.CDLL(None).prctl(PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)  # it died before
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(1, 0)
    os.dup2(complaints, 1)
    os.dup2(complaints, 2)
    os.closerange(3, out)
    os.closerange(out + 1, os.sysconf("SC_OPEN_MAX"))


def _say(out: BinaryIO, message: dict[str, object]) -> None:
    out.write(json.dumps(message).encode() + b"\n")
    out.flush()


def _limit(memory: int, seconds: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 2))
    resource.setrlimit(resource.RLIMIT_FSIZE, (spare.MOST_BYTES, spare.MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    with suppress(OSError):  # a machine without memory is to end this process, and no other
        Path("/proc/self/oom_score_adj").write_text("1000")


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
