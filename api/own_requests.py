"""Read a job's custom requests from the HTTP body: a JSONL file, or a JSON object with a list of them."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
from fastapi import Request
from starlette.datastructures import UploadFile

from core.errors import InvalidInput
from core.settings import limits

BOTH = "Send a JSONL file as the form field `file`, or JSON: {requests: [{custom_id, body}]}."


class _Listed(msgspec.Struct, forbid_unknown_fields=True):
    # Left undecoded: decoded all at once, they would take many times the memory of their text.
    requests: list[msgspec.Raw]


@dataclass(frozen=True)
class HandedIn:
    """One JSON object in each of `lines`, from a file or a list."""

    lines: Iterable[bytes]
    is_file: bool


async def handed_in(request: Request) -> AsyncIterator[HandedIn]:
    """A FastAPI dependency. Raises InvalidInput for a body that is too large or in neither form."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        yield HandedIn(_listed(await _body(request)), is_file=False)
        return
    async with request.form(max_files=1) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise InvalidInput(BOTH)
        _check_size(file.size or 0)
        yield HandedIn(file.file, is_file=True)


async def _body(request: Request) -> bytearray:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        _check_size(len(body))
    return body


def _check_size(size: int) -> None:
    most = limits.upload_mb()
    if size > most << 20:
        raise InvalidInput(f"This is larger than {most} MB. Split it, or raise the limit on the Settings page.")


def _listed(body: bytearray) -> Iterable[bytes]:
    try:
        listed = msgspec.json.decode(body, type=_Listed).requests
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"The body cannot be read: {error}. {BOTH}") from None
    return (bytes(one) for one in listed)


_OBJECT: dict[str, Any] = {"type": "object"}
_REQUEST = {
    "type": "object",
    "required": ["custom_id", "body"],
    "properties": {
        "custom_id": {"type": "string", "maxLength": 200},
        "method": {"type": "string", "enum": ["POST"]},
        "url": {"type": "string"},
        "body": _OBJECT,
    },
}
# For OpenAPI: FastAPI sees no schema where the body is read as a stream.
DOCUMENTED: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["requests"],
                    "properties": {"requests": {"type": "array", "items": _REQUEST}},
                }
            },
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": "JSONL: one request on each line, with custom_id, method, url and body",
                        }
                    },
                }
            },
        },
    }
}
