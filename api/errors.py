"""One shape for every error: code, message, time, request id, and details."""

import asyncio
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Scope

from core.access import refusals
from core.environment import get_settings
from core.errors import (
    BudgetExceeded,
    CairnError,
    ConfigurationError,
    Conflict,
    Forbidden,
    InvalidInput,
    NotConfirmed,
    NotFound,
    ProviderError,
    TooMany,
    Unauthorized,
    Unavailable,
)
from core.runtime import shared_clock
from core.runtime.disk import DiskFull

log = structlog.get_logger()
STATUS: dict[type[CairnError], int] = {
    InvalidInput: 422,
    Unauthorized: 401,
    Forbidden: 403,
    TooMany: 429,
    NotFound: 404,
    Conflict: 409,
    NotConfirmed: 409,
    BudgetExceeded: 402,
    Unavailable: 503,
    DiskFull: 507,
    ConfigurationError: 500,
}
# Codes of provider errors that the caller can act on: wait, or send less. All others are a bad gateway.
PROVIDER_STATUS = {"rate_limited": 429, "overloaded": 503, "connection": 503, "timeout": 504, "context_too_long": 422}
UNEXPECTED = "Something went wrong inside Cairn. Its log has the details under this request id."
_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
CODES = {
    400: "BAD_REQUEST",
    401: "UNAUTHORIZED",
    402: "BUDGET_EXCEEDED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    408: "TIMEOUT",
    413: "TOO_LARGE",
}


class RefusedOut(BaseModel):
    """Every answer that is no result has this shape."""

    error: str
    message: str
    timestamp: datetime
    request_id: str
    detail: Any = None


# What every operation may answer besides its own result, for the OpenAPI document.
RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"model": RefusedOut, "description": said}
    for status, said in {
        400: "The request cannot be read.",
        401: "There is no key, or none that lets anybody in.",
        403: "This takes a higher role; or the request comes from a foreign page or host.",
        404: "There is no such thing, or none in this workspace.",
        405: "This address has no such method.",
        408: "The rest of the body did not come in time.",
        409: "The state of the thing does not allow it.",
        413: "The body is too large.",
        422: "The request was not accepted; the message says why.",
        429: "The key's rate limit is reached, or the provider's; Retry-After tells the seconds.",
        500: "Something went wrong inside Cairn; its log has the details.",
        502: "The provider answered with an error.",
        503: "Cairn, its database or the provider does not answer: try again.",
        504: "The provider did not answer in time.",
        507: "The disk is full.",
    }.items()
}


def id_of(given: str | None) -> str:
    """The caller's id if it is short and plain, else a new one."""
    return given if given and _SANE_ID.fullmatch(given) else str(uuid.uuid4())


def headers_of(request_id: str) -> dict[str, str]:
    """Headers of every answer."""
    return {"X-Request-ID": request_id}


def body(request_id: str, code: str, message: str, detail: Any = None) -> dict[str, Any]:
    return {
        "error": code,
        "message": message,
        "timestamp": datetime.now(UTC).isoformat(),
        "request_id": request_id,
        "detail": detail,
    }


def outside(
    scope: Scope, status: int, message: str, code: str = "", headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """An answer of our middleware, outside of the API: in the same shape."""
    request_id = id_of(Headers(scope=scope).get("x-request-id"))
    content = body(request_id, code or CODES[status], message)
    return JSONResponse(content, status, {**headers_of(request_id), **(headers or {})})


def shaped(
    request: Request,
    status: int,
    code: str,
    message: str,
    detail: Any = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    return JSONResponse(body(request.state.request_id, code, message, detail), status, headers)


def no_nul(request: Request) -> None:
    """Refuse a NUL character in path or query: PostgreSQL stores none, so nothing can match. Raises InvalidInput."""
    if "\0" in request.scope["path"] or any("\0" in value for _, value in request.query_params.multi_items()):
        raise InvalidInput("An address may hold no NUL character. Remove it.")


def status_of(error: CairnError) -> int:
    if isinstance(error, ProviderError):
        return PROVIDER_STATUS.get(error.code, 502)
    return next((status for kind, status in STATUS.items() if isinstance(error, kind)), 500)


def headers_for(error: CairnError) -> dict[str, str]:
    """What an answer says in headers besides."""
    if isinstance(error, Unauthorized):
        return {"WWW-Authenticate": "Bearer"}
    return {"Retry-After": str(max(1, round(error.retry_after)))} if isinstance(error, TooMany) else {}


def route_of(request: Request) -> str:
    """Its name in the audit: the method, and the address with names in place of ids."""
    return f"{request.method} {getattr(request.scope.get('route'), 'path', '')}"


def install(api: FastAPI) -> None:
    @api.exception_handler(CairnError)
    async def explained(request: Request, error: CairnError) -> JSONResponse:
        if isinstance(error, Forbidden):
            await asyncio.to_thread(refusals.note, error.action, route_of(request), shared_clock.now())
        return shaped(request, status_of(error), error.code.upper(), error.message, error.detail, headers_for(error))

    @api.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        # Inputs are not echoed: they may be confidential.
        detail = [{"field": ".".join(map(str, e["loc"])), "message": e["msg"]} for e in error.errors()]
        said = "; ".join(f"{d['field']}: {d['message']}" for d in detail)
        return shaped(request, 422, "VALIDATION_ERROR", f"The request was not accepted. {said}", detail)

    @api.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        code = CODES.get(error.status_code, "ERROR")
        return shaped(request, error.status_code, code, str(error.detail), headers=error.headers)

    @api.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        log.error("request failed", path=request.scope["path"], kind=type(error).__name__, exc_info=error)
        detail = repr(error) if get_settings().debug else None
        request_id = request.state.request_id
        # This answer passes no middleware of the API, so it sets the headers itself.
        return JSONResponse(body(request_id, "INTERNAL_ERROR", UNEXPECTED, detail), 500, headers_of(request_id))
