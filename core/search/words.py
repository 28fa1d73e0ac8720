"""A text as the words that search knows: each in all the forms under which it is looked for, in its place.

The same forms are made of a statement and of a query, so that whatever is written otherwise meets in one of them: with
accents or without, an umlaut as ae, oe, ue, an inflected word, a figure with or without its separators. Scripts that
are written without spaces, and Korean, whose particles hang on its words, are cut into overlapping pairs.
"""

import re
import threading
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

from core.evidence.folding import DROPPED, UNSPACED

PAIRED = UNSPACED + r"\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff"
# Marks of Indic scripts are vowels, and belong to their word.
LETTER = rf"(?:[^\W\d_{PAIRED}]|[\u0300-\u036f\u0900-\u0963\u0970-\u0dff])"
INVISIBLE = re.compile(f"[{DROPPED}]")
FIGURES = (
    r"(?P<spaced>(?<![\d.,])\d{1,3}(?: \d{3})+(?:[.,]\d+)?(?![\d.,]*\d))"
    r"|(?P<number>\d+(?:[.,'\u2019\u066b\u066c]\d+)*)"
)
# Digits belong to the letters before them (Q3), and are apart from those behind them (5 kg, 5kg).
TOKEN = re.compile(rf"(?P<pairs>[{PAIRED}]+)|{FIGURES}|(?P<word>{LETTER}(?:{LETTER}|\d)*)")
# The same for a text in lower case that has no other letters.
ASCII_TOKEN = re.compile(rf"(?P<word>[a-z][a-z0-9]*)|{FIGURES}", re.ASCII)
# What is longer is no word; it is found by its beginning.
LONGEST = 80

Kind = Literal["pairs", "number", "word"]
Forms = frozenset[str]


class Token(NamedTuple):
    """`text`: folded. `forms`: of a number, in which figures are written one way."""

    kind: Kind
    text: str
    forms: Forms = frozenset()


# To find stems takes long, and a statement is a sentence: of one that is a book the rest is found as it is written.
MOST_READ = 2_000


def tokens(text: str) -> Iterator[Token]:
    if text.isascii():
        found = ASCII_TOKEN.finditer(text.lower())
    else:
        found = TOKEN.finditer(unicodedata.normalize("NFKC", INVISIBLE.sub("", text)).casefold())
    for match in found:
        kind, written = match.lastgroup, match[0]
        if kind == "word":
            yield Token("word", written[:LONGEST])
        elif kind == "pairs":
            yield Token("pairs", written)
        elif kind == "number":
            yield from _figures(_digits(written))
        else:
            yield from _spaced(_digits(written))


def positions(text: str, language: str | None) -> Iterator[Forms]:
    """The forms at each place of a statement. `language`: ISO 639-1."""
    for number, token in enumerate(tokens(text)):
        if token.kind == "word":
            yield forms(token.text, language) if number < MOST_READ else frozenset((_bare(token.text),))
        elif token.kind == "number":
            yield token.forms
        else:
            # The last sign by itself: so each one is the beginning of something.
            yield from (frozenset((token.text[n : n + 2],)) for n in range(len(token.text)))


def _digits(written: str) -> str:
    if written.isascii():
        return written
    return "".join(str(unicodedata.digit(sign)) if sign.isdecimal() else sign for sign in written)


def _spaced(written: str) -> Iterator[Token]:
    """1 234 567 may be one figure or three."""
    first, *rest = written.split(" ")
    whole = _plain(re.sub(" ", "", written).replace(",", "."))
    yield Token("number", first, frozenset((first[:LONGEST], whole[:LONGEST])))
    for one in rest:
        yield from _figures(one)


def _figures(written: str) -> Iterator[Token]:
    if written.isdecimal():
        yield Token("number", written, frozenset((written[:LONGEST],)))
        return
    parts = re.split(r"[^0-9]", written)
    signs = [sign for sign in written if not sign.isdecimal()]
    known = _read(parts, signs)
    for found in [known] if known else [frozenset((part,)) for part in parts]:
        yield Token("number", min(found), frozenset(form[:LONGEST] for form in found))


def _read(parts: list[str], signs: list[str]) -> Forms | None:
    """One figure; 1,234 may be two. None: several, as of a date or a version."""
    joined, grouped = "".join(parts), _grouped(parts)
    if len(signs) == 1 and signs[0] in ".,\u066b":
        decimal = _plain(f"{parts[0]}.{parts[1]}")
        return frozenset((decimal, joined)) if grouped else frozenset((decimal,))
    if len(set(signs)) == 1:
        return frozenset((joined,)) if grouped else None
    if len(set(signs)) == 2 and signs.count(signs[-1]) == 1 and _grouped(parts[:-1]):
        return frozenset((_plain(f"{''.join(parts[:-1])}.{parts[-1]}"),))
    return None


def _grouped(parts: list[str]) -> bool:
    """By thousands, or as in India by hundreds behind the first thousand."""
    first, *between = parts
    return (
        1 <= len(first) <= 3
        and first[0] != "0"
        and all(len(part) in (2, 3) for part in between[:-1])
        and len({len(part) for part in between[:-1]}) <= 1
        and len(between[-1]) == 3
        if between
        else False
    )


def _plain(decimal: str) -> str:
    return decimal.rstrip("0").rstrip(".") if "." in decimal else decimal


# Where the language is not known, words are read in each of these, and as they are.
FREQUENT = ("en", "de", "fr", "es")


# Of words by Zipf nearly all are among so many.
@lru_cache(maxsize=100_000)
def forms(word: str, language: str | None) -> Forms:
    """Of a folded word: its stem without accents, that of the word without accents, that of its umlauts as ae."""
    if language is None:
        return frozenset((_bare(word),)).union(*(forms(word, one) for one in FREQUENT))
    stem = _stemmer(language)
    if word.isascii():
        return frozenset((stem(word),))
    written = (word, _bare(word), _bare(word.translate(UMLAUTS)))
    return frozenset(_bare(stem(one)) for one in written)


UMLAUTS = str.maketrans({"\u00e4": "ae", "\u00f6": "oe", "\u00fc": "ue", "\u00f8": "oe", "\u00e5": "aa"})
LETTERS = str.maketrans(
    {"\u00f8": "o", "\u00e6": "ae", "\u0153": "oe", "\u0142": "l", "\u0111": "d", "\u0131": "i", "\u00fe": "th"}
)
ACCENTS = re.compile("[\u0300-\u036f]")


def _bare(word: str) -> str:
    if word.isascii():
        return word
    return unicodedata.normalize("NFC", ACCENTS.sub("", unicodedata.normalize("NFD", word.translate(LETTERS))))


STEMMERS = {
    "ar": "arabic",
    "ca": "catalan",
    "cs": "czech",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "et": "estonian",
    "eu": "basque",
    "fa": "persian",
    "fi": "finnish",
    "fr": "french",
    "ga": "irish",
    "hi": "hindi",
    "hu": "hungarian",
    "hy": "armenian",
    "id": "indonesian",
    "it": "italian",
    "lt": "lithuanian",
    "ne": "nepali",
    "nl": "dutch",
    "no": "norwegian",
    "nb": "norwegian",
    "nn": "norwegian",
    "pl": "polish",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
}
_of_thread = threading.local()


def _stemmer(language: str) -> Callable[[str], str]:
    """A stemmer keeps the word that it works on, so each thread has its own."""
    name = STEMMERS.get(code(language) or "")
    if name is None:
        return str
    found: dict[str, Callable[[str], str]] = _of_thread.__dict__.setdefault("stemmers", {})
    if name not in found:
        import snowballstemmer

        found[name] = snowballstemmer.stemmer(name).stemWord
    return found[name]


def code(language: str | None) -> str | None:
    """ISO 639-1 of a language with or without a region."""
    return language.partition("-")[0].casefold() if language else None
