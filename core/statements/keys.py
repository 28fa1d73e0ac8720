"""The two keys of a statement: equal canonical keys are one statement, equal masked keys are worth comparing.

Same is an equality and never a similarity, so it cannot drift and needs no threshold. Ingest
(core/insight_base/writing.py) joins statements by the first; proposals and conflicts look up the second; a decision
that outlives its statement holds the first, salted.
"""

import hashlib
from dataclasses import dataclass

from core.evidence.folding import fold
from core.statements.canonical import Canonical, canonical

# Raise it whenever the canonical form of any statement may change: a key is compared only with keys of its version.
VERSION = 1
DIGITS = 32


@dataclass(frozen=True)
class Keys:
    """`exact`, `masked`: VERSION, a full stop, 32 hexadecimal digits."""

    exact: str
    masked: str
    canonical: Canonical


def keys(workspace: str, language: str | None, question: str | None, statement: str) -> Keys | None:
    """None for a statement without words. `language`: ISO 639-1 or None, as language.py tells it. `question`: what the
    statement is the answer to; "Yes." alone says nothing."""
    form = canonical(statement, language)
    if not form.words:
        return None
    scope = (workspace, form.language or "", _question(question))
    return Keys(_hash("exact", *scope, form.words), _hash("masked", *scope, form.masked), form)


def exact_of_version(
    version: int, workspace: str, language: str | None, question: str | None, statement: str
) -> str | None:
    """The exact key as an older version made it; None for a version that is not known any more.

    Whoever raises VERSION keeps the older form here as long as a decision may have it: decisions hold no text, so they
    cannot be made anew.
    """
    if version != VERSION:
        return None
    found = keys(workspace, language, question, statement)
    return found.exact if found else None


def version_of(key: str) -> int:
    return int(key.partition(".")[0])


def same_question(one: str | None, other: str | None) -> bool:
    """Whether two statements answer one question, or both none: only then can they be one."""
    return one == other or _question(one) == _question(other)


def _question(question: str | None) -> str:
    return "" if question is None else "?" + " ".join(word.text for word in fold(question).words)


def _hash(*parts: str) -> str:
    # The length before each part: no two lists of parts are one text.
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return f"{VERSION}.{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:DIGITS]}"
