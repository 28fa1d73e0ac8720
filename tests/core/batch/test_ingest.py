"""Stage keep of the batch lane: result files as both providers write them, into a real database."""

import json
import math
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core.batch import ingest, leftovers, result_files
from core.batch.ingest import Ingested
from core.batch.leftovers import LeftoverRule
from core.errors import Unavailable
from core.money.pricing import price
from core.money.usage import price_json
from core.providers.anthropic import AnthropicProvider
from core.providers.batch_api import BatchLane, Refused, Remote
from core.providers.openai import OpenAIProvider
from core.providers.types import Provider
from core.providers.usage import Usage
from core.runtime import db
from tests.databases import as_owner
from tests.pipeline import change, rows

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
DAY = timedelta(days=1)
NONCE = "00c0ffee00c0ffee"
USAGE = Usage(input_tokens=1000, cached_input_tokens=200, output_tokens=50)
RULE = {"retries": 1, "then_live": False}
EVERY_STATE = "SELECT * FROM request ORDER BY id"


class OpenAIWire:
    provider, model, answered = "openai", "gpt-5-mini", "gpt-5-mini-2025-08-07"
    passing = ("server_error", "openai: Server error 500. The schema is wrong.")
    lasting = "invalid_request"

    def body(self, usage: Usage = USAGE, **more: Any) -> dict[str, Any]:
        counts = {
            "prompt_tokens": usage.input_tokens,
            "prompt_tokens_details": {"cached_tokens": usage.cached_input_tokens},
            "completion_tokens": usage.output_tokens,
        }
        message = {"role": "assistant", "content": '{"summary": "Zwei Pumpen fielen aus – \\"beide\\"."}'}
        return {"model": self.answered, "choices": [{"message": message}], "usage": counts, **more}

    def answer(self, custom_id: str, body: Any = None) -> bytes:
        return self._line(custom_id, {"status_code": 200, "request_id": "r", "body": body or self.body()}, None)

    def error(self, custom_id: str, *, passing: bool) -> bytes:
        told = {"code": None, "message": "The schema is wrong."}
        return self._line(custom_id, {"status_code": 500 if passing else 400, "body": {"error": told}}, None)

    def ended(self, custom_id: str, how: str) -> bytes:
        return self._line(custom_id, None, {"code": f"batch_{how}", "message": "It ended."})

    def _line(self, custom_id: str, response: Any, error: Any) -> bytes:
        line = {"id": "batch_req_1", "custom_id": custom_id, "response": response, "error": error}
        return json.dumps(line, ensure_ascii=False).encode()


class AnthropicWire:
    provider, model, answered = "anthropic", "claude-haiku-4-5", "claude-haiku-4-5-20251001"
    passing = ("overloaded", "anthropic: Try later.")
    lasting = "invalid_request"

    def body(self, usage: Usage = USAGE, **more: Any) -> dict[str, Any]:
        counts = {
            "input_tokens": usage.input_tokens - usage.cached_input_tokens - usage.cache_write_tokens,
            "cache_read_input_tokens": usage.cached_input_tokens,
            "cache_creation_input_tokens": usage.cache_write_tokens,
            "output_tokens": usage.output_tokens,
        }
        content = [{"type": "text", "text": '{"summary": "Zwei Pumpen – \\n beide."}'}]
        return {"model": self.answered, "content": content, "stop_reason": "end_turn", "usage": counts, **more}

    def answer(self, custom_id: str, body: Any = None) -> bytes:
        return self._line(custom_id, {"type": "succeeded", "message": body or self.body()})

    def error(self, custom_id: str, *, passing: bool) -> bytes:
        kind, message = ("overloaded_error", "Try later.") if passing else ("invalid_request_error", "Wrong.")
        error = {"type": "error", "error": {"type": kind, "message": message}}
        return self._line(custom_id, {"type": "errored", "error": error})

    def ended(self, custom_id: str, how: str) -> bytes:
        return self._line(custom_id, {"type": "canceled" if how == "cancelled" else how})

    def _line(self, custom_id: str, result: Any) -> bytes:
        return json.dumps({"custom_id": custom_id, "result": result}, ensure_ascii=False).encode()


PROVIDERS: dict[str, Provider] = {
    "openai": OpenAIProvider("key", None, 1),
    "anthropic": AnthropicProvider("key", None, 1),
}


@dataclass
class Handed:
    """A batch of a running job, handed over with its requests."""

    wire: Any
    batch: Any
    ids: list[int]
    folder: Path

    @property
    def lane(self) -> BatchLane:
        return PROVIDERS[self.wire.provider].batches

    def name(self, number: int, attempt: int = 1) -> str:
        return f"{NONCE}-{self.ids[number]}-{attempt}"

    def answer(self, number: int, body: Any = None) -> bytes:
        line: bytes = self.wire.answer(self.name(number), body)
        return line

    def keep(
        self,
        *lines: bytes,
        usage: Usage | None = None,
        at: datetime = NOW,
        before: str = "SELECT 1",
        ended_at: datetime | None = None,
    ) -> Ingested:
        path = self.folder / "results.jsonl"
        path.write_bytes(b"".join(line + b"\n" for line in lines))
        return self.keep_files([path], usage, at, before, ended_at)

    def keep_files(
        self,
        paths: list[Path],
        usage: Usage | None = None,
        at: datetime = NOW,
        before: str = "SELECT 1",
        ended_at: datetime | None = None,
    ) -> Ingested:
        remote = Remote("batch_1", "completed", "completed", NOW, usage=usage, ended_at=ended_at)
        with db.transaction(everywhere=True) as session:
            db.execute(session, before)
            return ingest.keep(session, self.batch, self.lane, paths, remote, at)

    def requests(self) -> list[dict[str, Any]]:
        return rows(EVERY_STATE)

    def states(self) -> list[str]:
        return [request["state"] for request in self.requests()]


Hand = Callable[..., Handed]


@pytest.fixture(params=[OpenAIWire, AnthropicWire], ids=["openai", "anthropic"])
def wire(request: pytest.FixtureRequest) -> Any:
    return request.param()


@pytest.fixture
def hand(database: str, tmp_path: Path) -> Hand:
    def make(wire: Any = None, requests: int = 1, **job: Any) -> Handed:
        wire = wire or OpenAIWire()
        values = {"state": "running", "leftovers": None, "deadline": None, **job}
        batch = {"id": "pb_1", "job_id": "job_1", "provider": wire.provider, "model": wire.model, "nonce": NONCE}
        with db.transaction(everywhere=True) as session:
            db.execute(session, JOB, provider=wire.provider, model=wire.model, **_json(values))
            db.execute(session, BATCH, **batch, requests=requests)
            ids = [row.id for row in db.rows(session, REQUESTS, requests=requests)]
        handed_at = {"created_at": NOW - DAY, "submitted_at": NOW - DAY, "requests": requests}
        return Handed(wire, SimpleNamespace(**batch, **handed_at), ids, tmp_path)

    return make


JOB = """
INSERT INTO job (workspace_id, id, name, template_id, template_version, params, provider, model, lane, state,
  leftovers, deadline)
VALUES ('ws_default', 'job_1', 'j', 'summarize', 1, '{}', :provider, :model, 'batch', :state,
  CAST(:leftovers AS jsonb), :deadline)
"""
BATCH = """
INSERT INTO provider_batch (id, job_id, provider, base_url, model, endpoint, nonce, state, requests)
VALUES (:id, :job_id, :provider, '', :model, '/v1/chat/completions', :nonce, 'ended', :requests)
"""
REQUESTS = """
INSERT INTO request (job_id, document_id, custom_id, fingerprint, lane, state, attempts, worker_id, provider_batch_id)
SELECT 'job_1', 'doc_' || n, 'doc_' || n, 'print ' || n, 'batch', 'in_flight', 1, 7, 'pb_1'
FROM generate_series(0, :requests - 1) n RETURNING id
"""


def _json(values: dict[str, Any]) -> dict[str, Any]:
    return {**values, "leftovers": json.dumps(values["leftovers"]) if values["leftovers"] else None}


# Answers


def test_an_answer_is_kept_raw_and_billed(hand: Hand, wire: Any) -> None:
    handed = hand(wire, 3)
    assert handed.keep(*map(handed.answer, (2, 0, 1))) == Ingested(answered=3)

    for number, request in enumerate(handed.requests()):
        assert (request["state"], request["worker_id"], request["provider_batch_id"]) == ("answered", None, "pb_1")
        (response,) = rows("SELECT *, raw::text AS body FROM response WHERE id = :id", id=request["response_id"])
        assert json.loads(response["body"]) == wire.body()
        assert (response["request_id"], response["fingerprint"]) == (request["id"], f"print {number}")
        assert (response["model"], response["created_at"]) == (wire.answered, NOW)
        assert (response["text"], response["finish_reason"], response["verdict"]) == (None, "", None)
        assert [response[f"{kind}_tokens"] for kind in ("input", "cached_input", "output")] == [1000, 200, 50]


def test_an_answer_is_booked_once_at_the_batch_price(hand: Hand, wire: Any) -> None:
    handed = hand(wire)
    usage = Usage(1000, 200, 100 if wire.provider == "anthropic" else 0, 50)
    handed.keep(handed.answer(0, wire.body(usage)))

    (record,) = rows("SELECT * FROM usage_record")
    expected = price(wire.provider, wire.answered, usage, "batch", NOW)
    assert record["cost_usd"] == expected.cost
    assert record["price"] == json.loads(price_json(expected) or "")
    assert (record["tier"], record["list_usd"]) == ("batch", expected.list_usd)
    assert Usage(*(record[f"{kind}_tokens"] for kind in ("input", "cached_input", "cache_write", "output"))) == usage
    told = ("time", "job_id", "request_id", "template_id", "attempt", "provider", "model", "lane", "priced", "status")
    assert [record[name] for name in told] == [
        *(NOW, "job_1", handed.ids[0], "summarize", 1, wire.provider, wire.answered, "batch", True, "ok")
    ]
    unset = ("latency_ms", "provider_request_id", "booking")
    assert [record[name] for name in unset] == [None] * 3


def test_a_record_tells_what_its_answer_and_its_batch_do(hand: Hand) -> None:
    handed = hand(AnthropicWire(), requests=3)
    for number, name in enumerate(["pumps", "valves"]):
        document = f"doc_{number}"
        change(COLLECTION, id=f"col_{number}", name=name)
        change(DOCUMENT, id=document, collection=f"col_{number}")
        change("UPDATE request SET document_id = :document WHERE id = :id", document=document, id=handed.ids[number])
    lives = {"cache_creation": {"ephemeral_1h_input_tokens": 60}, "output_tokens_details": {"thinking_tokens": 30}}
    more = {**lives, "server_tool_use": {"web_search_requests": 1}, "inference_geo": "us", "service_tier": "batch"}
    body = handed.wire.body(Usage(1000, 200, 100, 50))
    ended = NOW - timedelta(hours=3)
    first = handed.answer(0, {**body, "usage": {**body["usage"], **more}})
    handed.keep(first, handed.answer(1), handed.answer(2), ended_at=ended)
    record, other, without = rows("SELECT * FROM usage_record ORDER BY request_id")
    told = ("cache_write_long_tokens", "reasoning_tokens", "web_searches", "tier", "region", "collection", "time")
    assert [record[name] for name in told] == [60, 30, 1, "batch", "us", "pumps", ended]
    assert (other["collection"], without["collection"]) == ("valves", None)
    # (0.5 x 700 + 0.05 x 200 + 0.625 x 40 + 1 x 60 + 2.5 x 50) x 1.1 millionths of a dollar, and a cent for the search;
    # live it is all but the search twice as much.
    assert record["cost_usd"] == Decimal("0.010627")
    assert record["list_usd"] == Decimal("0.011254")


COLLECTION = "INSERT INTO collection (workspace_id, id, name) VALUES ('ws_default', :id, :name)"
DOCUMENT = """
WITH bytes AS (INSERT INTO blob (sha256, size_bytes) VALUES (:id, 1))
INSERT INTO document (workspace_id, id, collection_id, name, sha256, media_type, size_bytes, state)
VALUES ('ws_default', :id, :collection, 'd', :id, 'text/plain', 1, 'ready')
"""


@pytest.mark.parametrize(("hours", "holds"), [(-30, False), (-23, True), (0.05, True), (1, False)])
def test_a_batch_is_booked_when_it_ended_where_that_is_plausible(hand: Hand, hours: float, holds: bool) -> None:
    handed, ended = hand(), NOW + timedelta(hours=hours)
    handed.keep(handed.answer(0), ended_at=ended)
    assert rows("SELECT time FROM usage_record") == [{"time": ended if holds else NOW}]
    assert rows("SELECT created_at FROM response") == [{"created_at": NOW}]


def test_the_counts_are_stored_with_the_batch(hand: Hand) -> None:
    handed = hand(requests=2)
    kept = handed.keep(handed.answer(0), b"no JSON")
    assert kept == Ingested(answered=1, again=1, missing=1, odd={"unreadable": 1})
    (batch,) = rows("SELECT counts FROM provider_batch")
    assert Ingested(**batch["counts"]) == kept


TABLES = ("request", "response", "usage_record", "odd_line", "provider_batch")


def everything() -> list[Any]:
    return [rows(f"SELECT t.*::text FROM {table} t ORDER BY 1") for table in TABLES]


def test_keeping_twice_changes_nothing(hand: Hand, wire: Any) -> None:
    handed = hand(wire, 4)
    lines = [handed.answer(0), handed.answer(0), wire.error(handed.name(1), passing=True), b"no JSON", handed.answer(2)]
    total = Usage(9000, 600, 0, 900)
    first = handed.keep(*lines, usage=total)
    before = everything()
    assert handed.keep(*lines, usage=total) == first
    assert everything() == before


def test_lines_that_come_back_bill_nothing_twice_and_move_nothing(hand: Hand, wire: Any) -> None:
    handed = hand(wire, 3)
    lines = [handed.answer(0), wire.error(handed.name(1), passing=True), handed.answer(2)]
    handed.keep(*lines, usage=Usage(9000, 600, 0, 900))
    before = everything()[:3]
    change("UPDATE provider_batch SET counts = NULL")
    handed.keep(*lines, usage=Usage(9000, 600, 0, 900))
    assert everything()[:3] == before


def test_only_the_batch_s_own_requests_are_touched(hand: Hand) -> None:
    handed = hand(requests=3)
    change("UPDATE request SET provider_batch_id = 'pb_2' WHERE id = :id", id=handed.ids[1])
    change("UPDATE request SET provider_batch_id = NULL WHERE id = :id", id=handed.ids[2])
    handed.keep(handed.answer(0), handed.answer(1))
    assert handed.states() == ["answered", "in_flight", "in_flight"]


def test_several_files_blank_lines_and_foreign_line_ends(hand: Hand) -> None:
    handed = hand(requests=3)
    one, two = handed.folder / "0.jsonl", handed.folder / "1.jsonl"
    one.write_bytes(handed.answer(0) + b"\r\n\n  \n" + handed.answer(1))
    two.write_bytes(handed.answer(2) + b"\n")
    assert handed.keep_files([one, two]) == Ingested(answered=3)


def test_no_file_at_all(hand: Hand) -> None:
    assert hand(requests=2).keep_files([]) == Ingested(again=2, missing=2)


# A bill that cannot be read


SENSELESS: dict[str, list[Any]] = {
    "openai": [
        None, {}, [], "12", 7, {"total_tokens": 9}, {"prompt_tokens": 0, "completion_tokens": 0},
        {"prompt_tokens": -1, "completion_tokens": 1}, {"prompt_tokens": "many", "completion_tokens": 1},
        {"prompt_tokens": 10, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 11}},
        {"prompt_tokens": 10**12, "completion_tokens": 1}, {"prompt_tokens": 1.5, "completion_tokens": 1},
        {"prompt_tokens": math.nan, "completion_tokens": 1}, {"prompt_tokens": 10**18, "completion_tokens": 1},
        {"prompt_tokens": True, "completion_tokens": 1}, {"prompt_tokens": None, "completion_tokens": None},
        {"prompt_tokens": 30_000, "completion_tokens": 1},
    ],
    "anthropic": [
        None, {}, [], "12", 7, {"input_tokens": 0, "output_tokens": 0}, {"input_tokens": -1, "output_tokens": 1},
        {"input_tokens": "10", "output_tokens": 1}, {"input_tokens": 10, "output_tokens": [1]},
        {"input_tokens": math.nan, "output_tokens": 1}, {"input_tokens": 10**18, "output_tokens": 1},
        {"input_tokens": True, "output_tokens": 1}, {"input_tokens": math.inf, "output_tokens": 1},
        {"input_tokens": 30_000, "output_tokens": 1},
    ],
}  # fmt: skip
TOLD = {"prompt_tokens", "completion_tokens", "input_tokens", "output_tokens"}


def reason_of(usage: Any) -> str:
    given = isinstance(usage, dict) and any(usage.get(name) is not None for name in TOLD)
    return "odd_usage" if given or not isinstance(usage, dict | None) else "no_usage"


def test_senseless_token_counts_are_kept_as_an_unknown_cost(hand: Hand, wire: Any) -> None:
    usages = SENSELESS[wire.provider]
    handed = hand(wire, requests=len(usages) + 2)
    # More tokens than the request has bytes, and than a server may put before it.
    change("UPDATE request SET body_bytes = 5000")
    bodies = [handed.wire.body() | {"usage": usage} for usage in usages]
    without = {name: value for name, value in handed.wire.body().items() if name != "usage"}
    lines = [handed.answer(number, body) for number, body in enumerate([*bodies, without])]
    assert handed.keep(*lines, handed.answer(len(lines))) == Ingested(answered=len(lines) + 1)
    *senseless, sound = rows("SELECT * FROM usage_record ORDER BY request_id")
    reasons = [record["unpriced_reason"] for record in senseless]
    assert reasons == [reason_of(usage) for usage in [*usages, None]]
    for record in senseless:
        assert (record["cost_usd"], record["priced"], record["input_tokens"]) == (None, False, 0)
        assert (record["price"], record["tier"], record["list_usd"]) == (None, "batch", None)
        assert record["model"] == handed.wire.answered
    assert sound["cost_usd"] == price(wire.provider, handed.wire.answered, USAGE, "batch", NOW).cost


REFUSED: dict[str, list[dict[str, Any]]] = {
    "openai": [
        {"error": {"message": "Slow down.", "code": 429}},
        {"error": "No."},
        {"choices": None, "usage": {"prompt_tokens": 9, "completion_tokens": 1}},
        {"choices": []},
    ],
    "anthropic": [
        {"type": "error", "error": {"type": "overloaded_error", "message": "Slow down."}},
        {"error": "No."},
        {"content": None, "usage": {"input_tokens": 9, "output_tokens": 1}},
    ],
}


def test_a_body_of_status_200_without_an_answer_is_a_refusal_and_not_billed(hand: Hand, wire: Any) -> None:
    bodies = REFUSED[wire.provider]
    handed = hand(wire, requests=len(bodies))
    lines = [handed.answer(number, body) for number, body in enumerate(bodies)]
    assert handed.keep(*lines) == Ingested(again=1, failed=len(bodies) - 1)
    passing, refused, *_ = handed.requests()
    assert (passing["state"], refused["state"], refused["error_code"]) == ("pending", "failed", "invalid_request")
    assert "No." in refused["error_message"]
    assert rows("SELECT 1 FROM usage_record") == []


def test_an_unknown_model_has_no_price(hand: Hand, wire: Any) -> None:
    handed = hand(wire)
    handed.keep(handed.answer(0, wire.body(model="no-such-model")))
    (record,) = rows("SELECT * FROM usage_record")
    assert (record["cost_usd"], record["priced"], record["input_tokens"]) == (None, False, 1000)
    assert (record["price"], record["unpriced_reason"]) == (None, "no_price")


def test_an_answer_that_names_no_model_is_booked_on_the_batch_s(hand: Hand, wire: Any) -> None:
    handed = hand(wire)
    handed.keep(handed.answer(0, wire.body(model="")))
    (record,) = rows("SELECT model, priced FROM usage_record")
    assert record == {"model": wire.model, "priced": True}


def test_models_are_priced_each_by_itself(hand: Hand) -> None:
    handed = hand(requests=4)
    models = ["gpt-5-mini", "no-such-model", "gpt-5.4", "gpt-5-mini"]
    handed.keep(*(handed.answer(n, handed.wire.body(model=model)) for n, model in enumerate(models)))
    booked = rows("SELECT model, cost_usd, price FROM usage_record ORDER BY request_id")
    for record, model in zip(booked, models, strict=True):
        expected = price("openai", model, USAGE, "batch", NOW)
        assert (record["model"], record["cost_usd"]) == (model, expected.cost)
        assert record["price"] == (json.loads(found) if (found := price_json(expected)) else None)


def test_the_offline_engine_costs_nothing(hand: Hand) -> None:
    from core.providers.offline import OfflineProvider

    handed = hand()
    handed.batch.provider, handed.batch.model = "offline", "offline-1"
    path = handed.folder / "0.jsonl"
    body = {"summary": "Two pumps failed."}
    path.write_bytes(handed.wire.answer(handed.name(0), body))
    with db.transaction(everywhere=True) as session:
        remote = Remote("offline_1", "completed", "completed", NOW)
        assert ingest.keep(session, handed.batch, OfflineProvider().batches, [path], remote, NOW) == Ingested(
            answered=1
        )
    (record,) = rows("SELECT model, cost_usd, priced, input_tokens FROM usage_record")
    assert record == {"model": "offline-1", "cost_usd": Decimal(0), "priced": True, "input_tokens": 0}
    assert rows("SELECT raw FROM response") == [{"raw": body}]


# What no line accounts for


def test_what_the_batch_s_total_holds_beyond_its_lines_is_booked_once(hand: Hand) -> None:
    handed = hand(requests=3)
    handed.keep(handed.answer(0), handed.answer(0), b"{" + handed.answer(1), usage=Usage(2500, 300, 0, 90))
    (record,) = rows("SELECT * FROM usage_record WHERE request_id IS NULL")
    beyond = Usage(1500, 100, 0, 40)
    assert record["status"] == "unattributed"
    assert Usage(record["input_tokens"], record["cached_input_tokens"], 0, record["output_tokens"]) == beyond
    assert record["cost_usd"] == price("openai", "gpt-5-mini", beyond, "batch", NOW).cost
    told = ("job_id", "booking", "template_id", "model", "lane", "attempt", "time")
    assert [record[n] for n in told] == ["job_1", "batch:pb_1", "summarize", "gpt-5-mini", "batch", None, NOW]


def test_what_no_line_accounts_for_has_the_rates_of_an_average_call(hand: Hand) -> None:
    """Together it is 400,000 tokens, which cost gpt-5.4 twice as much in one prompt."""
    handed = hand(requests=4)
    handed.batch.model = "gpt-5.4"
    handed.keep(b"{", usage=Usage(400_000, output_tokens=4_000))
    (record,) = rows("SELECT * FROM usage_record")
    # A batch: 1.25 in, 7.5 out; live 2.5 and 15.
    assert record["cost_usd"] == Decimal("0.53")
    assert record["list_usd"] == Decimal("1.06")


@pytest.mark.parametrize("usage", [None, USAGE, Usage(10, 5, 0, 5), Usage(0, 900, 0, 0)])
def test_nothing_is_booked_where_the_lines_account_for_all(hand: Hand, usage: Usage | None) -> None:
    handed = hand()
    handed.keep(handed.answer(0), usage=usage)
    assert rows("SELECT status FROM usage_record") == [{"status": "ok"}]


# Requests that went away meanwhile


def test_an_answer_of_a_cancelled_or_deleted_request_is_billed_only(hand: Hand, wire: Any) -> None:
    handed = hand(wire, 3)
    change("UPDATE request SET state = 'cancelled' WHERE id = :id", id=handed.ids[0])
    change("DELETE FROM request WHERE id = :id", id=handed.ids[1])
    assert handed.keep(*map(handed.answer, range(3))) == Ingested(answered=1)
    assert handed.states() == ["cancelled", "answered"]
    assert rows("SELECT request_id FROM response") == [{"request_id": handed.ids[2]}]
    assert [r["request_id"] for r in rows("SELECT request_id FROM usage_record ORDER BY 1")] == handed.ids


def test_a_failure_of_a_cancelled_or_deleted_request_is_nothing(hand: Hand, wire: Any) -> None:
    handed = hand(wire, 2)
    change("UPDATE request SET state = 'cancelled' WHERE id = :id", id=handed.ids[0])
    change("DELETE FROM request WHERE id = :id", id=handed.ids[1])
    assert handed.keep(*(wire.error(handed.name(n), passing=True) for n in (0, 1))) == Ingested()
    assert handed.states() == ["cancelled"]
    assert rows("SELECT id FROM usage_record") == []


def test_a_deleted_job_s_answers_are_billed(hand: Hand) -> None:
    handed = hand()
    change("DELETE FROM request")
    change("DELETE FROM job")
    handed.keep(handed.answer(0))
    assert rows("SELECT job_id, template_id FROM usage_record") == [{"job_id": "job_1", "template_id": None}]


def test_nothing_goes_out_again_for_a_deleted_job(hand: Hand, wire: Any) -> None:
    handed = hand(wire, 2)
    change("DELETE FROM job")
    assert handed.keep(wire.error(handed.name(0), passing=True)) == Ingested(cancelled=2, missing=1)


# Odd lines


def test_odd_lines_are_kept_raw_counted_by_kind_and_spoil_nothing(hand: Hand, wire: Any) -> None:
    handed = hand(wire, 6)
    odd = {
        "not_utf8": handed.answer(1).replace(b"Zwei", b"Zw\xff"),
        "unreadable": handed.answer(2)[:-20],
        "unknown": wire.answer("request-1"),
        "duplicate": handed.answer(0, wire.body(Usage(7, 0, 0, 7))),
    }
    kept = handed.keep(handed.answer(0), *odd.values(), handed.answer(5))
    assert kept == Ingested(answered=2, again=4, missing=4, odd=dict.fromkeys(odd, 1))
    assert handed.states() == ["answered", *["pending"] * 4, "answered"]
    assert {row["kind"]: row["raw"] for row in rows("SELECT kind, raw FROM odd_line WHERE batch_id = 'pb_1'")} == odd
    assert rows("SELECT DISTINCT input_tokens FROM usage_record") == [{"input_tokens": 1000}]


@pytest.mark.parametrize(
    "line",
    [
        b"null",
        b"[]",
        b"{}",
        b'{"custom_id": 1}',
        b'{"custom_id": "x", "response": {"status_code": 200}, "result": {"type": "succeeded"}}',
        b'{"custom_id": "x", "response": {"status_code": 200, "body": 1}, "result": {"type": "succeeded"}}',
        b'{"custom_id": "x", "response": {"status_code": 200}, "result": {"type": "succeeded", "message": 1}}',
        b'{"custom_id": "x", "response": {"status_code": 200, "body": {"a": "\\ud800"}}, "result": {"a": "\\ud800"}}',
        b'{"custom_id": "x", "more": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)
def test_what_is_no_result_is_unreadable(hand: Hand, wire: Any, line: bytes) -> None:
    handed = hand(wire)
    assert handed.keep(line, handed.answer(0)) == Ingested(answered=1, odd={"unreadable": 1})


@pytest.mark.parametrize(
    "name",
    [
        "deadbeefdeadbeef-{id}-1",
        NONCE + "-{id}",
        NONCE + "-{id}-1-1",
        NONCE + "-{id}-x",
        NONCE + "{id}-1",
        NONCE + "-{id}-2",
        NONCE + "-{id}-99999999999",
        NONCE + "-9999999999999999999-1",
        NONCE + "-\N{ARABIC-INDIC DIGIT ONE}-1",
        "",
    ],
)
def test_a_line_of_another_hand_over_is_unknown(hand: Hand, wire: Any, name: str) -> None:
    handed = hand(wire)
    line = wire.answer(name.format(id=handed.ids[0]))
    error = wire.error(name.format(id=handed.ids[0]), passing=False)
    assert handed.keep(line, error) == Ingested(again=1, missing=1, odd={"unknown": 2})
    assert rows("SELECT id FROM usage_record") == []


def test_a_duplicate_is_known_however_far_behind_it_comes(hand: Hand) -> None:
    count = result_files.BLOCK_LINES + 1
    handed = hand(requests=count)
    lines = [handed.answer(n) for n in range(count)]
    late = [handed.answer(0), handed.wire.error(handed.name(1), passing=False)]
    assert handed.keep(*lines, *late) == Ingested(answered=count, odd={"duplicate": 2})
    assert rows("SELECT count(*) AS n FROM usage_record") == [{"n": count}]


def test_an_answer_counts_before_an_error_about_the_same_request(hand: Hand, wire: Any) -> None:
    handed = hand(wire)
    error = wire.error(handed.name(0), passing=False)
    assert handed.keep(error, handed.answer(0)) == Ingested(answered=1, odd={"duplicate": 1})
    assert rows("SELECT raw FROM odd_line") == [{"raw": error}]


# The server's stack is made small, as what no server takes cannot be read by us either.
SMALL_STACK = "SET LOCAL max_stack_depth = '100kB'"


def test_an_answer_that_the_database_refuses_is_kept_as_a_string_and_fails(hand: Hand, wire: Any) -> None:
    handed = hand(wire, 9)
    deep: Any = []
    for _ in range(900):
        deep = [deep]
    bodies = {n: wire.body(more=deep) if n in (0, 4, 5) else wire.body() for n in range(9)}
    lines = [handed.answer(n, body) for n, body in bodies.items()]
    with as_owner() as owner:
        owner.execute("GRANT SET ON PARAMETER max_stack_depth TO PUBLIC")
    assert handed.keep(*lines, before=SMALL_STACK) == Ingested(answered=6, failed=3)

    for number, request in enumerate(handed.requests()):
        refused = number in (0, 4, 5)
        assert request["state"] == ("failed" if refused else "answered")
        assert request["error_code"] == ("not_storable" if refused else None)
        (response,) = rows("SELECT raw, verdict FROM response WHERE id = :id", id=request["response_id"])
        assert (json.loads(response["raw"]) if refused else response["raw"]) == bodies[number]
        assert response["verdict"] == ("not_storable" if refused else None)
    assert len(rows("SELECT id FROM usage_record")) == 9


def test_bodies_with_escaped_nul_and_of_megabytes_are_stored_as_they_are(hand: Hand, wire: Any) -> None:
    handed = hand(wire, 2)
    bodies = [wire.body(more="\x00\t\\ \u2028"), wire.body(more="x" * 3_000_000)]
    assert handed.keep(*map(handed.answer, (0, 1), bodies)) == Ingested(answered=2)
    assert [json.loads(r["raw"]) for r in rows("SELECT raw::text FROM response ORDER BY request_id")] == bodies


def test_a_model_s_name_that_no_text_can_hold(hand: Hand, wire: Any) -> None:
    handed = hand(wire)
    handed.keep(handed.answer(0, wire.body(model="gpt\x00")))
    assert rows("SELECT model FROM response UNION SELECT model FROM usage_record") == [{"model": "gpt"}]


# What is left over


@pytest.mark.parametrize(
    ("state", "given", "deadline", "expected"),
    [
        ("running", None, None, LeftoverRule(passing=2)),
        ("paused", None, None, LeftoverRule(passing=2)),
        ("running", None, NOW + timedelta(seconds=1), LeftoverRule(passing=2)),
        ("running", None, NOW, LeftoverRule()),
        ("running", {"retries": 3, "then_live": True}, None, LeftoverRule(3, 3, then_live=True)),
        ("running", {"retries": 0, "then_live": False}, NOW + timedelta(days=1), LeftoverRule(0, 0)),
        ("running", {"retries": 3, "then_live": True}, NOW, LeftoverRule()),
        ("cancelling", {"retries": 3, "then_live": True}, None, LeftoverRule(dropped=True)),
        ("cancelled", None, None, LeftoverRule(dropped=True)),
        ("failed", {"retries": 3, "then_live": True}, None, LeftoverRule()),
        ("completed", None, None, LeftoverRule()),
        (None, None, None, LeftoverRule(dropped=True)),
    ],
)
def test_a_job_s_rule(state: str | None, given: Any, deadline: datetime | None, expected: LeftoverRule) -> None:
    assert leftovers.rule(state, given, deadline, NOW) == expected


def left(handed: Handed) -> list[tuple[Any, ...]]:
    names = ("state", "lane", "resent", "error_code", "provider_batch_id")
    return [tuple(request[name] for name in names) for request in handed.requests()]


def test_a_passing_error_goes_out_again_twice_and_then_fails(hand: Hand, wire: Any) -> None:
    handed = hand(wire, 3)
    change("UPDATE request SET resent = id - :first", first=handed.ids[0])
    assert handed.keep(*(wire.error(handed.name(n), passing=True) for n in range(3))) == Ingested(again=2, failed=1)
    code, message = wire.passing
    assert left(handed) == [
        ("pending", "batch", 1, None, None),
        ("pending", "batch", 2, None, None),
        ("failed", "batch", 2, code, "pb_1"),
    ]
    again, _, failed = handed.requests()
    assert (failed["error_message"], failed["finished_at"], failed["worker_id"]) == (message, NOW, None)
    assert (again["error_message"], again["finished_at"], again["worker_id"]) == (None, None, None)


def test_a_lasting_error_fails_whatever_the_rule(hand: Hand, wire: Any) -> None:
    handed = hand(wire, leftovers={"retries": 5, "then_live": True})
    assert handed.keep(wire.error(handed.name(0), passing=False)) == Ingested(failed=1)
    assert left(handed) == [("failed", "batch", 0, wire.lasting, "pb_1")]


@pytest.mark.parametrize("how", ["expired", "cancelled"])
def test_what_expired_or_was_cancelled_waits_for_a_person(hand: Hand, wire: Any, how: str) -> None:
    handed = hand(wire, 2)
    assert handed.keep(handed.answer(1), wire.ended(handed.name(0), how)) == Ingested(answered=1, failed=1)
    assert left(handed)[0] == ("failed", "batch", 0, how, "pb_1")


@pytest.mark.parametrize("how", ["expired", "cancelled"])
def test_what_expired_or_was_cancelled_goes_out_again_by_the_job_s_rule(hand: Hand, wire: Any, how: str) -> None:
    handed = hand(wire, 2, leftovers=RULE)
    change("UPDATE request SET resent = id - :first", first=handed.ids[0])
    assert handed.keep(*(wire.ended(handed.name(n), how) for n in range(2))) == Ingested(again=1, failed=1)
    assert left(handed) == [("pending", "batch", 1, None, None), ("failed", "batch", 1, how, "pb_1")]


def test_a_rule_that_ends_live_does_so_once(hand: Hand, wire: Any) -> None:
    handed = hand(wire, 3, leftovers={"retries": 1, "then_live": True})
    change("UPDATE request SET resent = id - :first", first=handed.ids[0])
    lines = wire.ended(handed.name(0), "expired"), wire.error(handed.name(1), passing=True)
    assert handed.keep(*lines) == Ingested(again=2, failed=1, missing=1)
    assert left(handed) == [
        ("pending", "batch", 1, None, None),
        ("pending", "live", 2, None, None),
        ("failed", "batch", 2, "missing", "pb_1"),
    ]


def test_what_is_missing_goes_out_again_twice_and_then_fails(hand: Hand) -> None:
    handed = hand(requests=3)
    change("UPDATE request SET resent = 2 WHERE id = :id", id=handed.ids[0])
    assert handed.keep(handed.answer(1)) == Ingested(answered=1, again=1, failed=1, missing=2)
    assert left(handed)[0] == ("failed", "batch", 2, "missing", "pb_1")
    assert left(handed)[2] == ("pending", "batch", 1, None, None)
    assert handed.requests()[0]["error_message"] == ingest.MISSING


@pytest.mark.parametrize("state", ["cancelling", "cancelled"])
def test_a_cancelled_job_keeps_what_was_answered_and_sends_nothing_again(hand: Hand, wire: Any, state: str) -> None:
    handed = hand(wire, 4, state=state, leftovers={"retries": 5, "then_live": True})
    lines = [wire.error(handed.name(1), passing=True), wire.ended(handed.name(2), "cancelled")]
    assert handed.keep(handed.answer(0), *lines) == Ingested(answered=1, cancelled=3, missing=1)
    assert handed.states() == ["answered", "cancelled", "cancelled", "cancelled"]
    assert {(r["error_code"], r["finished_at"]) for r in handed.requests()[1:]} == {(None, NOW)}


def test_one_that_is_asked_again_keeps_the_error_it_is_repaired_by(hand: Hand) -> None:
    handed = hand(requests=2)
    change("UPDATE request SET asked_again = true, error_code = 'schema', error_message = 'No summary.'")
    change("UPDATE request SET resent = 2 WHERE id = :id", id=handed.ids[1])
    handed.keep()
    again, failed = handed.requests()
    assert (again["state"], again["error_code"], again["error_message"]) == ("pending", "schema", "No summary.")
    assert (failed["error_code"], failed["error_message"]) == ("missing", ingest.MISSING)


def test_a_provider_s_words_are_stored_whatever_they_are(hand: Hand) -> None:
    handed = hand()
    error = {"code": "odd\x00", "message": "\x00" + "x" * 5000}
    line = json.dumps({"custom_id": handed.name(0), "response": None, "error": error}).encode()
    handed.keep(line)
    (request,) = handed.requests()
    assert (request["error_code"], request["error_message"]) == ("odd", "x" * 299)


# Batches without results


def test_results_that_are_gone_fail_and_say_what_to_do(hand: Hand) -> None:
    handed = hand(requests=2, leftovers={"retries": 5, "then_live": True})
    change("UPDATE request SET state = 'cancelled' WHERE id = :id", id=handed.ids[0])
    with db.transaction(everywhere=True) as session:
        assert ingest.gone(session, handed.batch, NOW) == Ingested(failed=1)
    cancelled, failed = handed.requests()
    assert cancelled["state"] == "cancelled"
    assert (failed["state"], failed["error_code"], failed["error_message"]) == ("failed", "results_gone", ingest.GONE)


def refuse(handed: Handed, *reasons: Refused) -> Ingested:
    with db.transaction(everywhere=True) as session:
        return ingest.refused(session, handed.batch, reasons, NOW)


def test_lines_that_are_to_blame_fail_and_the_others_wait_again(hand: Hand) -> None:
    handed = hand(requests=4)
    change("UPDATE request SET state = 'cancelled' WHERE id = :id", id=handed.ids[0])
    reasons = [Refused("bad_model", "No such model.", 1), Refused("bad_body", "Wrong body.", 3), Refused("all", "Bad.")]
    assert refuse(handed, *reasons) == Ingested(failed=1, again=2)
    assert left(handed) == [
        ("cancelled", "batch", 0, None, "pb_1"),
        ("pending", "batch", 0, None, None),
        ("failed", "batch", 0, "bad_body", "pb_1"),
        ("pending", "batch", 0, None, None),
    ]
    assert handed.requests()[2]["error_message"] == "Wrong body."


def test_a_line_of_a_cancelled_request_is_to_blame_all_the_same(hand: Hand) -> None:
    handed = hand(requests=2)
    change("UPDATE request SET state = 'cancelled' WHERE id = :id", id=handed.ids[0])
    assert refuse(handed, Refused("bad_body", "Wrong body.", 1)) == Ingested(again=1)
    assert handed.states() == ["cancelled", "pending"]


@pytest.mark.parametrize("reasons", [[Refused("empty_file", "No requests.")], [Refused("bad", "No requests.", 99)]])
def test_without_a_line_to_blame_all_fail(hand: Hand, reasons: list[Refused]) -> None:
    handed = hand(requests=2)
    assert refuse(handed, *reasons) == Ingested(failed=2)
    assert {r["error_message"] for r in handed.requests()} == {"No requests."}
    assert {r["error_code"] for r in handed.requests()} == {reasons[0].code}


def test_a_refusal_without_a_reason_says_what_to_do(hand: Hand) -> None:
    handed = hand()
    assert refuse(handed) == Ingested(failed=1)
    assert handed.requests()[0]["error_message"] == ingest.NO_REASON


def test_a_full_queue_is_nobody_s_fault(hand: Hand) -> None:
    handed = hand(requests=2)
    assert refuse(handed, Refused("token_limit_exceeded", "Enqueued token limit reached.")) == Ingested(again=2)
    assert left(handed) == [("pending", "batch", 0, None, None)] * 2


def test_a_cancelled_job_s_refused_batch_is_cancelled(hand: Hand) -> None:
    handed = hand(requests=2, state="cancelling")
    assert refuse(handed, Refused("token_limit_exceeded", "Full.")) == Ingested(cancelled=2)
    assert handed.states() == ["cancelled"] * 2


# Reading


@pytest.mark.parametrize("endpoint", ["/v1/chat/completions", "/v1/responses", "/v1/embeddings"])
def test_an_openai_bill_is_read_as_the_live_lane_reads_it(endpoint: str) -> None:
    bodies: dict[str, dict[str, Any]] = {
        "/v1/chat/completions": OpenAIWire().body(),
        "/v1/responses": {
            "model": "gpt-5-mini",
            "output": [],
            "usage": {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 3},
        },
        "/v1/embeddings": {"model": "text-embedding-3-small", "data": [], "usage": {"prompt_tokens": 5}},
    }
    provider = PROVIDERS["openai"]
    for usage in (bodies[endpoint]["usage"], None):
        body = json.dumps(bodies[endpoint] | {"usage": usage}).encode()
        parsed, used = provider.parse(body, endpoint), provider.batches.used(body)
        assert (used.model, used.usage) == (parsed.model, parsed.usage)


@pytest.mark.parametrize("more", [{}, {"cache_read_input_tokens": None}, {"cache_read_input_tokens": 5}])
def test_an_anthropic_bill_is_read_as_the_live_lane_reads_it(more: dict[str, Any]) -> None:
    provider, body = PROVIDERS["anthropic"], AnthropicWire().body(Usage(100, 0, 30, 5))
    raw = json.dumps(body | {"usage": body["usage"] | more}).encode()
    parsed, used = provider.parse(raw), provider.batches.used(raw)
    assert (used.model, used.usage) == (parsed.model, parsed.usage)


def test_memory_stays_flat(hand: Hand) -> None:
    """Three times the lines, in the same room: what one block takes."""
    handed, peaks = hand(requests=3 * result_files.BLOCK_LINES), []
    body = handed.wire.body(more="x" * 1000)
    lines = [handed.answer(n, body) for n in range(3 * result_files.BLOCK_LINES)]
    for count in (1, 3):
        path = handed.folder / f"{count}.jsonl"
        path.write_bytes(b"\n".join(lines[: count * result_files.BLOCK_LINES]))
    del lines
    for count in (1, 3):
        change("UPDATE request SET state = 'in_flight', provider_batch_id = 'pb_1'")
        change("UPDATE provider_batch SET counts = NULL")
        change("DELETE FROM usage_record")
        tracemalloc.start()
        try:
            assert handed.keep_files([handed.folder / f"{count}.jsonl"]).answered == count * result_files.BLOCK_LINES
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0]


def test_a_connection_that_ends_under_the_driver_is_worth_a_retry(database: str) -> None:
    with pytest.raises(Unavailable), db.transaction() as session:
        db.driver_connection(session).execute("SELECT pg_terminate_backend(pg_backend_pid())")
