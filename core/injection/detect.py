"""Passages of a document that give instructions to a model, and why each seems to.

No model is asked: the same text always has the same passages. Signals (core.injection.signals) that stand close to one
another make a passage; one that is weak by itself makes none. Who writes about attacks quotes them, and is left alone:
so an attacker who dresses an order up as a report gets past this, as does one who finds other words. It marks what is
suspicious, and nothing relies on its having seen everything.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from core.injection import concealed, signals
from core.injection.concealed import Concealed
from core.injection.folding import UNSEEN, Folded
from core.injection.lexicon import REPORTING, SPEAKING
from core.injection.signals import Signal

# Of this detector. Documents that were looked at by an older one are looked at again (core.insight_base.instructing).
VERSION = 1
Reason = Literal["override", "address", "role", "exfiltrate", "marker", "hidden", "encoded"]
REASONS: tuple[Reason, ...] = get_args(Reason)
# Characters between signals of one order, and around it up to which its paragraph is marked with it.
TOGETHER, AROUND = 320, 400
# Of one document. All after the last of them is one passage.
MOST = 1_000
# Who quotes an order says so near it.
NEAR, LONGEST_QUOTATION = 300, 300


@dataclass(frozen=True)
class Instruction:
    """Offsets in code points; `end` is exclusive. Passages of a text are in its order and apart from one another."""

    start: int
    end: int
    reasons: tuple[Reason, ...]


def passages(text: str) -> tuple[Instruction, ...]:
    found = [
        *(_shifted(one, begin) for begin, block in _blocks(text, BLOCK, OVERLAP) for one in _plain(block)),
        *(_shifted(one, begin) for begin, block in _blocks(text, RUNS, RUN) for one in _concealed(block)),
    ]
    merged = _merged(_around(text, one) for one in found)
    if len(merged) <= MOST:
        return tuple(merged)
    rest = merged[MOST - 1 :]
    reasons = {reason for one in rest for reason in one.reasons}
    return (*merged[: MOST - 1], Instruction(rest[0].start, rest[-1].end, _in_order(reasons)))


# A search through a block keeps the rest of the process from running. An order stands in one of two that overlap.
BLOCK, OVERLAP = 5_000, 1_000
RUNS, RUN = 100_000, 8_000


def _blocks(text: str, length: int, overlap: int) -> Iterator[tuple[int, str]]:
    """With where each begins."""
    for begin in range(0, max(1, len(text) - overlap), length):
        yield begin, text[begin : begin + length + overlap]


def _shifted(one: Instruction, by: int) -> Instruction:
    return Instruction(one.start + by, one.end + by, one.reasons)


def _plain(text: str) -> Iterator[Instruction]:
    folded = Folded(text)
    for order in _orders([one for one in signals.find(folded.text) if not _is_reported(folded.text, one)]):
        start, end = folded.origin(order[0].start), folded.origin(max(one.end for one in order) - 1) + 1
        reasons: set[Reason] = {one.kind for one in order if one.kind in REASONS}  # type: ignore[misc]
        # Read only because what nobody sees was left out.
        if any(_breaks(text, found) for found in UNSEEN.finditer(text, start, end)):
            reasons.add("hidden")
        yield Instruction(start, end, _in_order(reasons))


def _breaks(text: str, unseen: re.Match[str]) -> bool:
    """Inside of a word of Latin letters, where nothing unseen belongs but a soft hyphen."""
    around = text[max(0, unseen.start() - 1) : unseen.start()] + text[unseen.end() : unseen.end() + 1]
    return unseen[0] != "\u00ad" and len(around) == 2 and around.isascii() and around.isalpha()


def _orders(found: Sequence[Signal]) -> Iterator[list[Signal]]:
    """Signals that make an order together."""
    last = -1
    for at, first in enumerate(found):
        if at <= last:
            continue
        near = [first]
        for one in found[at + 1 : at + 30]:
            if one.start > first.start + TOGETHER:
                break
            near.append(one)
        if _is_order(near):
            last = at + len(near) - 1
            yield near


def _is_order(near: Sequence[Signal]) -> bool:
    strength: dict[str, int] = {}
    for one in near:
        strength[one.kind] = max(strength.get(one.kind, 0), one.strength)
    if any(strength.get(kind, 0) > 1 for kind in ("override", "exfiltrate", "marker", "role")):
        return True
    kinds = strength.keys()
    if "address" in kinds or "exfiltrate" in kinds:
        return len(kinds) > 1
    if "override" in kinds:
        return len(kinds) > 1
    if "marker" in kinds:
        markers = {(one.start, one.end) for one in near if one.kind == "marker"}
        return len(kinds) > 1 or len(markers) > 2
    return "role" in kinds and "outcome" in kinds and "orders" in kinds


QUOTATION = re.compile(
    rf"\"[^\"\n]{{1,{LONGEST_QUOTATION}}}\"|“[^”“]{{1,{LONGEST_QUOTATION}}}”|„[^“”\"]{{1,{LONGEST_QUOTATION}}}[“”\"]|"
    rf"«[^»]{{1,{LONGEST_QUOTATION}}}»|`[^`\n]{{1,{LONGEST_QUOTATION}}}`|「[^」]{{1,{LONGEST_QUOTATION}}}」|"
    rf"(?<!\w)['‘][^\n]{{1,{LONGEST_QUOTATION}}}?['’](?!\w)"
)


QUOTES = frozenset("\"“”„«»`「」'‘’")


def _is_reported(text: str, signal: Signal) -> bool:
    """Whether it stands in a quotation of somebody who writes about orders to models, or who tells what was said."""
    begin = max(0, signal.start - NEAR - LONGEST_QUOTATION)
    around = text[begin : signal.end + NEAR + LONGEST_QUOTATION]
    if QUOTES.isdisjoint(around):
        return False
    for quotation in QUOTATION.finditer(around):
        if quotation.start() + begin <= signal.start and signal.end <= quotation.end() + begin:
            before = around[max(0, quotation.start() - NEAR) : quotation.start()]
            after = around[quotation.end() : quotation.end() + NEAR]
            spoken = SPEAKING.search(before[-40:]) or SPEAKING.search(after[:40])
            return bool(spoken or REPORTING.search(before) or REPORTING.search(after))
    return False


def _concealed(text: str) -> Iterator[Instruction]:
    for one in (*concealed.find(text), *concealed.turned(text)):
        if one.unseen or _says_order(one):
            yield Instruction(one.start, one.end, ("hidden",) if one.unseen else ("encoded",))
    for match in HIDDEN.finditer(text) if "[Hidden: " in text else ():
        if signals.find(Folded(match[1]).text, every=True):
            yield Instruction(match.start(), match.end(), ("hidden",))


# As the readers of documents mark what a program does not show.
HIDDEN = re.compile(r"\[Hidden: ([^\[\]]{1,5000})")


def _says_order(one: Concealed) -> bool:
    """Less is enough than in plain sight."""
    found = signals.find(Folded(one.says).text, every=True)
    return _is_order(found) or any(signal.kind in ("override", "address", "exfiltrate") for signal in found)


PARAGRAPH = re.compile(r"\n[^\S\n]*\n")
SENTENCE = re.compile(r"[.!?…][\"')\]”’»]*\s|[。！？]|\n")


def _around(text: str, passage: Instruction) -> Instruction:
    """With the rest of its paragraph, where that is not long: what an order wants said stands beside it."""
    first, last = max(0, passage.start - AROUND), min(len(text), passage.end + AROUND)
    before, after = text[first : passage.start], text[passage.end : last]
    breaks = [match.end() for match in PARAGRAPH.finditer(before)]
    sentences = [match.end() for match in SENTENCE.finditer(before)]
    # The whole paragraph, or from the sentence on that begins nearest to the limit.
    start = first + (breaks[-1] if breaks else 0 if not first else sentences[0] if sentences else len(before))
    ended = PARAGRAPH.search(after)
    closing = [match.end() for match in SENTENCE.finditer(after)]
    end = passage.end + (ended.start() if ended else len(after) if last == len(text) else closing[-1] if closing else 0)
    return Instruction(start, end, passage.reasons)


def _merged(found: Iterable[Instruction]) -> list[Instruction]:
    merged: list[Instruction] = []
    for one in sorted(found, key=lambda one: (one.start, one.end)):
        if merged and one.start <= merged[-1].end + 1:
            last = merged[-1]
            reasons = _in_order({*last.reasons, *one.reasons})
            merged[-1] = Instruction(last.start, max(last.end, one.end), reasons)
        else:
            merged.append(one)
    return merged


def _in_order(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    given = set(reasons)
    return tuple(one for one in REASONS if one in given)
