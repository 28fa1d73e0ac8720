"""Key phrases: runs of words that carry meaning, ranked by how often they stand together (C-value)."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise
from math import log2

from core.offline.language import Language
from core.offline.reading import Reading
from core.offline.words import WORD

LONGEST_PHRASE = 3
LONGEST_RUN = 12
# Enough to know a text's subjects by; keeps the work the same for texts of any length.
SENTENCES_READ = 3000
SHORTEST_WORD = 3
JOINTS = frozenset((" ", "-", "'", "’", " \"", " “", " „", " « "))

Key = tuple[str, ...]


def key_phrases(reading: Reading, count: int, sentences: Iterable[int] | None = None) -> list[str]:
    counts: Counter[Key] = Counter()
    spellings: defaultdict[Key, Counter[str]] = defaultdict(Counter)
    chosen = _most_telling(reading) if sentences is None else sentences
    for sentence in chosen:
        for key, spelling in _phrases(reading, reading.sentences[sentence].text):
            counts[key] += 1
            spellings[key][spelling] += 1
    return list(islice((_usual(spellings[key]) for key in _ranked(counts)), count))


def _most_telling(reading: Reading) -> Sequence[int]:
    order = sorted(range(len(reading.sentences)), key=lambda i: (-reading.importance[i], i))
    return sorted(i for i in order[:SENTENCES_READ] if not reading.sentences[i].junk)


def _usual(spellings: Counter[str]) -> str:
    return max(spellings, key=lambda spelling: (spellings[spelling], spelling))


def _ranked(counts: Counter[Key]) -> Iterator[Key]:
    """Best first, without those that share all their words with a better one or hold one."""
    within: defaultdict[Key, list[int]] = defaultdict(list)
    for key, count in counts.items():
        for part in _parts(key):
            within[part].append(count)
    worth = {key: _worth(key, count, within.get(key, [])) for key, count in counts.items()}
    told: list[frozenset[str]] = []
    for key in sorted(worth, key=lambda key: (-worth[key], key)):
        words = frozenset(key)
        if worth[key] > 0 and not any(words <= other or other <= words for other in told):
            told.append(words)
            yield key


def _parts(key: Key) -> set[Key]:
    return {key[i:j] for i in range(len(key)) for j in range(i + 1, len(key) + 1) if j - i < len(key)}


def _worth(key: Key, count: int, longer: list[int]) -> float:
    """What a phrase is worth beyond the longer ones that it is part of."""
    free = count - sum(longer) / len(longer) if longer else float(count)
    return log2(len(key) + 1) * free


def _phrases(reading: Reading, sentence: str) -> Iterator[tuple[Key, str]]:
    for run in _runs(sentence, reading.language):
        for i in range(len(run)):
            for j in range(i + 1, min(len(run), i + 2 * LONGEST_PHRASE) + 1):
                phrase = run[i:j]
                if _is_phrase(phrase, reading.language):
                    key = tuple(reading.stem(m.group().lower()) for m in phrase if not _links(m, reading.language))
                    yield key, sentence[phrase[0].start() : phrase[-1].end()]


def _is_phrase(phrase: list[re.Match[str]], language: Language) -> bool:
    if _links(phrase[0], language) or _links(phrase[-1], language):
        return False
    if sum(not _links(word, language) for word in phrase) > LONGEST_PHRASE:
        return False
    last = phrase[-1].group()
    if len(phrase) == 1 and (len(last) < SHORTEST_WORD and last.isascii() and not last.isupper()):
        return False
    return last[0].isupper() or not language.nouns_are_capitalised


def _links(word: re.Match[str], language: Language) -> bool:
    return word.group().lower() in language.linkers


def _runs(sentence: str, language: Language) -> Iterator[list[re.Match[str]]]:
    """Words that follow one another with nothing but a space or hyphen between them, cut at function words."""
    run: list[re.Match[str]] = []
    for word in WORD.finditer(sentence):
        joined = run and sentence[run[-1].end() : word.start()] in JOINTS and len(run) < LONGEST_RUN
        if run and not joined:
            yield run
            run = []
        lower = word.group().lower()
        if lower in language.linkers or not (lower in language.stop_words or lower.isdecimal()):
            run.append(word)
        elif run:
            yield run
            run = []
    if run:
        yield run
