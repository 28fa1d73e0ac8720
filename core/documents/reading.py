"""Read a document's original: its bytes to scratch space, the text that a sandboxed child makes of them."""

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import structlog
from sqlmodel import Session

from core.documents.content import bytes_of
from core.documents.extraction import SUPPORTED, failures
from core.documents.extraction.limits import ExtractionLimits
from core.documents.extraction.process import Extracted, extract
from core.documents.extraction.recognizing import pages_of
from core.documents.upload import unknown_type_message
from core.documents.warnings import in_order
from core.environment import get_settings
from core.errors import CairnError, ExtractionError
from core.injection import detect
from core.insight_base import marking, text_groups
from core.runtime import db, scratch
from core.runtime.text import text_hash
from core.tables.documents import Document

log = structlog.get_logger()


@contextmanager
def foreseen() -> Iterator[None]:
    """An exception that no code expects is an ExtractionError from here on, so that it is stored as any other: else
    the document would be this worker's for as long as it lives."""
    try:
        yield
    except CairnError:
        raise
    except Exception as error:  # outer boundary of reading: whatever it is, it is about this document alone
        log.exception("a document could not be read, and no code expected that")
        raise failures.unforeseen() from error


def read(document: Document, on_stage: Callable[[str, int, int], None], stop: threading.Event) -> Extracted:
    """Raises ExtractionError, whose message says what to do, NotFound once the document is deleted, and Unavailable."""
    if document.media_type not in SUPPORTED:
        raise ExtractionError(unknown_type_message(), code="UNKNOWN_TYPE")
    with original(document) as path:
        return extract(path, document.media_type, limits(path.parent), on_stage, stop=stop)


@contextmanager
def original(document: Document) -> Iterator[Path]:
    """Its bytes as a file, for a while. Raises NotFound and Unavailable as `read`."""
    folder = scratch.make(scratch.root() / document.id)
    path = folder / "original"
    try:
        _write(document, path)
        yield path
    finally:
        shutil.rmtree(folder)


def store_text(session: Session, document_id: str, extracted: Extracted) -> None:
    """The text, and what the document's row says of it. The caller has the lock of text groups."""
    db.execute(
        session,
        """UPDATE document SET pages = :pages, characters = :characters, tokens = :tokens, language = :language,
             warnings = CAST(:warnings AS jsonb), read_by_ocr = :read_by_ocr WHERE id = :document""",
        document=document_id,
        pages=len(extracted.page_starts) if extracted.paged else None,
        characters=len(extracted.text),
        tokens=extracted.tokens,
        language=extracted.language,
        warnings=json.dumps([asdict(one) for one in in_order(extracted.warnings)]),
        read_by_ocr=list(pages_of(extracted.recognized, extracted.page_starts)),
    )
    db.execute(
        session,
        """INSERT INTO document_text (document_id, text, sha256, page_starts, recognized, marks, marks_version)
           VALUES (:document, :text, :sha256, :page_starts, CAST(:recognized AS int4multirange),
             CAST(:marks AS jsonb), :marks_version)
           ON CONFLICT (document_id) DO UPDATE
             SET text = excluded.text, sha256 = excluded.sha256, page_starts = excluded.page_starts,
               recognized = excluded.recognized, marks = excluded.marks, marks_version = excluded.marks_version""",
        document=document_id,
        text=extracted.text,
        sha256=text_hash(extracted.text),
        page_starts=list(extracted.page_starts),
        recognized=f"{{{','.join(f'[{start},{end})' for start, end in extracted.recognized)}}}",
        marks=None if extracted.marks is None else json.dumps(marking.stored(extracted.marks)),
        marks_version=0 if extracted.marks is None else detect.VERSION,
    )
    text_groups.recount(session, text_groups.assign(session, document_id, extracted.text))


def _write(document: Document, path: Path) -> None:
    chunks = bytes_of(document)
    with scratch.new_file(path) as file:
        for chunk in chunks:
            file.write(chunk)


def limits(folder: Path) -> ExtractionLimits:
    """`folder`: for what readers write."""
    settings = get_settings()
    return ExtractionLimits(
        memory_bytes=settings.extraction_memory_mb << 20,
        seconds=settings.extraction_seconds,
        sandbox=settings.extraction_sandbox,
        pictures=settings.extraction_ocr_pages if settings.extraction_ocr == "on" else 0,
        recognizing_memory_bytes=settings.extraction_ocr_memory_mb << 20,
        scratch=folder,
    )
