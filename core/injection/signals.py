"""What in a text looks like a part of an order to a model: signals, each weak by itself.

Words are looked up one by one, so a text takes a time in proportion to its length, whatever it says; patterns have
bounded repetitions.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from core.injection import phrases
from core.injection.lexicon import BY_WORD, COMPLEMENTS, TOLD, VERB_LAST, WORDS, Class, Token

# override: what the model was told is to be forgotten. address: it is spoken to. outcome: what its answer is to say.
# role: it is to be something else. orders: new ones are announced. marker: a turn or a fence is forged.
Kind = Literal["override", "address", "outcome", "role", "exfiltrate", "orders", "marker"]
WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
SENTENCE_END = re.compile(r"[.!?;。！？](?=\s|$|[\"'”’»])|\n\s*\n|[。！？]")
# Words between a verb and what it is about, and words of a sentence that are looked at together.
REACH, LONGEST = 9, 60


@dataclass(frozen=True)
class Signal:
    """`strength` 2: enough alone. Offsets in the text that was looked at."""

    kind: Kind
    strength: int
    start: int
    end: int


@dataclass(frozen=True)
class _Word:
    text: str
    start: int
    end: int
    kinds: Token

    def languages(self, *classes: Class) -> set[str]:
        return {language for language, kind in self.kinds if kind in classes}


def find(text: str, *, every: bool = False) -> list[Signal]:
    """In a text that is folded (core.injection.folding), in its order. Those that make no order by themselves are
    looked for only beside others, or where `every` one counts."""
    said = _classes(text)
    found = [Signal(kind, strength, m.start(), m.end()) for kind, strength, m in phrases.find(text, soft=False)]
    sentences = list(_sentences(text)) if found or every or _may_be_order(said) else []
    found += [signal for sentence in sentences for signal in _of_sentence(sentence)]
    if found or every:
        found += [Signal(kind, strength, m.start(), m.end()) for kind, strength, m in phrases.find(text, soft=True)]
        found += [signal for sentence in sentences for signal in _outcomes(sentence)]
    return sorted(found, key=lambda one: (one.start, one.end, one.kind))


def _classes(text: str) -> set[tuple[str, Class]]:
    return {kind for word in set(WORD.findall(text)) & BY_WORD.keys() for kind in BY_WORD[word]}


def _may_be_order(said: set[tuple[str, Class]]) -> bool:
    return any(
        ((language, "rules") in said and ((language, "forget") in said or (language, "reveal") in said))
        or ((language, "model") in said and ((language, "note") in said or (language, "if") in said))
        for language in WORDS
    )


def _sentences(text: str) -> Iterator[list[_Word]]:
    """Those with words that say something, as lists of their words."""
    ends = [m.start() for m in SENTENCE_END.finditer(text)]
    ends.append(len(text))
    at, telling = 0, 0
    words: list[_Word] = []
    for match in WORD.finditer(text):
        while match.start() >= ends[at]:
            if telling > 1:
                yield words
            words, telling, at = [], 0, at + 1
        if len(words) == LONGEST:
            if telling > 1:
                yield words
            words = words[-REACH:]
            telling = sum(bool(one.kinds) for one in words)
        kinds = BY_WORD.get(match[0], ())
        words.append(_Word(match[0], match.start(), match.end(), kinds))
        telling += bool(kinds)
    if telling > 1:
        yield words


def _of_sentence(words: Sequence[_Word]) -> Iterator[Signal]:
    yield from _overrides(words)
    yield from _reveals(words)
    yield from _addresses(words)


def _overrides(words: Sequence[_Word]) -> Iterator[Signal]:
    for at, verb in enumerate(words):
        for language in verb.languages("forget"):
            reach = range(at + 1, min(at + 1 + REACH, len(words)))
            if language in VERB_LAST:
                reach = range(max(0, at - REACH), at)
            if found := _override(words, at, reach, language):
                yield found


def _override(words: Sequence[_Word], at: int, reach: range, language: str) -> Signal | None:
    rule = next((n for n in reach if language in words[n].languages("rules")), None)
    if rule is None:
        return None
    near = [words[n] for n in range(min(at, rule), min(rule + 4, len(words))) if n != at]
    your = any(language in one.languages("your") for one in near)
    before = [one.text for one in near if language in one.languages("before")]
    if not (your or before) or (at and words[at - 1].text in TOLD):
        return None
    strength = 2 if your or len(set(before)) > 1 else 1
    # Of "the previous instructions in section 4" it is people who are spoken to.
    after = next((one for one in words[rule + 1 :] if language not in one.languages("before", "rules")), None)
    if language not in VERB_LAST and after is not None and after.text in COMPLEMENTS.get(language, ()):
        strength -= 1 if your else 2
    if strength < 1:
        return None
    return Signal("override", strength, min(words[at].start, words[rule].start), max(words[at].end, words[rule].end))


def _reveals(words: Sequence[_Word]) -> Iterator[Signal]:
    """What only the model knows is to be shown."""
    for at, verb in enumerate(words):
        if at and words[at - 1].text in TOLD:
            continue
        for language in verb.languages("reveal"):
            for rule in words[at + 1 : at + 1 + REACH]:
                if language not in rule.languages("rules"):
                    continue
                between = [one for one in words[at + 1 : at + 1 + REACH] if one.start <= rule.end]
                own = any(language in one.languages("your") for one in between)
                if (own and "prompt" in rule.text) or any(
                    one.text in ("system", "système", "sistema") for one in between
                ):
                    yield Signal("exfiltrate", 2, verb.start, rule.end)
                    break
                if own:
                    yield Signal("exfiltrate", 1, verb.start, rule.end)
                    break


def _addresses(words: Sequence[_Word]) -> Iterator[Signal]:
    """ "If you are an AI", "note to the language model": the model is spoken to, and not spoken of."""
    for at, word in enumerate(words):
        if word.text in phrases.TEAMS:
            continue
        followed = words[at + 1].text if at + 1 < len(words) else ""
        for language in word.languages("model"):
            before = words[max(0, at - 6) : at]
            if any(one.text in phrases.THIRD_PERSON for one in before) or followed in phrases.TEAMS:
                continue
            called = any(language in one.languages("note") for one in before[-4:])
            if called or _you_are(before, language):
                yield Signal("address", 1, (before[0] if before else word).start, word.end)


def _you_are(before: Sequence[_Word], language: str) -> bool:
    texts = {one.text for one in before}
    return any(language in one.languages("if") for one in before) and bool(texts & phrases.YOU_ARE)


def _outcomes(words: Sequence[_Word]) -> Iterator[Signal]:
    """What the answer has to say."""
    for first, second in pairwise(words):
        for language in first.languages("your") & second.languages("answer"):
            verbs = [one for one in words if language in one.languages("say", "must")]
            if verbs:
                yield Signal("outcome", 1, first.start, second.end)
    for at, verb in enumerate(words):
        if at and words[at - 1].text in TOLD:
            continue
        for language in verb.languages("say"):
            after = words[at + 1 : at + 3]
            if any(language in one.languages("that") for one in after):
                yield Signal("outcome", 1, verb.start, verb.end)
