"""`make bench`: ratios in one run, with CPU seconds and peak memory, printed and written to bench.json."""

import json
import os
import tempfile
from pathlib import Path

from tests.bench import batches, clicks, extraction, finding, health, insight_base, live, money, start, users

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    # What a developer has in the environment must not decide what is measured.
    for name in [n for n in os.environ if n.startswith(("OPENAI_", "ANTHROPIC_", "DATABASE_"))]:
        del os.environ[name]
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["DATA_DIR"] = scratch
        figures = {
            "live lane": live.measure(Path(scratch)),
            "batch lane": batches.measure(Path(scratch) / "batches"),
            "insight base": insight_base.measure(Path(scratch) / "insights"),
            "finding": finding.measure(Path(scratch) / "finding"),
            "money": money.measure(Path(scratch) / "money"),
            "extraction": extraction.measure(Path(scratch)),
            "pages": users.measure(Path(scratch) / "users"),
            "from a click to the DOM": clicks.measure(Path(scratch) / "clicks"),
            "start": start.measure(Path(scratch)),
            "probes": health.measure(Path(scratch)),
        }
    for area, rows in figures.items():
        print(f"\n{area}")
        for name, row in rows.items():
            print(f"  {name:32}", "  ".join(f"{key} {value}" for key, value in row.items()))
    (ROOT / "bench.json").write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
