"""How much two statements resemble one another: what is worth proposing to a person, never what is merged.

Each statement is stored with its `traces`. The rarest of them that others have, too, find its candidates in an index
(`sought`); `Resemblance` then ranks these. Frequencies are counted in the base and are merely about right.
"""

import math
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache

from core.evidence.folding import UNSPACED_SIGN
from core.statements.canonical import Canonical
from core.statements.kindred import IDEAS, base_of, idea_of
from core.statements.language import OTHER
from core.statements.words import Token

# Raise it whenever the traces of any statement may change: stored ones are then made again.
VERSION = 1
# How many traces are looked up, and how many statements these may find.
SOUGHT = 8
CANDIDATES = 400
# In front of a trace of a figure, a date, and of what is no word but an idea behind one.
FIGURE, DATE, IDEA = "#", "@", "~"
SIGNS = FIGURE + DATE + IDEA
# Words that only hold the others together, and verbs that stand in for others.
EMPTY = frozenset(
    "a an the be have do it its to of in on at by for with from and or as that this these those than not no never "
    "noone nothing will would can could may might must shall should there they their he she his her we our you your "
    "i me my who what which when where if while but so 's 'd into out up more less very also only any all some most "
    "everyone someon get take make one out such about after before because between during over under both each "
    "either".split()
)
A_DAY = 86_400
# An idea in common says less than a word in common.
OF_IDEAS = 0.6
OF_WORDS = 0.5
ALIKE = 0.45


def traces(one: Canonical) -> tuple[str, ...]:
    """By what a statement can be found: roots without endings, ideas, figures, dates, pairs of characters. Sorted."""
    found: set[str] = set()
    before: Token | None = None
    for token in one.tokens:
        if token.kind == "figure":
            found.update(_of_figure(token.text))
        elif token.kind == "date":
            found.update(_of_date(token.text))
        elif UNSPACED_SIGN.fullmatch(token.text):
            if before is not None and before.end == token.start and UNSPACED_SIGN.fullmatch(before.text):
                found.add(before.text + token.text)
        elif (
            token.kind == "word"
            and token.root
            and token.root not in EMPTY
            and not (one.language != "en" and token.root in OTHER)
        ):
            found.update(_of_word(token.root, one.language))
        before = token
    return tuple(sorted(found))


def _of_word(root: str, language: str | None) -> Iterable[str]:
    plain = "".join(sign for sign in unicodedata.normalize("NFD", root) if not unicodedata.combining(sign))
    yield base_of(plain)
    if language == "en" and (idea := idea_of(plain)) is not None:
        yield IDEA + idea


def _of_figure(text: str) -> Iterable[str]:
    """With its unit, and without it; days are days also where they were counted in hours."""
    value, _, unit = text.partition(" ")
    yield FIGURE + text
    if unit:
        days = value.isdecimal() and unit == "s" and int(value) >= A_DAY and int(value) % A_DAY == 0
        yield f"{IDEA}{FIGURE}{int(value) // A_DAY}" if days else f"{IDEA}{FIGURE}{value}"
    else:
        yield f"{IDEA}{FIGURE}{value}"


def _of_date(text: str) -> Iterable[str]:
    yield DATE + text
    if text[:4].isdecimal() and len(text) > 4:
        yield f"{IDEA}{DATE}{text[:4]}"


def sought(found: Collection[str], frequency: Mapping[str, int]) -> tuple[str, ...]:
    """The rarest traces of a statement of the base, of those that another one has too: to look up, each by itself.

    Together they find CANDIDATES statements at most; nothing where every trace is more frequent than that.
    """
    shared = sorted((frequency[trace], trace) for trace in found if frequency.get(trace, 0) > 1)
    chosen: list[str] = []
    left = CANDIDATES
    for often, trace in shared[:SOUGHT]:
        left -= often - 1
        if left < 0:
            break
        chosen.append(trace)
    return tuple(chosen)


def weight_of(trace: str, frequency: Mapping[str, int], statements: int) -> float:
    """How much it says that two statements share this trace."""
    rarity = math.log1p(statements / max(frequency.get(trace, 1), 1)) ** 2
    return rarity * _share(trace)


class Resemblance:
    """Of one statement to any others. `frequency`: in how many of the `statements` of the base a trace stands."""

    def __init__(self, found: Collection[str], frequency: Mapping[str, int], statements: int):
        self._frequency = frequency
        self._statements = max(statements, 1)
        self._weights: dict[str, float] = {}
        self._own = sorted(found)
        self._own_weights = [self._weight(trace) for trace in self._own]
        self._places = {trace: at for at, trace in enumerate(self._own)}
        self._own_threes = [(at, _threes(trace)) for at, trace in enumerate(self._own) if trace[0] not in SIGNS]
        self._near: dict[str, tuple[tuple[int, float], ...]] = {}

    def to(self, other: Collection[str]) -> float:
        """0: nothing in common, 1: the same traces."""
        nearest = [0.0] * len(self._own)
        shared = every = 0.0
        for trace in other:
            weight, best = self._weight(trace), 0.0
            for at, alike in self._near_own(trace):
                best = max(best, alike)
                nearest[at] = max(nearest[at], alike)
            shared += weight * best
            every += weight
        shared += sum(weight * alike for weight, alike in zip(self._own_weights, nearest, strict=True))
        every += sum(self._own_weights)
        return min(shared / every, 1.0) if every else 0.0

    def _weight(self, trace: str) -> float:
        weight = self._weights.get(trace)
        if weight is None:
            weight = self._weights[trace] = weight_of(trace, self._frequency, self._statements)
        return weight

    def _near_own(self, trace: str) -> tuple[tuple[int, float], ...]:
        near = self._near.get(trace)
        if near is None:
            near = self._near[trace] = tuple(self._alike(trace))
        return near

    def _alike(self, trace: str) -> Iterator[tuple[int, float]]:
        """Words by what they share of three letters in a row; figures, dates and ideas are equal or not."""
        if trace[0] in SIGNS:
            if trace in self._places:
                yield self._places[trace], 1.0
            return
        other = _threes(trace)
        for at, own in self._own_threes:
            if not own.isdisjoint(other):
                alike = 2 * len(own & other) / (len(own) + len(other))
                if alike >= ALIKE:
                    yield at, alike


def _share(trace: str) -> float:
    if trace[0] == IDEA:
        return OF_IDEAS
    return OF_WORDS if trace in IDEAS else 1.0


@lru_cache(65536)
def _threes(word: str) -> frozenset[str]:
    padded = f"^{word}$"
    return frozenset(padded[at : at + 3] for at in range(len(padded) - 2))
