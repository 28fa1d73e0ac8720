"""PDF by pypdfium2: text page by page."""

from pathlib import Path

import pypdfium2
from pypdfium2 import PdfiumError

from core.errors import ExtractionError
from core.extraction.reading import Read, Stage

NO_TEXT = "The PDF has pages but no text: it was scanned. Run text recognition (OCR) on it and upload the result."


def read(path: Path, _media_type: str, on_stage: Stage) -> Read:
    try:
        document = pypdfium2.PdfDocument(path)
    except PdfiumError as error:
        if "password" in str(error).lower():
            raise ExtractionError(
                "The PDF is protected by a password. Save a copy without one and upload that.", code="ENCRYPTED"
            ) from None
        raise ExtractionError(
            "The PDF is damaged or not a PDF. Open it, save it anew and upload that.", code="CORRUPT"
        ) from None
    count = len(document)
    pages = []
    for number in range(count):
        on_stage("reading", number, count)
        page = document[number]
        textpage = page.get_textpage()
        # U+FFFE marks a hyphen at a line's end.
        pages.append(textpage.get_text_range().replace("\ufffe", "-"))
        textpage.close()
        page.close()
    return Read(tuple(pages), paged=True, empty_code="NO_TEXT", empty_message=NO_TEXT)
