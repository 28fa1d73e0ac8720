"""Key phrases: runs of words that carry meaning, ranked by how often they stand together."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from math import log2

import numpy as np

from core.offline.language import OTHER, Language
from core.offline.reading import ReadText
from core.offline.words import UNSPACED, WORD

LONGEST_PHRASE = 4
LONGEST_RUN = 12
# Enough to know a text's subjects by; keeps the work the same for texts of any length.
SENTENCES_READ = 3000
SHORTEST_WORD = 3
SMALL_WORD = 3
JOINTS = frozenset((" ", "-", "'", "’", ' "', " “", " „", " « "))

# One word says little; of four, some are often too many.
LENGTH_COUNTS = {1: 1.0, 2: 3.0, 3: 3.5, 4: 3.5}

# Even what is said once counts a little.
ONCE = 0.25

_ADDRESS = re.compile(r"://|@|\w\.\w{2}|/.*/")
_TOKEN = re.compile(r"\S+")
# In scripts without spaces: words of katakana, and short runs of Chinese characters between other signs.
_UNSPACED_WORD = re.compile(r"[\u30a1-\u30ff]{2,12}|(?<![\u3400-\u9fff])[\u3400-\u9fff]{2,6}(?![\u3400-\u9fff])")

_HANGUL = "\u1100"

Key = tuple[str, ...]


def key_phrases(reading: ReadText, count: int, sentences: Iterable[int] | None = None) -> list[str]:
    counts: Counter[Key] = Counter()
    spellings: defaultdict[Key, Counter[str]] = defaultdict(Counter)
    chosen = _most_telling(reading) if sentences is None else sentences
    for sentence in chosen:
        for key, spelling in _phrases(reading, reading.sentences[sentence].text):
            counts[key] += 1
            spellings[key][spelling] += 1
    return list(islice((_usual(spellings[key]) for key in _ranked(counts)), count))


def _most_telling(reading: ReadText) -> Sequence[int]:
    order = np.argsort(-reading.importance, kind="stable")[:SENTENCES_READ]
    return [i for i in sorted(order.tolist()) if not reading.sentences[i].junk]


def _usual(spellings: Counter[str]) -> str:
    return max(spellings, key=lambda spelling: (spellings[spelling], spelling))


def _ranked(counts: Counter[Key]) -> Iterator[Key]:
    """Best first, without those that share all their words with a better one or hold one."""
    within: Counter[Key] = Counter()
    for key, count in counts.items():
        for part in _parts(key):
            within[part] = max(within[part], count)
    worth = {key: _worth(key, count - within[key]) for key, count in counts.items()}
    told: list[frozenset[str]] = []
    for key in sorted(worth, key=lambda key: (-worth[key], key)):
        words = frozenset(key)
        if worth[key] > 0 and not any(words <= other or other <= words for other in told):
            told.append(words)
            yield key


def _parts(key: Key) -> set[Key]:
    return {key[i:j] for i in range(len(key)) for j in range(i + 1, len(key) + 1) if j - i < len(key)}


def _worth(key: Key, free: int) -> float:
    """`free`: how often it stands outside of the longer phrase that it is mostly part of."""
    return LENGTH_COUNTS[len(key)] * log2(free + ONCE) if free > 0 else 0.0


def _phrases(reading: ReadText, sentence: str) -> Iterator[tuple[Key, str]]:
    linkers = reading.language.linkers
    longest = 2 * LONGEST_PHRASE if linkers else LONGEST_PHRASE
    for run in _runs(_TOKEN.sub(_without_address, sentence), reading):
        for i in range(len(run)):
            for j in range(i + 1, min(len(run), i + longest) + 1):
                if _is_phrase(run[i:j], reading.language):
                    words = [match.group().lower() for match in run[i:j]]
                    key = tuple(reading.stem(word) for word in words if word not in linkers)
                    yield key, sentence[run[i].start() : run[j - 1].end()]


def _without_address(token: re.Match[str]) -> str:
    """Addresses, paths and file names are not phrases; what takes their place keeps the positions."""
    return ";" * len(token.group()) if _ADDRESS.search(token.group()) else token.group()


def _is_phrase(phrase: list[re.Match[str]], language: Language) -> bool:
    words = [match.group() for match in phrase]
    small = [word.lower() in language.linkers for word in words]
    if small[0] or small[-1] or len(words) - sum(small) > LONGEST_PHRASE:
        return False
    if len(words) == 1 and len(words[0]) < SHORTEST_WORD and words[0].isascii():
        return False
    if any(len(word) == 1 and word.isascii() for word in words if word.lower() not in language.linkers):
        return False
    if language.nouns_are_capitalised:
        return all(word[0].isupper() for word in words) and phrase[-1].start() > 0
    return not words[-1].endswith(language.no_nouns)


def _runs(sentence: str, reading: ReadText) -> Iterator[list[re.Match[str]]]:
    """Words that follow one another with nothing but a space or hyphen between them, cut at function words."""
    run: list[re.Match[str]] = []
    for word in WORD.finditer(sentence):
        joined = bool(run) and sentence[run[-1].end() : word.start()] in JOINTS and len(run) < LONGEST_RUN
        if run and not joined:
            yield run
            run = []
        if UNSPACED.search(word.group()):
            yield from ([match] for match in _UNSPACED_WORD.finditer(sentence, word.start(), word.end()))
        elif _carries_meaning(word.group().lower(), reading):
            run.append(word)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _carries_meaning(word: str, reading: ReadText) -> bool:
    if word in reading.language.linkers:
        return True
    # Without a list of small words, short ones in alphabets pass for small.
    small = reading.language is OTHER and len(word) <= SMALL_WORD and word < _HANGUL
    return not (small or word in reading.stop_words or word.isdecimal())
