"""What `make bench` measures the batch lane against still does the same work: nobody runs it every day."""

from pathlib import Path
from typing import Any

from core.runtime.workspace import DEFAULT
from tests.bench import batch_child, batch_floors
from tests.bench.batch_data import hand_over, prepare, write_results
from tests.pipeline import rows

REQUESTS = 20
KEPT = """
SELECT (SELECT count(*) FROM response) AS answers,
  (SELECT count(*) FROM usage_record WHERE workspace_id = :here) AS booked
"""


def test_the_floors_of_the_batch_lane_keep_what_it_keeps(own_database: str, tmp_path: Path, setting: Any) -> None:
    setting(OPENAI_API_KEY="bench")
    results, asked = tmp_path / "results.jsonl", tmp_path / "asked.jsonl"
    write_results(results, REQUESTS)
    prepare(REQUESTS)
    for build in (
        lambda: batch_floors.bare_build(own_database, asked),
        lambda: batch_floors.orm_build(asked, REQUESTS),
        lambda: batch_child.build(asked, REQUESTS),
    ):
        hand_over(REQUESTS)
        build()
        assert len(asked.read_text().splitlines()) == REQUESTS
    for keep in (
        lambda: batch_floors.bare_keep(own_database, results),
        lambda: batch_floors.orm_keep(results, REQUESTS),
        lambda: batch_child.keep(results, REQUESTS),
    ):
        hand_over(REQUESTS)
        keep()
        assert rows(KEPT, here=DEFAULT) == [{"answers": REQUESTS, "booked": REQUESTS}]
