"""Own templates, as far as a text answers them without a model.

A field gets a passage, a number, key phrases or a choice that stand in the text, and otherwise the emptiest value its
type has: null where the field is optional. Nothing is inferred, so a boolean is never true.
"""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from core.fields import QUOTES, FieldSpec, quoted
from core.offline.numbers import first_number
from core.offline.params import count_wanted
from core.offline.phrases import key_phrases
from core.offline.ranking import diverse
from core.offline.reading import ReadText
from core.offline.words import words_of

LIST_LENGTH = 5
PASSAGES_READ = 5
# A field's description has many words that the text lacks.
MATCHES = 0.15
# A list of these is about the whole text, whose sentences need not say the word.
TOPICS = frozenset(
    """
    keyword keywords phrase phrases subject subjects tag tags term terms theme themes topic topics
    schlagwort schlagworte schlagwörter stichwort stichwörter thema themen mots-clés sujet sujets thème thèmes
    """.split()
)


def answer(
    text: str, params: Mapping[str, Any], fields: Sequence[FieldSpec], prompt: str, insights: bool
) -> dict[str, Any]:
    reading = ReadText(text)
    if insights:
        return {"insights": _insights(reading, fields, prompt, count_wanted(params))}
    found = {field.name: _from_text(reading, field, prompt) for field in fields}
    values = {name: value for name, (value, _) in found.items()}
    places = {name: found[name][1] for name in quoted(fields)}
    asked = {name: None if place is None else reading.quote(place) for name, place in places.items()}
    return values | ({QUOTES: asked} if asked else {})


def _insights(reading: ReadText, fields: Sequence[FieldSpec], prompt: str, count: int) -> list[dict[str, Any]]:
    wishes = [prompt, *(f"{field.name} {field.description}" for field in fields)]
    scores = np.zeros(len(reading.sentences))
    for match in reading.matching(reading.query(*wishes), at_least=0.0):
        scores[match.sentence] = match.score * reading.importance[match.sentence]
    candidates = [int(i) for i in np.flatnonzero(scores > 0)]
    return [_insight(reading, i, fields) for i in islice(diverse(reading.matrix, scores, candidates), count)]


def _insight(reading: ReadText, sentence: int, fields: Sequence[FieldSpec]) -> dict[str, Any]:
    told = {"statement": reading.sentences[sentence].text, "quote": reading.quote(sentence)}
    # The statement is the passage: a string field would only say it again.
    found = {f.name: None if f.type == "string" else _value(reading, f, [sentence]) for f in fields}
    return told | {field.name: _filled(field, found[field.name]) for field in fields}


def _from_text(reading: ReadText, field: FieldSpec, prompt: str) -> tuple[Any, int | None]:
    """The value, and where a quote is asked for the sentence that it was taken from."""
    if field.type == "list" and TOPICS.intersection(words_of(f"{field.name} {field.description}".replace("_", " "))):
        return _filled(field, key_phrases(reading, LIST_LENGTH)), None
    query = reading.query(field.name, field.description)
    found = reading.matching(query, MATCHES) or reading.matching([*query, *reading.query(prompt)], MATCHES)
    passages = [match.sentence for match in found[:PASSAGES_READ]]
    if field.type == "choice" and not passages:
        passages = reading.readable()
    value = _value(reading, field, passages)
    place = _says(reading, field, passages, value) if field.quote and value is not None else None
    return _filled(field, value), place


def _says(reading: ReadText, field: FieldSpec, passages: Sequence[int], value: Any) -> int | None:
    """The first of the passages that has the value by itself."""
    own = (sentence for sentence in passages if _value(reading, field, [sentence]) == value)
    return next(own, passages[0] if passages else None)


def _value(reading: ReadText, field: FieldSpec, passages: Sequence[int]) -> Any:
    """What the passages, best first, have for the field; None for nothing."""
    texts = [reading.sentences[i].text for i in passages]
    if field.type == "string":
        return texts[0] if texts else None
    if field.type in ("number", "integer"):
        numbers = (first_number(text, reading.language, whole=field.type == "integer") for text in texts)
        return next((number for number in numbers if number is not None), None)
    if field.type == "list":
        return key_phrases(reading, LIST_LENGTH, passages) or None
    return _choice(reading, field.choices, texts) if field.type == "choice" else None


def _choice(reading: ReadText, choices: Sequence[str], texts: Sequence[str]) -> str | None:
    """The choice that is named most; small words like "no" name nothing."""
    words = [reading.terms(words_of(text)) for text in texts]
    named = {choice: _times(reading.terms(words_of(choice)), words) for choice in choices}
    best = max(choices, key=lambda choice: named[choice], default=None)
    return best if best is not None and named[best] else None


def _times(wanted: Sequence[str], sentences: Sequence[Sequence[str]]) -> int:
    return sum(bool(wanted) and set(wanted) <= set(sentence) for sentence in sentences)


def _filled(field: FieldSpec, value: Any) -> Any:
    if value is not None or not field.required:
        return value
    empty: dict[str, Any] = {"string": "", "number": 0, "integer": 0, "boolean": False, "list": []}
    return field.choices[0] if field.type == "choice" else empty[field.type]
