"""A statement written the one way that all statements saying the same in other writing share.

English is known best. Of other languages figures, units, currencies and dates are written one way, everything else is
only folded, and no word moves: what we do not know may stay two statements, and must never become one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from core.evidence import negations
from core.statements.dates import Dates
from core.statements.english import expanded, reworded
from core.statements.figures import Figures
from core.statements.order import arranged
from core.statements.ranges import completed
from core.statements.words import Token, split


@dataclass(frozen=True)
class Canonical:
    """`language`: ISO 639-1 or None. `tokens`: in canonical order, each with its place in the statement."""

    statement: str
    language: str | None
    tokens: tuple[Token, ...]

    @property
    def words(self) -> str:
        return " ".join(token.text for token in self.tokens)

    @property
    def masked(self) -> str:
        """Figures, dates and opposites each under one sign, and without negations."""
        return " ".join(text for token in self.tokens if (text := token.masked))


# What is looked at side by side is compared more than once.
@lru_cache(maxsize=256)
def canonical(statement: str, language: str | None) -> Canonical:
    """`language`: ISO 639-1 with or without a region, None where it is not known."""
    language = language.partition("-")[0].casefold() if language else None
    tokens = split(statement)
    if language == "en":
        tokens = expanded(tokens)
    tokens = completed(Figures(Dates(tokens, language).read(), language).read(), language)
    tokens = arranged(reworded(tokens)) if language == "en" else _plain(tokens)
    return Canonical(statement, language, tuple(tokens))


# What stands where the denial stands otherwise: ein, kein; 有效, 无效.
INDEFINITE = frozenset("ein eine einen einem einer eines".split())


def _plain(tokens: Sequence[Token]) -> list[Token]:
    out: list[Token] = []
    for token in tokens:
        if token.kind == "mark" and token.text not in ("?", "/", "#"):
            continue
        out.append(_masked(token))
    return out


def _masked(token: Token) -> Token:
    if token.kind != "word":
        return token
    if token.text in negations.WORDS or token.text in negations.BEFORE:
        return token._replace(kind="negation", mask="")
    if token.text.startswith("n'") and len(token.text) > 2:
        return token._replace(kind="negation", mask=token.text[2:])
    return token._replace(mask="") if token.text in INDEFINITE or token.text == "有" else token
