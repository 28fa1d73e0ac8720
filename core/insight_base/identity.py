"""Which insight a statement is: its keys, in the language that it is in."""

from dataclasses import dataclass
from functools import lru_cache

from core.statements import keys
from core.statements.language import language_of


@dataclass(frozen=True)
class Identity:
    """`exact`: equal for what is one insight. `masked`: equal for what is worth comparing."""

    exact: str
    masked: str
    language: str | None


# A provider that says the same of document after document, and answers that are reused, cost one look.
@lru_cache(maxsize=8_192)
def identify(workspace: str, language: str | None, question: str | None, statement: str) -> Identity | None:
    """None for a statement without words. `language`: of its document or answer, ISO 639-1."""
    found = keys.keys(workspace, language_of(statement, language), question, statement)
    return Identity(found.exact, found.masked, found.canonical.language) if found else None
