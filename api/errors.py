"""One shape for every error: what happened, when, under which request id, and what to do."""

from datetime import UTC, datetime
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from core.errors import CairnError, ConfigurationError, Conflict, InvalidInput, NotFound, ProviderError, Unavailable
from core.settings import get_settings

log = structlog.get_logger()
STATUS: dict[type[CairnError], int] = {
    InvalidInput: 422,
    NotFound: 404,
    Conflict: 409,
    Unavailable: 503,
    ConfigurationError: 500,
    ProviderError: 502,
}
CODES = {400: "BAD_REQUEST", 404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 413: "TOO_LARGE"}


def shaped(request: Request, status: int, code: str, message: str, detail: Any = None) -> JSONResponse:
    body = {
        "error": code,
        "message": message,
        "timestamp": datetime.now(UTC).isoformat(),
        "request_id": getattr(request.state, "request_id", None),
        "detail": detail,
    }
    return JSONResponse(body, status)


def install(api: FastAPI) -> None:
    @api.exception_handler(CairnError)
    async def explained(request: Request, error: CairnError) -> JSONResponse:
        status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)
        return shaped(request, status, error.code.upper(), error.message)

    @api.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        # Inputs are not echoed: they may be confidential.
        detail = [{"field": ".".join(map(str, e["loc"])), "message": e["msg"]} for e in error.errors()]
        said = "; ".join(f"{d['field']}: {d['message']}" for d in detail)
        return shaped(request, 422, "VALIDATION_ERROR", f"The request was not accepted. {said}", detail)

    @api.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        return shaped(request, error.status_code, CODES.get(error.status_code, "ERROR"), str(error.detail))

    @api.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        log.error("request failed", path=request.url.path, kind=type(error).__name__, exc_info=error)
        detail = repr(error) if get_settings().debug else None
        message = "Something went wrong inside Cairn. Its log has the details under this request id."
        return shaped(request, 500, "INTERNAL_ERROR", message, detail)
