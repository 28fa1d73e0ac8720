"""Find a quote in a document: exactly, else with any white space between its words."""

import hashlib
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """Code point offsets in a document's text; `end` is exclusive."""

    start: int
    end: int


def find(quote: str, text: str) -> Span | None:
    """The first place of the quote in the text, or None: then its evidence is unsupported."""
    wanted = quote.strip()
    if not wanted:
        return None
    start = text.find(wanted)
    if start >= 0:
        return Span(start, start + len(wanted))
    match = re.search(r"\s+".join(map(re.escape, wanted.split())), text)
    return Span(match.start(), match.end()) if match else None


# Characters. An index entry holds 2,704 bytes; the rest of a longer statement is represented by its hash.
LONGEST_KEY = 500


def normalise(statement: str) -> str:
    """The key of a statement: equal for statements that differ in case, white space or closing punctuation only."""
    key = " ".join(statement.casefold().split()).rstrip(".!;:, ")
    if len(key) <= LONGEST_KEY:
        return key
    return key[:LONGEST_KEY] + hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
