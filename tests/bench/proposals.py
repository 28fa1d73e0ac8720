"""Whether the true partner of a statement is among the first five that would be proposed, on labelled pairs.

In two steps, as in the product: the rarest traces look candidates up in an index, then these are ranked. Once among the
statements of the same set, once among all statements of all sets.
"""

import json
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from core.statements.canonical import canonical
from core.statements.resemblance import Resemblance, sought, traces

FIRST = 5
RANKED = 300
TIMED = 100

Row = dict[str, str]


@dataclass(frozen=True)
class Base:
    traces: dict[str, tuple[str, ...]]

    @cached_property
    def frequency(self) -> Counter[str]:
        return Counter(trace for found in self.traces.values() for trace in found)

    @cached_property
    def index(self) -> dict[str, list[str]]:
        index: dict[str, list[str]] = defaultdict(list)
        for statement, found in self.traces.items():
            for trace in found:
                index[trace].append(statement)
        return index

    def proposed(self, statement: str) -> list[str]:
        found = self.traces[statement]
        candidates = {one for trace in sought(found, self.frequency) for one in self.index[trace]} - {statement}
        resemblance = Resemblance(found, self.frequency, len(self.traces))
        return sorted(candidates, key=lambda one: (-resemblance.to(self.traces[one]), one))[:FIRST]


def report(paths: Sequence[Path]) -> None:
    sets = {path.name: [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] for path in paths}
    everything = base_of([row for rows in sets.values() for row in rows])
    print(f"\nproposals: partner among first {FIRST}")
    for name, rows in sets.items():
        own = base_of(rows)
        for base, whose in ((own, name), (everything, "all sets")):
            print(f"  {name:18} among {len(base.traces):5,} of {whose:18} {_found(base, rows)}")
    _speed(everything)


def base_of(rows: Sequence[Row]) -> Base:
    sides = [(row[side], lang) for row in rows for side, lang in (("a", row["lang"][:2]), ("b", row["lang"][-2:]))]
    return Base({statement: traces(canonical(statement, language)) for statement, language in sides})


def found_partners(base: Base, rows: Sequence[Row]) -> dict[str, tuple[int, int]]:
    """By "English", "other languages" and "grade 1" to "grade 4" (of English): found, and how many there are."""
    found, there = Counter[str](), Counter[str]()
    for row in (row for row in rows if row["label"] == "same"):
        kinds = ["English", f"grade {row['grade']}"] if row["lang"] == "en" else ["other languages"]
        for one, other in ((row["a"], row["b"]), (row["b"], row["a"])):
            there.update(kinds)
            found.update(kinds if other in base.proposed(one) else [])
    return {kind: (found[kind], there[kind]) for kind in sorted(there)}


def _found(base: Base, rows: Sequence[Row]) -> str:
    figures = found_partners(base, rows)
    return ", ".join(f"{kind} {part / whole:.3f} ({part}/{whole})" for kind, (part, whole) in figures.items())


def _speed(base: Base) -> None:
    every = list(base.traces.values())
    begun = time.process_time()
    for number in range(TIMED):
        resemblance = Resemblance(every[number * 7 % len(every)], base.frequency, len(every))
        for at in range(RANKED):
            resemblance.to(every[(number * 13 + at) % len(every)])
    print(f"  {TIMED / (time.process_time() - begun):,.0f} statements per CPU second, {RANKED} candidates each")
