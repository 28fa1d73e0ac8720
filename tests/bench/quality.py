"""`make bench-quality`: how the quote checker does on labelled quotes (JSONL: quote, text, kind, found), by kind; then
how statements merge on labelled pairs (pairs.py), and whether a pair would be proposed (proposals.py).

Figures, not a test: recall of what stands there, what passes though it does not, and CPU seconds for a long text.
"""

import json
import os
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from core.evidence.quotes import SourceText, check
from tests.bench import pairs, proposals

SETS = Path(__file__).resolve().parents[3] / "shared" / "quality"
LABELLED = Path(os.environ.get("QUOTES", SETS / "quotes.jsonl"))
PAIRS = Path(os.environ.get("PAIRS", SETS / "merge_pairs.jsonl"))
OWN_PAIRS = Path(__file__).resolve().parents[1] / "core" / "statements" / "pairs.jsonl"
# Pairs that mean the same in other words: few of them merge by themselves.
PARTNERS = OWN_PAIRS.with_name("partners.jsonl")
LONG = 1_000_000


def main() -> None:
    if not LABELLED.exists():
        sys.exit(f"There are no labelled quotes at {LABELLED}. Name a file of them: make bench-quality QUOTES=path")
    cases: list[dict[str, Any]] = [json.loads(line) for line in LABELLED.read_text().splitlines()]
    kinds, passed = Counter[tuple[str, bool]](), Counter[tuple[str, bool]]()
    for case in cases:
        kinds[case["kind"], case["found"]] += 1
        passed[case["kind"], case["found"]] += check(case["quote"], SourceText(case["text"])).supported
    for kind, found in sorted(kinds):
        print(
            f"  {'stands there' if found else 'does not':13} {kind:24} {passed[kind, found]}/{kinds[kind, found]} pass"
        )
    true, invented = (sum(n for (_, found), n in kinds.items() if found is which) for which in (True, False))
    kept, let_by = (sum(n for (_, found), n in passed.items() if found is which) for which in (True, False))
    print(f"recall {kept / true:.3f} of {true}, invented that pass {let_by} of {invented}")
    begun = time.process_time()
    text = SourceText((cases[0]["text"] * (LONG // len(cases[0]["text"]) + 1))[:LONG])
    for case in cases[:20]:
        check(case["quote"], text)
    print(f"20 quotes in a text of {LONG:,} characters: {time.process_time() - begun:.2f} CPU s")
    for labelled in (PAIRS, OWN_PAIRS):
        pairs.report(labelled)
    proposals.report((PAIRS, OWN_PAIRS, PARTNERS))


if __name__ == "__main__":
    main()
