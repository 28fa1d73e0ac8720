"""A file that is a picture, or several (TIFF): each is a page, whose words are recognized."""

from functools import partial
from io import BytesIO
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from core.documents.extraction import failures
from core.documents.extraction.pages import Pages

# Frames of an animation are no pages.
_OF_PAGES = ("TIFF",)
FORMATS = ("PNG", "JPEG", "TIFF", "WEBP")
# Of one page: what takes more is not recognized either.
MOST_PIXELS = 80_000_000


def read(path: Path, pages: Pages) -> None:
    data = path.read_bytes()
    for mark in of(data, pages):
        pages.add(mark)


def of(data: bytes, pages: Pages) -> list[str]:
    """The mark of each page. Raises ExtractionError."""
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            frames = getattr(image, "n_frames", 1) if image.format in _OF_PAGES else 1
            pages.expect(frames)
            if frames == 1:
                return [pages.picture(lambda: data, "PAGES_WITHOUT_TEXT", 1, alone=True)]
            return [
                pages.picture(partial(_frame, image, number), "PAGES_WITHOUT_TEXT", number + 1, alone=True)
                for number in range(frames)
            ]
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise failures.corrupt("it is not a whole picture") from None


def _frame(image: Image.Image, number: int) -> bytes | None:
    image.seek(number)
    if image.width * image.height > MOST_PIXELS:
        return None
    out = BytesIO()
    image.save(out, "PNG", compress_level=1)
    return out.getvalue()
