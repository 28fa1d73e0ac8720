"""The words of a statement that a model says decide: whether they stand there, and where."""

from core.evidence.folding import fold


def span(words: str, statement: str) -> tuple[int, int] | None:
    """Where they stand, on word boundaries and however they are written (core.evidence.folding); None if nowhere."""
    wanted = [word.text for word in fold(words).words]
    there = fold(statement).words
    for at in range(len(there) - len(wanted) + 1) if wanted else ():
        if [word.text for word in there[at : at + len(wanted)]] == wanted:
            return there[at].start, there[at + len(wanted) - 1].end
    return None


def shared(words: tuple[str, str], statements: tuple[str, str]) -> bool:
    """Whether the words of each side stand in the other statement, too. Such words tell nothing apart."""
    return all(span(one, other) for one, other in zip(words, reversed(statements), strict=True))
