"""The five built-in templates, answered from the text alone."""

import re
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from core.errors import InvalidInput
from core.offline import sentiment
from core.offline.language import ENGLISH
from core.offline.lines import CLOSING, SENTENCE_STOPS
from core.offline.params import count_wanted, question_asked, words_wanted
from core.offline.phrases import key_phrases
from core.offline.reading import Match, ReadText
from core.offline.sentences import Sentence

PASSAGES_THAT_MATCH = "Passages that match: "
NO_SENTENCE = "The text has no sentences to summarize."
NO_PASSAGE = "No passage of the text matches the question."
PASSAGES = 3
# A summary is not filled up with what is short and unimportant: it ends after this many sentences that do not fit.
MISFITS = 5
# Nor is one long sentence the greater part of it.
LARGEST_PART = 0.6
USUAL_WORDS = 20
# A passage answers when it has this share of the question's words, rare ones counting more.
MATCHES = 0.5
# Further passages are told while they match about as well as the first.
AS_GOOD = 0.8
NUMBER_COUNTS = 1.5

_ASKS_FOR_NUMBER = re.compile(
    r"\b(?:how (?:long|many|much|often|old|far|big)|when|what (?:year|date|amount|percentage)"
    r"|wie ?(?:lange|viele?|oft|alt|hoch)|wann|combien|quand|cu[aá]nt[oa]s?|cu[aá]ndo)\b",
    re.IGNORECASE,
)
_DIGIT = re.compile(r"\d")


def answer(operation: str, text: str, params: Mapping[str, Any]) -> dict[str, Any]:
    if operation == "summarize":
        return {"summary": summary(ReadText(text), words_wanted(params))}
    if operation == "sentiment":
        return feeling(ReadText(text))
    if operation == "key_points":
        return {"points": key_points(ReadText(text), count_wanted(params))}
    if operation == "questions":
        return {"questions": questions(ReadText(text), count_wanted(params))}
    if operation == "qa":
        return passages(ReadText(text), question_asked(params))
    raise InvalidInput(f"The offline engine does not know the template {operation!r}. Choose another model for it.")


def summary(reading: ReadText, words: int) -> str:
    """The most important sentences that fit, in the order of the text; always one where there are words at all."""
    ranked = list(reading.most_important()) or [i for i in reading.readable()[:1] if not reading.sentences[i].junk]
    if not ranked:
        return NO_SENTENCE
    ranked = [i for i in ranked if _suits(reading.sentences[i], words)] or ranked
    chosen: list[int] = []
    left, missed = words, 0
    for i in ranked:
        if reading.sentences[i].words <= left:
            chosen.append(i)
            left -= reading.sentences[i].words
        elif (missed := missed + 1) > MISFITS:
            break
    told = [reading.sentences[i].text for i in sorted(chosen or ranked[:1])]
    return "".join(text + _after(text) for text in told).rstrip()


def _suits(sentence: Sentence, words: int) -> bool:
    return sentence.whole and sentence.words <= max(LARGEST_PART * words, USUAL_WORDS)


def _after(text: str) -> str:
    return " " if text.rstrip(CLOSING).endswith(tuple(SENTENCE_STOPS)) else "\n"


def feeling(reading: ReadText) -> dict[str, Any]:
    if reading.language is not ENGLISH:
        return dict(sentiment.UNKNOWN)
    return sentiment.judge([reading.sentences[i].text for i in reading.readable()])


def key_points(reading: ReadText, count: int) -> list[dict[str, str]]:
    chosen = islice(reading.most_important(), count)
    return [{"statement": reading.sentences[i].text, "quote": reading.quote(i)} for i in chosen]


def questions(reading: ReadText, count: int) -> list[str]:
    return [reading.language.question.format(phrase) for phrase in key_phrases(reading, count)]


def passages(reading: ReadText, question: str) -> dict[str, Any]:
    found = _answering(reading, question)
    if not found:
        return {"answer": NO_PASSAGE, "found": False, "quotes": []}
    best = found[0].score
    told = _distinct(reading, [match.sentence for match in found if match.score >= AS_GOOD * best])[:PASSAGES]
    answer = PASSAGES_THAT_MATCH + " […] ".join(reading.sentences[i].text for i in told)
    return {"answer": answer, "found": True, "quotes": [reading.quote(i) for i in told]}


def _answering(reading: ReadText, question: str) -> list[Match]:
    found = reading.matching(reading.query(question), at_least=MATCHES)
    if not _ASKS_FOR_NUMBER.search(question):
        return found
    with_number = {m.sentence: NUMBER_COUNTS for m in found if _DIGIT.search(reading.sentences[m.sentence].text)}
    weighed = [Match(m.sentence, m.score * with_number.get(m.sentence, 1.0)) for m in found]
    return sorted(weighed, key=lambda m: (-m.score, m.sentence))


def _distinct(reading: ReadText, sentences: Sequence[int]) -> list[int]:
    return list({reading.sentences[i].text: i for i in reversed(sentences)}.values())[::-1]
