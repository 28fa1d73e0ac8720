"""TXT, Markdown, CSV, JSON: the text as it is."""

from pathlib import Path

from core.extraction.charset import decode
from core.extraction.pages import Pages


def read(path: Path, pages: Pages) -> None:
    pages.add(decode(path.read_bytes()))
