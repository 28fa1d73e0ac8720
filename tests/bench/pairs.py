"""How statements merge by themselves, and which conflicts are shown, on labelled pairs.

A line of JSONL: a, b, lang (ISO 639-1, "en-de" for a pair in two languages), label (same, different, contradict), trap
(its kind), grade (of a same pair, 1: mere writing, to 4: hard). Figures, not a test. Every second pair by a hash of its
sentences is also reported apart: what was tuned on one half must hold on the other.
"""

import hashlib
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.statements import keys
from core.statements.compare import Relation, relation

GRADES = (1, 2, 3, 4)
STATEMENTS = 3000


@dataclass(frozen=True)
class Judged:
    label: str
    trap: str
    grade: int | None
    half: int
    relation: Relation | None

    @property
    def same(self) -> bool:
        return self.label == "same"

    @property
    def contradict(self) -> bool:
        return self.label == "contradict"

    @property
    def merged(self) -> bool:
        return self.relation == "same"

    @property
    def conflict(self) -> bool:
        return self.relation == "conflict"


def report(path: Path) -> None:
    if not path.exists():
        sys.exit(f"There are no labelled pairs at {path}. Name a file of them: make bench-quality PAIRS=path")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    judged = [_judged(row) for row in rows]
    print(f"\n{len(judged)} labelled pairs of {path.name}")
    for name, some in (
        ("all", judged),
        *((f"half {n}", [one for one in judged if one.half == n]) for n in (0, 1)),
    ):
        print(f"  {name:7} {_merging(some)}; {_conflicts(some)}")
    for grade in GRADES:
        graded = [one for one in judged if one.grade == grade]
        print(f"  grade {grade} merged by itself {_ratio(sum(one.merged for one in graded), len(graded))}")
    _by_kind("same, merged", judged, lambda one: one.same, lambda one: one.merged)
    _by_kind("contradict, conflict shown", judged, lambda one: one.contradict, lambda one: one.conflict)
    _speed([(row["a"], row["lang"][:2]) for row in rows] + [(row["b"], row["lang"][-2:]) for row in rows])


def _judged(row: dict[str, str]) -> Judged:
    made = [keys.keys("ws", lang, None, row[side]) for side, lang in (("a", row["lang"][:2]), ("b", row["lang"][-2:]))]
    a, b = made
    found: Relation | None = None
    if a is not None and b is not None:
        if a.exact == b.exact:
            found = "same"
        elif a.masked == b.masked:
            found = relation(a.canonical, b.canonical)
    half = hashlib.sha256(f"{row['a']}\n{row['b']}".encode()).digest()[0] % 2
    grade = row["grade"]
    return Judged(row["label"], row["trap"], int(grade) if grade else None, half, found)


def _merging(judged: Sequence[Judged]) -> str:
    merged = [one for one in judged if one.merged]
    right, same = sum(one.same for one in merged), sum(one.same for one in judged)
    wrong = sum(one.contradict for one in merged)
    return (
        f"merged precision {_ratio(right, len(merged))}, recall {_ratio(right, same)}, "
        f"contradictions merged {wrong} of {sum(one.contradict for one in judged)}"
    )


def _conflicts(judged: Sequence[Judged]) -> str:
    shown = [one for one in judged if one.conflict]
    right, there = sum(one.contradict for one in shown), sum(one.contradict for one in judged)
    later = sum(one.relation == "over_time" for one in judged)
    return f"conflicts precision {_ratio(right, len(shown))}, recall {_ratio(right, there)}, over time {later}"


def _ratio(part: int, whole: int) -> str:
    return f"{part / whole:.3f} ({part}/{whole})" if whole else "- (0/0)"


def _by_kind(
    title: str, judged: Sequence[Judged], among: Callable[[Judged], bool], which: Callable[[Judged], bool]
) -> None:
    there, found = Counter[str](), Counter[str]()
    for one in filter(among, judged):
        there[one.trap] += 1
        found[one.trap] += which(one)
    print(f"  {title}: " + ", ".join(f"{kind} {found[kind]}/{there[kind]}" for kind in sorted(there)))


def _speed(statements: Sequence[tuple[str, str]]) -> None:
    """Each statement is another one, as in ingest, but for its words, which repeat there as well."""
    many = [(f"{text[:-1]} {n}.", lang) for n in range(STATEMENTS // len(statements) + 1) for text, lang in statements]
    begun = time.process_time()
    for text, lang in many:
        keys.keys("ws", lang, None, text)
    spent = time.process_time() - begun
    print(f"  both keys of {len(many):,} statements: {len(many) / spent:,.0f} statements per CPU second")
