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
    """The first place where the quote stands, or None: then its evidence is unsupported."""
    wanted = quote.strip()
    if not wanted:
        return None
    start = text.find(wanted)
    if start >= 0:
        return Span(start, start + len(wanted))
    match = re.search(r"\s+".join(map(re.escape, wanted.split())), text)
    return Span(match.start(), match.end()) if match else None


# An index entry holds 2,704 bytes; a longer statement is told from others by its hash.
LONGEST_KEY = 500


def normalise(statement: str) -> str:
    """What makes two statements the same: case, white space and closing punctuation do not count."""
    key = " ".join(statement.casefold().split()).rstrip(".!;:, ")
    if len(key) <= LONGEST_KEY:
        return key
    return key[:LONGEST_KEY] + hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
