"""TXT, Markdown, CSV, JSON: the text as it is."""

from pathlib import Path

from core.documents.extraction.charset import decode
from core.documents.extraction.pages import Pages


def read(path: Path, pages: Pages) -> None:
    pages.add(decode(path.read_bytes()))
