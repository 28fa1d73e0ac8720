"""The language of a text, by py3langid on a sample of it. The model (75 MB) is loaded when first asked."""

import re
import threading
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

SLICE = 2000
LEAST_CONFIDENCE = 0.3
_NO_LETTERS = re.compile(r"[\W\d_]+")
_loading = threading.Lock()


def detect(text: str) -> str | None:
    """ISO 639-1, None for a text that is too short or in no language, such as a table of numbers."""
    sample = _NO_LETTERS.sub(" ", _sample(text)).strip()
    if not sample:
        return None
    with _loading:
        identifier = _identifier()
    code, confidence = identifier.classify(sample)
    return str(code) if len(code) == 2 and confidence >= LEAST_CONFIDENCE else None


def _sample(text: str) -> str:
    """From the start, the middle and the end: a title page or an appendix alone may mislead."""
    if len(text) <= 3 * SLICE:
        return text
    middle = len(text) // 2
    return " ".join((text[:SLICE], text[middle : middle + SLICE], text[-SLICE:]))


@lru_cache(maxsize=1)
def _identifier() -> "LanguageIdentifier":
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
