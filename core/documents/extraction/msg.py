"""A mail of Outlook: its body, and all that came with it, as of any other mail."""

from pathlib import Path

from core.documents.extraction import mail, outlook
from core.documents.extraction.pages import Pages


def read(path: Path, pages: Pages) -> None:
    mail.read_message(outlook.message(path.read_bytes()), pages)
