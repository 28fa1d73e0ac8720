"""The child that draws one page of a PDF as people see it. Its warm parent forks it.

It writes a JPEG and nothing else, and ends with code 0; it writes nothing where the page cannot be drawn.
"""

import json
import os
import traceback
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import NoReturn

from core.documents.extraction import forked, sandbox
from core.documents.extraction.forked import Descriptors

DOTS_PER_INCH = 150
LONGEST_SIDE = 1_800
_QUALITY = 80


def prepare() -> None:
    with suppress(Exception):  # the child says so
        import pypdfium2  # noqa: F401
        from PIL import Image, JpegImagePlugin  # noqa: F401


def run(message: bytes, given: Descriptors, parent: int) -> NoReturn:
    """`message` is a JSON list: path, number of the page from 0, bytes of memory, seconds, sandbox."""
    try:
        forked.leave_parent(given, parent)
        _draw(given, *json.loads(message))
    except BaseException:  # the outer boundary: a child must never come back into its parent's loop
        traceback.print_exc()
    finally:
        os._exit(1)


def _draw(given: Descriptors, path: str, number: int, memory: int, seconds: int, mode: str) -> NoReturn:
    answer = os.fdopen(given.out, "wb")
    forked.limit(memory, seconds)
    if mode == "required" or (mode == "auto" and not sandbox.missing()):
        sandbox.enter(Path(path))
    answer.write(drawn(Path(path), number))
    answer.flush()
    os._exit(0)


def drawn(path: Path, number: int) -> bytes:
    import pypdfium2

    document = pypdfium2.PdfDocument(path)
    document.init_forms()  # what was filled in is drawn, too
    page = document[number]
    scale = min(DOTS_PER_INCH / 72, LONGEST_SIDE / max(*page.get_size(), 1))
    out = BytesIO()
    page.render(scale=scale).to_pil().convert("RGB").save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()
