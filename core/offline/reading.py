"""A text as the engine reads it once per answer: its sentences, their terms, and what each is worth saying again."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from core.offline.language import DANGLING, ENGLISH, INSTRUCTION_WORDS, QUESTION_WORDS, guess_language, stemmer
from core.offline.lines import SENTENCE_STOPS
from core.offline.ranking import Floats, Presence, TermMatrix, bm25, centrality, diverse
from core.offline.sentences import Sentence, split
from core.offline.words import words_of

# A prompt may be long; what it looks for stands in its first words.
MOST_TERMS = 100
# Shorter ones are headings rather than sentences.
FRAGMENT_WORDS = 6
FEWEST_WORDS = 2
SHORTEST_STATEMENT = 4

# Weights of importance: what is no whole sentence, leans on the one before, asks, or points elsewhere.
FRAGMENT = 0.3
DANGLES = 0.75
ASKS = 0.4
REFERS = 0.6
# What a text is about, its first sentences tend to say.
LEAD = 0.4
LEAD_SENTENCES = 5

# Weights of a match, and how much of a heading's match goes to the sentences after it.
INCOMPLETE = 0.8
HEADING = 0.3
LEADS_IN = 0.4
LED_IN = 3

_STOPS = tuple(SENTENCE_STOPS)


class Match(NamedTuple):
    sentence: int
    score: float


class ReadText:
    def __init__(self, text: str):
        self.text = text
        self.sentences: Sequence[Sentence] = split(text)
        words = {passage: words_of(passage) for passage in {sentence.text for sentence in self.sentences}}
        self._words = [words[sentence.text] for sentence in self.sentences]
        self.language = guess_language(word for words in self._words for word in words)
        # English stands in texts of every language.
        self.stop_words = self.language.stop_words | ENGLISH.stop_words
        self._stem = stemmer(self.language)
        self._stems: dict[str, str] = {}

    def quote(self, sentence: int) -> str:
        """As it stands in the text, line ends and all."""
        found = self.sentences[sentence]
        return self.text[found.start : found.end]

    def stem(self, word: str) -> str:
        if word not in self._stems:
            self._stems[word] = self._stem(word)
        return self._stems[word]

    def terms(self, words: Iterable[str]) -> list[str]:
        """Stems of the words that carry meaning."""
        stop = self.stop_words
        return [self.stem(word) for word in words if word not in stop and (len(word) > 1 or not word.isascii())]

    def query(self, *wishes: str) -> list[str]:
        """Terms to look for; the wish may be in another language than the text."""
        words = words_of(" ".join(wish.replace("_", " ") for wish in wishes))
        idle = guess_language(words).stop_words | INSTRUCTION_WORDS | QUESTION_WORDS
        return list(dict.fromkeys(self.terms(word for word in words if word not in idle)))[:MOST_TERMS]

    @cached_property
    def matrix(self) -> TermMatrix:
        """Junk has no terms, so that it draws no other sentence up."""
        return TermMatrix.of(
            self.terms(words) if not sentence.junk else []
            for sentence, words in zip(self.sentences, self._words, strict=True)
        )

    @cached_property
    def _prose(self) -> bool:
        return any(sentence.whole for sentence in self.sentences)

    @cached_property
    def importance(self) -> Floats:
        """How central each sentence is, less where it does not stand well by itself; 0 for what should not be told."""
        fit = np.array([self._fitness(sentence) for sentence in self.sentences], dtype=np.float64)
        has_terms = np.bincount(self.matrix.rows, minlength=len(self.sentences)) > 0
        importance: Floats = centrality(self.matrix) * fit * has_terms * self._lead
        return importance

    @cached_property
    def _lead(self) -> Floats:
        order = np.cumsum([sentence.whole for sentence in self.sentences])
        lead: Floats = 1 + LEAD * np.exp(-np.maximum(order - 1, 0) / LEAD_SENTENCES)
        return lead

    def _fitness(self, sentence: Sentence) -> float:
        if sentence.junk or sentence.words < (FRAGMENT_WORDS if self._prose else FEWEST_WORDS):
            return 0.0
        if not sentence.whole:
            return FRAGMENT
        first = words_of(sentence.text[:30])[:1]
        fitness = DANGLES if first and first[0] in DANGLING else 1.0
        fitness *= ASKS if sentence.text.endswith("?") else 1.0
        return fitness * (REFERS if "://" in sentence.text else 1.0)

    def most_important(self) -> Iterable[int]:
        return diverse(self.matrix, self.importance, [int(i) for i in np.flatnonzero(self.importance > 0)])

    def readable(self) -> list[int]:
        """Everything but junk, or everything where there is nothing else."""
        return [i for i, s in enumerate(self.sentences) if not s.junk] or list(range(len(self.sentences)))

    def matching(self, query: Sequence[str], at_least: float) -> list[Match]:
        """Sentences that have this share of the query's words, best first."""
        presence = Presence.of(self.matrix, query)
        scores = bm25(self.matrix, query)
        self._lead_in(scores, presence)
        covered = presence.covered()
        scores *= covered * self._standing
        found = np.flatnonzero((covered >= at_least) & (scores > 0))
        ranked = found[np.argsort(-scores[found], kind="stable")]
        return [Match(int(i), float(scores[i])) for i in ranked]

    def _lead_in(self, scores: Floats, presence: Presence) -> None:
        """What a heading or a question asks for stands in the sentences after it, often without its words."""
        heading, distance = -1, 0
        for i, (sentence, is_heading) in enumerate(zip(self.sentences, self._headings, strict=True)):
            if is_heading:
                heading, distance = i, 0
            elif heading >= 0 and sentence.whole and distance < LED_IN:
                distance += 1
                scores[i] += LEADS_IN**distance * scores[heading]
                presence.found[i] |= presence.found[heading]

    @cached_property
    def _standing(self) -> Floats:
        """A heading matches its own words best and says nothing about them."""
        weights = [
            HEADING if is_heading else 1.0 if sentence.whole else INCOMPLETE
            for sentence, is_heading in zip(self.sentences, self._headings, strict=True)
        ]
        return np.array(weights, dtype=np.float64)

    @cached_property
    def _headings(self) -> list[bool]:
        return [_is_heading(sentence) for sentence in self.sentences]


def _is_heading(sentence: Sentence) -> bool:
    """Or a question: names a subject without saying anything about it."""
    if sentence.text.endswith("?"):
        return True
    ended = sentence.text.endswith(_STOPS)
    return not sentence.junk and sentence.words < (SHORTEST_STATEMENT if ended else FRAGMENT_WORDS)
