"""The child process that reads one file.

`python -m core.documents.extraction.child MEDIA_TYPE PATH MEMORY SECONDS CHARACTERS SANDBOX`

It writes JSON lines: `{"done", "total"}` while it reads, then `{"error": [code, message]}`, or `{"page_starts",
"left_out"}` with the text as UTF-8 after it. It ends when its standard input does: the parent is gone then.
"""

import json
import os
import resource
import signal
import sys
import threading
from importlib import import_module
from pathlib import Path
from typing import BinaryIO, NoReturn

from core.documents.extraction import failures, sandbox
from core.documents.extraction.formats import DOCX, FORMATS, OFFICE, OLE, PDF, PPTX
from core.documents.extraction.pages import Pages
from core.documents.extraction.sandbox import SandboxMissing
from core.errors import ExtractionError

_MAY_BE_PICTURES = (PDF, DOCX, PPTX)


def main() -> NoReturn:
    media_type, path, memory, seconds, characters, mode = sys.argv[1:]
    out = _private_stdout()
    if mode == "required" or (mode == "auto" and not sandbox.missing()):
        try:
            sandbox.enter(Path(path))
        except SandboxMissing as error:
            _say(out, {"error": [error.code, f"{error.message} EXTRACTION_SANDBOX says that there must be one."]})
            os._exit(0)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    _limit(int(memory), int(seconds))
    pages = Pages(int(characters), lambda done, total: _say(out, {"done": done, "total": total}))
    try:
        _read(media_type, Path(path), int(memory), pages)
        text = pages.text().encode()
    except ImportError:
        raise  # the installation is broken, not the document
    except Exception as error:  # the outer boundary: readers raise whatever a broken file makes them raise
        failure = _explained(error, int(memory))
        _say(out, {"error": [failure.code, failure.message]})
    else:
        _say(out, {"page_starts": pages.starts, "left_out": pages.left_out()})
        out.write(text)
    out.flush()
    os._exit(0)  # nothing is worth tidying up


def _private_stdout() -> BinaryIO:
    """Ours alone: whatever a library prints goes to standard error."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return out


def _say(out: BinaryIO, message: dict[str, object]) -> None:
    out.write(json.dumps(message).encode() + b"\n")
    out.flush()


def _die_with_parent() -> None:
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGKILL)


def _limit(memory: int, seconds: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 2))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


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


if __name__ == "__main__":
    main()
