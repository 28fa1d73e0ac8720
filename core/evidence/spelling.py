"""Whether two words are one word, one of them misspelt as OCR misspells. A similarity is not enough: names differ by
one letter, too, and so do opposites.

What decides is which letters differ (those that look alike) and that the document's word is none: a word that exists
was meant. Words that exist are known from the vocabulary of a tokenizer, where a common word of any of its languages
is one token; of a rare word it cannot be told.
"""

import re
import unicodedata
from functools import lru_cache

from core.runtime import tokens

# Shorter words are too near to one another.
SHORTEST = 4
# Letters that OCR takes for one another, written as the first of them.
ALIKE = str.maketrans(
    {c: group[0] for group in ("l1i|j", "oace0", "tf", "nu", "hb", "gq9", "s5", "z2", "vy") for c in group}
)
SAFE = str.maketrans({c: group[0] for group in ("l1|", "o0", "gq9", "s5", "z2") for c in group})
PAIRS = re.compile("rn|vv|cl")
TOGETHER = {"rn": "m", "vv": "w", "cl": "d"}
# An inflection, not a misspelling.
ENDINGS = frozenset("aeo")


def misspelt(quoted: str, written: str, *, name: bool) -> bool:
    """`quoted`: the quote's word, `written`: the document's, both folded. `name`: it may be one, so nearly nothing may
    differ."""
    if min(len(quoted), len(written)) < SHORTEST or _opposite(quoted, written):
        return False
    if plain(quoted) == plain(written):
        return not (is_word(quoted) and is_word(written))
    if is_word(written):
        return False
    if name:
        return _alike(quoted, written, SAFE)
    return _alike(quoted, written, ALIKE) or (is_word(quoted) and _one_off(quoted, written))


def plain(word: str) -> str:
    """Without accents."""
    return "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))


@lru_cache(65536)
def is_word(word: str) -> bool:
    return word.isalpha() and tokens.count(f" {word}") == 1


def _opposite(one: str, other: str) -> bool:
    """One has a prefix more than the other: unable, able."""
    return one.endswith(other) or other.endswith(one)


def _alike(quoted: str, written: str, table: dict[int, str]) -> bool:
    one, other = (PAIRS.sub(lambda pair: TOGETHER[pair[0]], word) for word in (quoted, written))
    if len(one) != len(other) or one.translate(table) != other.translate(table):
        return False
    differ = [place for place, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
    if differ == [len(one) - 1] and {one[-1], other[-1]} <= ENDINGS:
        return False
    return len(differ) <= max(1, len(one) // 5)


def _one_off(quoted: str, written: str) -> bool:
    """One letter changed, left out or added, behind the second one."""
    if min(len(quoted), len(written)) < SHORTEST + 2 or abs(len(quoted) - len(written)) > 1:
        return False
    same = next(
        (n for n, (a, b) in enumerate(zip(quoted, written, strict=False)) if a != b), min(len(quoted), len(written))
    )
    rest = quoted[same:], written[same:]
    shorter = rest[0][len(quoted) - len(written) > -1 :], rest[1][len(written) - len(quoted) > -1 :]
    return same >= 2 and shorter[0] == shorter[1]
