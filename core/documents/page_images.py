"""Pages of a PDF as people see them: drawn one by one when they are looked at, and kept nowhere."""

import shutil
import threading

from core.documents import content, reading
from core.documents.extraction import drawing
from core.documents.extraction.formats import PDF
from core.errors import Conflict, ExtractionError, NotFound
from core.runtime import scratch
from core.runtime.ids import new_id

# Each has its PDF on the disk and a process of its own for a moment.
AT_ONCE = threading.Semaphore(2)


def of_page(document_id: str, number: int) -> bytes:
    """A JPEG; pages count from 1. Raises NotFound, and Conflict for what is no PDF, is not read or cannot be drawn."""
    document = content.get(document_id)
    if document.media_type != PDF or document.pages is None:
        raise Conflict("Only pages of a PDF that was read have a picture.")
    if not 1 <= number <= document.pages:
        raise NotFound(f"There is no page {number:,} in this document.")
    with AT_ONCE:
        # A folder of its own: the same document may be read or drawn at the same time.
        folder = scratch.make(scratch.root() / new_id(document_id))
        try:
            path = folder / "original"
            with scratch.new_file(path) as file:
                for chunk in content.bytes_of(document):
                    file.write(chunk)
            return drawing.draw(path, number - 1, reading.limits(folder))
        except ExtractionError as error:
            raise Conflict(error.message) from None
        finally:
            shutil.rmtree(folder)
