"""Words of a text, and its clean form: one line, hyphens of line ends and marks of quoted mail taken out."""

import re
from operator import add

# Letters and digits, and the vowel signs of Indic and Semitic scripts that \w leaves out.
WORD = re.compile(
    r"[^\W_]+(?:[\u0300-\u036f\u0591-\u05c7\u0610-\u065f\u0900-\u0eff\u1000-\u109f\u200c\u200d]+[^\W_]*)*"
)
UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")

# pypdfium2 marks a word divided at a line end by U+0002 or U+FFFE.
DIVISIONS = "\u00ad\u0002\ufffe"
_DIVIDED = re.compile(rf"(?<!\w)(\w++)(?:([-\u2010])[^\S\n]*\n[>\s]*|[{DIVISIONS}]\s*)(\w++)")
_NOT_SHOWN = re.compile(rf"(?<=\n)[^\S\n]*>[>\s]*|[\u0000-\u0008\u000e-\u001f{DIVISIONS}\ufeff\u200b]")
_HYPHENATED = re.compile(r"(?<!\w)(\w++-\w++)")
_AND = frozenset(("and", "or", "to", "und", "oder", "bzw", "sowie", "bis", "et", "ou", "y", "o"))


def words_of(text: str) -> list[str]:
    """In lower case. Where a script puts no spaces between words, pairs of characters stand for words."""
    words: list[str] = []
    for word in WORD.findall(text.lower()):
        if word.isascii() or not UNSPACED.search(word):
            words.append(word)
        else:
            words.extend(_pairs(word))
    return words


def _pairs(word: str) -> list[str]:
    pairs, at = [], 0
    for run in UNSPACED.finditer(word):
        if run.start() > at:
            pairs.append(word[at : run.start()])
        characters = run.group()
        pairs.extend(map(add, characters, characters[1:]) if len(characters) > 1 else [characters])
        at = run.end()
    if at < len(word):
        pairs.append(word[at:])
    return pairs


def word_count(text: str) -> int:
    unspaced = sum(map(len, UNSPACED.findall(text))) if not text.isascii() else 0
    return len(text.split()) + unspaced // 2


class Cleaner:
    """Joins divided words the way the rest of the text writes them."""

    def __init__(self, text: str):
        self._known: frozenset[str] = frozenset()
        if _DIVIDED.search(text):
            rest = _DIVIDED.sub(" ", text).lower()
            self._known = frozenset(WORD.findall(rest)) | frozenset(_HYPHENATED.findall(rest))

    def clean(self, passage: str) -> str:
        whole = _DIVIDED.sub(self._joined, passage)
        return " ".join(_NOT_SHOWN.sub("", whole).split())

    def _joined(self, match: re.Match[str]) -> str:
        head, hyphen, tail = match.groups()
        if not hyphen:
            return head + tail
        if tail.lower() in _AND:
            return f"{head}- {tail}"
        return f"{head}-{tail}" if self._keeps_hyphen(head, tail) else head + tail

    def _keeps_hyphen(self, head: str, tail: str) -> bool:
        if f"{head}-{tail}".lower() in self._known or not tail[0].islower():
            return True
        if (head + tail).lower() in self._known:
            return False
        return min(len(head), len(tail)) > 3 and {head.lower(), tail.lower()} <= self._known
