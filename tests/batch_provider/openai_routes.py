"""OpenAI's files and batches."""

from collections.abc import Callable
from typing import Any

import orjson
from aiohttp import web

from tests.batch_provider.faults import FileFault, Holds, refusal, send_file
from tests.batch_provider.lines import ANSWERS, Request, response_usage
from tests.batch_provider.state import Batch, Batches, StoredFile

MOST_REQUESTS = 50_000
MOST_BYTES = 200_000_000
MONTH_S = 30 * 86_400
STAMPS = "in_progress finalizing completed failed expired cancelling cancelled".split()


class OpenAIRoutes:
    def __init__(self, state: Batches, holds: Holds) -> None:
        self._state = state
        self._holds = holds

    async def upload(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        file, purpose = form.get("file"), form.get("purpose")
        if not isinstance(file, web.FileField) or not isinstance(purpose, str):
            return _no(400, "'file' and 'purpose' are required properties")
        if purpose == "batch" and not file.filename.endswith(".jsonl"):
            return _no(400, "Invalid file format for Batch API. Must be .jsonl")
        content = file.file.read()
        if purpose == "batch" and len(content) > MOST_BYTES:
            return _no(413, "File is too large for Batch API.")
        seconds = form.get("expires_after[seconds]")
        expires = int(str(seconds)) if seconds else MONTH_S if purpose == "batch" else None
        with self._state.lock:
            return web.json_response(_file(self._state.store(file.filename, purpose, content, expires)))

    async def file(self, request: web.Request) -> web.StreamResponse:
        with self._state.lock:
            stored = self._state.stored(request.match_info["id"])
            return web.json_response(_file(stored)) if stored else _no_file(request)

    async def content(self, request: web.Request) -> web.StreamResponse:
        with self._state.lock:
            stored = self._state.stored(request.match_info["id"])
            if stored is None:
                return _no_file(request)
            stored.downloads += 1
            fault = self._fault(stored)
        if fault and fault.kind == "gone":
            return _no_file(request)
        return await send_file(request, stored.content, fault, lambda: self._holds.wait("content.middle"))

    def _fault(self, file: StoredFile) -> FileFault | None:
        if file.purpose != "batch_output":
            return None
        fault = self._state.error_file if file.filename.endswith("_error.jsonl") else self._state.output_file
        return fault if fault and file.downloads <= fault.times else None

    async def files(self, request: web.Request) -> web.StreamResponse:
        with self._state.lock:
            purpose = request.query.get("purpose")
            files = [file for file in self._state.files if purpose in (None, file.purpose)]
        if request.query.get("order", "desc") == "desc":
            files.reverse()
        return _page(request, files, _file, 10_000, 10_000)

    async def delete_file(self, request: web.Request) -> web.StreamResponse:
        with self._state.lock:
            stored = self._state.stored(request.match_info["id"])
            if stored is None:
                return _no_file(request)
            stored.deleted = True
        return web.json_response({"id": stored.id, "object": "file", "deleted": True})

    async def create(self, request: web.Request) -> web.StreamResponse:
        try:
            asked = orjson.loads(await request.read())
            wrong = _refused(asked)
        except (orjson.JSONDecodeError, AttributeError, TypeError):
            return _no(400, "We could not parse the JSON body of your request.")
        if wrong:
            return _no(400, wrong)
        with self._state.lock:
            stored = self._state.stored(str(asked.get("input_file_id")))
            if stored is None:
                return _no(404, f"No such File object: {asked.get('input_file_id')}")
            if stored.purpose != "batch":
                return _no(400, f"Invalid purpose of the input file: {stored.purpose}")
            return web.json_response(_batch(self._created(asked, stored), self._state))

    def _created(self, asked: dict[str, Any], stored: StoredFile) -> Batch:
        requests, model, errors = read_input(stored.content, asked["endpoint"])
        batch = self._state.add("openai", requests, "validating")
        batch.endpoint, batch.model, batch.errors = asked["endpoint"], model, errors
        batch.input_file_id, batch.metadata = stored.id, asked.get("metadata")
        batch.output_expires_s = (asked.get("output_expires_after") or {}).get("seconds")
        return batch

    async def retrieve(self, request: web.Request) -> web.StreamResponse:
        with self._state.lock:
            batch = self._state.found("openai", request.match_info["id"])
            if batch is None:
                return _no_batch(request)
            self._state.poll(batch)
            return web.json_response(_batch(batch, self._state))

    async def cancel(self, request: web.Request) -> web.StreamResponse:
        with self._state.lock:
            batch = self._state.found("openai", request.match_info["id"])
            if batch is None:
                return _no_batch(request)
            if batch.ended or batch.state == "cancelling":
                return _no(409, f"Cannot cancel a batch with status '{batch.state}'.")
            self._state.cancel(batch)
            return web.json_response(_batch(batch, self._state))

    async def list(self, request: web.Request) -> web.StreamResponse:
        after, fault = request.query.get("after"), self._state.listing_fault
        if after and fault == "second_page_fails":
            return _no(500, "The server had an error while processing your request.")
        with self._state.lock:
            batches = self._state.listed("openai", first_page=not after)
            early = fault == "ends_early"
            return _page(request, batches, lambda batch: _batch(batch, self._state), 20, 100, ends_early=early)


def read_input(content: bytes, endpoint: str) -> tuple[list[Request], str, list[dict[str, Any]]]:
    """The requests of an input file, their model, and what is wrong with it."""
    requests: list[Request] = []
    errors: list[dict[str, Any]] = []
    seen: set[str] = set()
    model = ""
    lines = [(number, line) for number, line in enumerate(content.split(b"\n"), 1) if line.strip()]
    for number, raw in lines[:MOST_REQUESTS]:
        try:
            line = orjson.loads(raw)
        except orjson.JSONDecodeError:
            errors.append(_error(number, "invalid_json_line", "This line is not parseable as valid JSON."))
            continue
        if wrong := _wrong(line, endpoint, seen, model):
            errors.append(_error(number, *wrong))
            continue
        model = line["body"]["model"]
        seen.add(line["custom_id"])
        requests.append(Request(line["custom_id"], orjson.dumps(line["body"])))
    if not lines:
        errors.append(_error(None, "empty_file", "The input file is empty."))
    if len(lines) > MOST_REQUESTS:
        errors.append(_error(None, "too_many_tasks", f"The input file has more than {MOST_REQUESTS} requests."))
    return requests, model, errors


def _wrong(line: Any, endpoint: str, seen: set[str], model: str) -> tuple[str, str, str | None] | None:
    if not isinstance(line, dict):
        return "invalid_json_line", "This line is not a JSON object.", None
    for name, kind in (("custom_id", str), ("method", str), ("url", str), ("body", dict)):
        if not isinstance(line.get(name), kind):
            return "missing_required_parameter", f"Missing required parameter: '{name}'.", name
    if line["custom_id"] in seen:
        return "duplicate_custom_id", "The custom_id is a duplicate of another request's.", "custom_id"
    if line["method"] != "POST":
        return "invalid_method", "The method must be POST.", "method"
    if line["url"] != endpoint:
        return "invalid_url", "The URL provided for this request does not match the batch endpoint.", "url"
    if not isinstance(line["body"].get("model"), str):
        return "missing_required_parameter", "Missing required parameter: 'model'.", "body.model"
    if model and line["body"]["model"] != model:
        return "mismatched_model", f"The provided model does not match '{model}' of the lines before.", "body.model"
    return None


def _error(line: int | None, code: str, message: str, param: str | None = None) -> dict[str, Any]:
    return {"code": code, "line": line, "message": message, "param": param}


def _refused(asked: dict[str, Any]) -> str | None:
    """Why no batch is created at all."""
    if asked.get("completion_window") != "24h":
        return "Invalid value for 'completion_window': only '24h' is supported."
    if asked.get("endpoint") not in ANSWERS:
        return f"Invalid value for 'endpoint': {asked.get('endpoint')}"
    metadata = asked.get("metadata") or {}
    if len(metadata) > 16:
        return "Invalid 'metadata': too many properties. Expected at most 16."
    if any(len(key) > 64 for key in metadata):
        return "Invalid 'metadata': a key is longer than 64 characters."
    if any(not isinstance(value, str) or len(value) > 512 for value in metadata.values()):
        return "Invalid 'metadata': a value is no string of up to 512 characters."
    seconds = (asked.get("output_expires_after") or {"seconds": MONTH_S}).get("seconds")
    if not isinstance(seconds, int) or not 3_600 <= seconds <= MONTH_S:
        return "Invalid 'output_expires_after.seconds': must be 3600 to 2592000."
    return None


def _file(file: StoredFile) -> dict[str, Any]:
    return {
        "id": file.id,
        "object": "file",
        "bytes": len(file.content),
        "created_at": file.created_at,
        "expires_at": file.expires_at,
        "filename": file.filename,
        "purpose": file.purpose,
        "status": "processed",
        "status_details": None,
    }


def _batch(batch: Batch, state: Batches) -> dict[str, Any]:
    failed = batch.state == "failed"
    stamps = {f"{name}_at": batch.times.get(f"{name}_at") for name in STAMPS}
    return {
        "id": batch.id,
        "object": "batch",
        "endpoint": batch.endpoint,
        "model": batch.model or None,
        "errors": {"object": "list", "data": batch.errors} if failed else None,
        "input_file_id": batch.input_file_id,
        "completion_window": "24h",
        "status": batch.state,
        "output_file_id": batch.output_file_id,
        "error_file_id": batch.error_file_id,
        "created_at": batch.created_at,
        "expires_at": batch.created_at + 86_400,
        **stamps,
        "request_counts": _counts(batch, misleading=state.misleading_counts),
        "usage": response_usage(batch.used) if batch.ended and state.batch_usage else None,
        "metadata": batch.metadata,
    }


def _counts(batch: Batch, *, misleading: bool) -> dict[str, int]:
    total = 0 if batch.state in ("validating", "failed") else len(batch.requests)
    if misleading and batch.ended:
        return {"total": total, "completed": total, "failed": 0}
    return {"total": total, "completed": batch.outcomes["succeeded"], "failed": batch.outcomes["errored"]}


def _page(
    request: web.Request,
    items: list[Any],
    render: Callable[[Any], dict[str, Any]],
    usual: int,
    most: int,
    *,
    ends_early: bool = False,
) -> web.Response:
    limit, after = request.query.get("limit", str(usual)), request.query.get("after")
    if not limit.isdecimal() or not 1 <= int(limit) <= most:
        return _no(400, f"Invalid 'limit': expected a value from 1 to {most}.")
    ids = [item.id for item in items]
    if after and after not in ids:
        return _no(400, f"Invalid 'after': {after}")
    rest = items[ids.index(after) + 1 :] if after else items
    page = rest[: int(limit)]
    return web.json_response(
        {
            "object": "list",
            "data": [render(item) for item in page],
            "first_id": page[0].id if page else None,
            "last_id": page[-1].id if page else None,
            "has_more": len(rest) > len(page) and not ends_early,
        }
    )


def _no(status: int, message: str) -> web.Response:
    return refusal("openai", status, message)


def _no_file(request: web.Request) -> web.Response:
    return _no(404, f"No such File object: {request.match_info['id']}")


def _no_batch(request: web.Request) -> web.Response:
    return _no(404, f"No batch found with id '{request.match_info['id']}'.")
