"""What the second figure of a range says of the first one, too: its unit, and that it counts millions."""

import re
from collections.abc import Sequence
from decimal import Decimal

from core.statements.figures import written_value
from core.statements.units import MAGNITUDES, MAGNITUDES_IN_ENGLISH, NAMED
from core.statements.words import Token

SHARING = frozenset("to and or bis und à et a y e".split())
# From 900 to 2 million: whoever wrote it meant 900.
NEAR = 10


def completed(tokens: Sequence[Token], language: str | None) -> list[Token]:
    return _with_shared_units(_with_shared_magnitudes(tokens, language == "en"))


def _with_shared_magnitudes(tokens: Sequence[Token], english: bool) -> list[Token]:
    """From 3 to 5 million: the first are millions, too."""
    out = list(tokens)
    for at in range(len(out) - 2):
        first, between, second = out[at], out[at + 1].text, out[at + 2]
        if between not in SHARING or first.kind != "figure" or second.kind != "figure":
            continue
        if first.unit or first.mask is None:
            continue
        factor = _magnitude(second.written, english)
        if factor is None or not re.fullmatch(r"\d+(?:\.\d+)?", first.text):
            continue
        value = Decimal(first.text) * factor * _own_factor(second)
        if value <= NEAR * Decimal(second.text.partition(" ")[0]):
            out[at] = first._replace(text=written_value(Decimal(first.text) * factor))
    return out


def _magnitude(written: str, english: bool) -> int | None:
    known = MAGNITUDES | MAGNITUDES_IN_ENGLISH if english else MAGNITUDES
    found = [known[word] for word in written.casefold().split()[1:] if word in known]
    return found[0] if len(found) == 1 else None


def _own_factor(figure: Token) -> Decimal:
    """Of its unit, as it is written: kg of g."""
    own = next((NAMED[name] for name in _unit_words(figure.written) if name in NAMED), None)
    return own.factor if own and own.base == figure.unit else Decimal(1)


def _with_shared_units(tokens: Sequence[Token]) -> list[Token]:
    """From 7 to 4 percent: the unit behind the second figure is the first one's, too."""
    out = list(tokens)
    for at in range(len(out) - 3, -1, -1):
        first, between, second = out[at], out[at + 1].text, out[at + 2]
        if between not in SHARING or first.kind != "figure" or second.kind != "figure":
            continue
        if first.unit or not second.unit or first.mask is None or not re.fullmatch(r"-?\d+(?:\.\d+)?", first.text):
            continue
        factor = _own_factor(second)
        out[at] = first._replace(
            text=f"{written_value(Decimal(first.text) * factor)} {second.unit}", mask=second.mask, unit=second.unit
        )
    return out


def _unit_words(written: str) -> list[str]:
    words = written.casefold().split()
    return [" ".join(words[n:]) for n in range(1, len(words))] + [w.rstrip("s") for w in words[1:]]
