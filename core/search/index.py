"""A statement as PostgreSQL's tsvector, written as its text."""

from collections import defaultdict
from collections.abc import Iterable

from core.search import words

# PostgreSQL counts places up to 16,383, and keeps 256 of a word.
MOST = 16_000
# Between two texts, so that no phrase is found across them.
APART = 10


def vector(texts: Iterable[str | None], language: str | None) -> str:
    """Of a statement, and how it is shown. Its words are letters, digits and a decimal point: none can end a quote."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    place = 0
    for text in filter(None, texts):
        for forms in words.positions(text, language):
            place += 1
            at = str(place) if place < MOST else str(MOST)
            for form in forms:
                places[form].append(at)
        place += APART
    return " ".join(f"'{word}':{','.join(found)}" for word, found in places.items())
