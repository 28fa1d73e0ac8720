"""The subprocess of an extraction: `python -m core.extraction.child SPEC`. Stages go to stdout, the text to a file."""

import importlib
import json
import os
import resource
import sys
import threading
from pathlib import Path

from core.errors import ExtractionError
from core.extraction.reading import Read
from core.extraction.types import CSV, DOCX, EML, HTML, JSON, MARKDOWN, OLE, PDF, PPTX, TEXT, XLSX

READERS = {
    PDF: "pdf",
    DOCX: "office",
    PPTX: "office",
    XLSX: "office",
    OLE: "office",
    HTML: "markup",
    EML: "markup",
    MARKDOWN: "plain",
    TEXT: "plain",
    CSV: "plain",
    JSON: "plain",
}


def main() -> None:
    path, media_type, result, memory, seconds, characters = json.loads(sys.argv[1])
    threading.Thread(target=_end_with_parent, daemon=True).start()
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 2))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        told = _read(Path(path), media_type, characters)
    except ExtractionError as error:
        told = {"error": {"code": error.code, "message": error.message}}
    except MemoryError:
        told = {"error": {"code": "TOO_LARGE", "message": f"Reading needs more than {memory >> 20} MB. Split it."}}
    except Exception as error:  # outer boundary: parsers raise anything on damaged files, and each means the same
        message = f"The file is damaged ({type(error).__name__}). Open it, save it anew and upload that."
        told = {"error": {"code": "CORRUPT", "message": message}}
    Path(result).write_text(json.dumps(told), encoding="utf-8")


def _read(path: Path, media_type: str, characters: int) -> dict[str, object]:
    reader = importlib.import_module(f"core.extraction.{READERS[media_type]}")
    read: Read = reader.read(path, media_type, _report)
    text, starts = read.joined()
    if not text.strip():
        raise ExtractionError(read.empty_message, code=read.empty_code)
    if len(text) > characters:
        raise ExtractionError(f"The text has {len(text):,} characters; {characters:,} are read. Split it.", code="TOO_LARGE")
    return {"text": text, "page_starts": starts, "paged": read.paged}


def _report(stage: str, done: int, total: int) -> None:
    print(json.dumps([stage, done, total]), flush=True)


def _end_with_parent() -> None:
    """Our stdin ends when the worker does, however it does. Unbuffered: a lock held at exit would abort us."""
    os.read(0, 1)
    os._exit(3)


if __name__ == "__main__":
    main()
