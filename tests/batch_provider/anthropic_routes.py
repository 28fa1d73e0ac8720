"""Anthropic's message batches."""

import re
from datetime import UTC, datetime
from typing import Any

import orjson
from aiohttp import web

from tests.batch_provider.faults import Holds, refusal, send_file
from tests.batch_provider.lines import Request
from tests.batch_provider.state import Batch, Batches

MOST_REQUESTS = 100_000
MOST_BYTES = 256 << 20
_CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class AnthropicRoutes:
    def __init__(self, state: Batches, holds: Holds) -> None:
        self._state = state
        self._holds = holds

    async def create(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        if len(raw) > MOST_BYTES:
            return _no(413, "Request exceeds the maximum size")
        try:
            requests = read_requests(orjson.loads(raw))
        except orjson.JSONDecodeError:
            return _no(400, "The request body is not valid JSON")
        except ValueError as error:
            return _no(400, str(error))
        with self._state.lock:
            return web.json_response(self._batch(request, self._state.add("anthropic", requests, "in_progress")))

    async def retrieve(self, request: web.Request) -> web.StreamResponse:
        with self._state.lock:
            batch = self._state.found("anthropic", request.match_info["id"])
            if batch is None:
                return _no_batch(request)
            self._state.poll(batch)
            return web.json_response(self._batch(request, batch))

    async def cancel(self, request: web.Request) -> web.StreamResponse:
        with self._state.lock:
            batch = self._state.found("anthropic", request.match_info["id"])
            if batch is None:
                return _no_batch(request)
            if batch.ended:
                return _no(400, f"Batch {batch.id} cannot be canceled: it has ended")
            if batch.state != "canceling":
                self._state.cancel(batch)
            return web.json_response(self._batch(request, batch))

    async def delete(self, request: web.Request) -> web.StreamResponse:
        with self._state.lock:
            batch = self._state.found("anthropic", request.match_info["id"])
            if batch is None:
                return _no_batch(request)
            if not batch.ended:
                return _no(400, f"Batch {batch.id} cannot be deleted while it is {batch.state}")
            batch.deleted = True
        return web.json_response({"id": batch.id, "type": "message_batch_deleted"})

    async def results(self, request: web.Request) -> web.StreamResponse:
        with self._state.lock:
            batch = self._state.found("anthropic", request.match_info["id"])
            if batch is None or batch.archived:
                return _no_batch(request)
            if batch.results is None:
                return _no(400, f"Batch {batch.id} has no available results: it is {batch.state}")
            batch.downloads += 1
            fault = self._state.results_file
        if fault and batch.downloads > fault.times:
            fault = None
        if fault and fault.kind == "gone":
            return _no_batch(request)
        return await send_file(request, batch.results, fault, lambda: self._holds.wait("results.middle"))

    async def list(self, request: web.Request) -> web.StreamResponse:
        limit = request.query.get("limit", "20")
        if not limit.isdecimal() or not 1 <= int(limit) <= 1_000:
            return _no(400, "limit: must be from 1 to 1000")
        after, fault = request.query.get("after_id"), self._state.listing_fault
        if after and fault == "second_page_fails":
            return _no(500, "Internal server error")
        with self._state.lock:
            batches = self._state.listed("anthropic", first_page=not after)
            ids = [batch.id for batch in batches]
            if after and after not in ids:
                return _no(400, f"{after} is no batch")
            rest = batches[ids.index(after) + 1 :] if after else batches
            page = rest[: int(limit)]
            return web.json_response(
                {
                    "data": [self._batch(request, batch) for batch in page],
                    "first_id": page[0].id if page else None,
                    "last_id": page[-1].id if page else None,
                    "has_more": len(rest) > len(page) and fault != "ends_early",
                }
            )

    def _batch(self, request: web.Request, batch: Batch) -> dict[str, Any]:
        times = batch.times
        there = batch.ended and not batch.archived
        return {
            "id": batch.id,
            "type": "message_batch",
            "processing_status": batch.state,
            "request_counts": _counts(batch),
            "created_at": _time(batch.created_at),
            "expires_at": _time(batch.created_at + 86_400),
            "ended_at": _time(times.get("ended_at")),
            "cancel_initiated_at": _time(times.get("canceling_at")),
            "archived_at": _time(times.get("ended_at")) if batch.archived else None,
            "results_url": f"http://{request.host}/v1/messages/batches/{batch.id}/results" if there else None,
        }


def read_requests(asked: Any) -> list[Request]:
    """Raises ValueError with what is wrong."""
    sent = asked.get("requests") if isinstance(asked, dict) else None
    if not isinstance(sent, list) or not sent:
        raise ValueError("requests: at least one is required")
    if len(sent) > MOST_REQUESTS:
        raise ValueError(f"requests: at most {MOST_REQUESTS} are allowed")
    requests = [_read(index, item) for index, item in enumerate(sent)]
    if len({request.custom_id for request in requests}) < len(requests):
        raise ValueError("requests: every custom_id must be unique")
    return requests


def _read(index: int, item: Any) -> Request:
    custom_id, params = item.get("custom_id"), item.get("params")
    if not isinstance(custom_id, str) or not _CUSTOM_ID.fullmatch(custom_id):
        raise ValueError(f"requests.{index}.custom_id: should match '^[a-zA-Z0-9_-]{{1,64}}$'")
    if not isinstance(params, dict):
        raise ValueError(f"requests.{index}.params: field required")
    if params.get("stream"):
        raise ValueError(f"requests.{index}.params.stream: streaming is not supported in batches")
    if params.get("max_tokens") == 0:
        raise ValueError(f"requests.{index}.params.max_tokens: must be at least 1 in batches")
    return Request(custom_id, orjson.dumps(params))


def _counts(batch: Batch) -> dict[str, int]:
    counts: dict[str, int] = {name: batch.outcomes[name] for name in ("succeeded", "errored", "canceled", "expired")}
    return {"processing": len(batch.requests) - sum(counts.values()), **counts}


def _time(at: int | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


def _no(status: int, message: str) -> web.Response:
    return refusal("anthropic", status, message)


def _no_batch(request: web.Request) -> web.Response:
    return _no(404, f"Message Batch {request.match_info['id']} not found")
