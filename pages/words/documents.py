"""How much of a document is in its text, as filters name it, and what was recognized in pictures."""

from collections.abc import Sequence

from core.documents import warnings
from core.documents.report import WithWarnings

IN_TEXT: dict[WithWarnings, str] = {"true": "in part", "false": "all of it", "unknown": "not known"}

THIS_PAGE = "Words on this page were recognized in a picture (OCR)."


def recognized(pages: Sequence[int]) -> str:
    """`pages`: empty where there is only one, or the format has none."""
    where = f"on {warnings.on(pages)} " if pages else ""
    return f"Words {where}were recognized in pictures (OCR): compare figures with the original before you rely on them."
