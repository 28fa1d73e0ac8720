"""What the sums of usage take from keeping answers, in either lane: with their triggers and without, in turn."""

import os
import statistics
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from core.answers import keep
from core.calls.outcomes import Call, Kept
from core.environment import get_settings
from core.money import folding
from core.money.pricing import Price
from core.providers.usage import Usage
from core.runtime import db
from tests.bench import batch_child
from tests.bench.batch_data import JOB, REQUESTS, hand_over, prepare, write_results
from tests.bench.measuring import taken

# A live lane commits what has come meanwhile: a few answers, or some dozens.
LIVE, AT_ONCE, ROUNDS = 1_600, 16, 15


def measure(scratch: Path) -> dict[str, dict[str, Any]]:
    os.environ["OPENAI_API_KEY"] = "bench"
    get_settings.cache_clear()
    results = scratch / "results.jsonl"
    write_results(results, REQUESTS)
    figures = {
        f"keep, live, {AT_ONCE} at once": _paired(LIVE, ROUNDS, _keep_live),
        f"keep, a batch of {REQUESTS:,}": _paired(REQUESTS, 5, lambda: batch_child.keep(results, REQUESTS)),
        "the triggers alone": _triggers(),
    }
    with db.transaction() as session:
        db.execute(session, "TRUNCATE request, response, usage_record, provider_batch, request_body")
    results.unlink()
    return figures


def _paired(requests: int, rounds: int, step: Callable[[], None]) -> dict[str, Any]:
    prepare(requests)
    taken_s: dict[bool, list[float]] = {True: [], False: []}
    for number in range(rounds):
        for on in (True, False) if number % 2 else (False, True):
            hand_over(requests)
            _switch(on)
            with taken() as t:
                step()
            taken_s[on].append(t.wall_s)
            folding.keep_up("UTC")
    _switch(True)
    pairs = zip(taken_s[True], taken_s[False], strict=True)
    return {
        "with_per_s": round(requests / statistics.median(taken_s[True])),
        "without_per_s": round(requests / statistics.median(taken_s[False])),
        "throughput_ratio": round(statistics.median(without / with_ for with_, without in pairs), 3),
        # Of the quickest round of each: what else the machine does has least to do with it.
        "ratio_of_quickest": round(min(taken_s[False]) / min(taken_s[True]), 3),
    }


def _switch(on: bool) -> None:
    with db.transaction() as session:
        db.execute(session, f"ALTER TABLE usage_record {'ENABLE' if on else 'DISABLE'} TRIGGER USER")


def _keep_live() -> None:
    at = datetime.now(UTC)
    for first in range(1, LIVE + 1, AT_ONCE):
        with db.transaction() as session:
            keep.keep(session, [_answer(number, at) for number in range(first, first + AT_ONCE)])


def _answer(number: int, at: datetime) -> Kept:
    call = Call(number, 1, "ws_default", JOB, "key_points", "openai", "gpt-5-mini", "live", 400, 300, {})
    usage = Usage(400, 0, 0, 300, reasoning_tokens=128)
    price = Price(Decimal("0.0007"), Decimal("0.0007"))
    return Kept(call, at, "gpt-5-mini-2025-08-07", '{"id": "x"}', "{}", "stop", usage, price, 800, f"req_{number}")


def _triggers() -> dict[str, Any]:
    """An insert of all records of a batch at once, and of a few: what is longer for the triggers."""
    figures = {}
    for records in (REQUESTS, AT_ONCE):
        longer = []
        for _ in range(ROUNDS):
            spent = []
            for on in (True, False):
                _switch(on)
                with db.transaction() as session:
                    # The first after a switch is planned.
                    for statement in ("TRUNCATE usage_record", INSERT, "TRUNCATE usage_record"):
                        db.execute(session, statement, records=1)
                with db.transaction() as session, taken() as t:
                    db.execute(session, INSERT, records=records)
                spent.append(t.wall_s)
            longer.append(spent[0] - spent[1])
        figures[f"of_{records}_ms"] = round(statistics.median(longer) * 1000, 2)
    _switch(True)
    return figures


INSERT = """
INSERT INTO usage_record (workspace_id, time, job_id, request_id, attempt, template_id, provider, model, lane, tier,
  input_tokens, output_tokens, cost_usd, list_usd, priced, status)
SELECT 'ws_default', now(), 'job_1', n, 1, 'qa', 'openai', 'gpt-5-mini', 'batch', 'batch', 400, 300, 0.0007, 0.0014,
  true, 'ok' FROM generate_series(1, :records) n
"""
