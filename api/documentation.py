"""`/docs`: the API to look at and to try, and `/redoc`: to read. They bring their scripts along, and name them relative
to their own address."""

import json
import re
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import fastapi_offline
from fastapi import FastAPI
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles

from api import headers
from core.environment import get_settings
from core.errors import NotFound

FILES = "docs-files"
_LYING = Path(fastapi_offline.__file__).parent / "static"
PAGE = bytes(
    get_swagger_ui_html(
        openapi_url="openapi.json",
        title="Cairn: the API",
        swagger_js_url=f"{FILES}/swagger-ui-bundle.js",
        swagger_css_url=f"{FILES}/swagger-ui.css",
        swagger_favicon_url=f"{FILES}/favicon.png",
    ).body
).decode()
TO_READ = bytes(
    get_redoc_html(
        openapi_url="openapi.json",
        title="Cairn: the API",
        redoc_js_url=f"{FILES}/redoc.standalone.js",
        redoc_favicon_url=f"{FILES}/favicon.png",
        # Its fonts would come from Google.
        with_google_fonts=False,
    ).body
).decode()


# What is of the machine has documentation of its own.
INTERNAL = "/internal/"


@cache
def public(api: FastAPI) -> dict[str, Any]:
    return _of_paths(FastAPI.openapi(api), lambda path: not path.startswith(INTERNAL))


@cache
def internal(api: FastAPI) -> dict[str, Any]:
    return _of_paths(FastAPI.openapi(api), lambda path: path.startswith(INTERNAL))


def install(api: FastAPI) -> None:
    """For a FastAPI app without documentation pages of its own: those load their scripts from the internet."""
    api.mount(f"/{FILES}", StaticFiles(directory=_LYING))
    api.openapi = partial(public, api)  # type: ignore[method-assign]

    def below(page: str) -> HTMLResponse:
        if not get_settings().internal_docs:
            raise NotFound("The documentation of internal routes is switched off: see DISABLE_INTERNAL_DOCS.")
        page = page.replace(f'"{FILES}/', f'"../{FILES}/').replace(f"'{FILES}/", f"'../{FILES}/")
        return HTMLResponse(page, headers={"Content-Security-Policy": headers.policy(page)})

    @api.get("/internal/openapi.json", include_in_schema=False)
    async def internal_openapi() -> JSONResponse:
        below("")
        return JSONResponse({**internal(api), "servers": [{"url": ".."}]})

    @api.get("/internal/docs", include_in_schema=False)
    async def internal_docs() -> HTMLResponse:
        return below(PAGE)

    @api.get("/internal/redoc", include_in_schema=False)
    async def internal_redoc() -> HTMLResponse:
        return below(TO_READ)

    @api.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(PAGE, headers={"Content-Security-Policy": headers.policy(PAGE)})

    @api.get("/redoc", include_in_schema=False)
    async def redoc() -> HTMLResponse:
        return HTMLResponse(TO_READ, headers={"Content-Security-Policy": headers.policy(TO_READ)})


def _of_paths(whole: dict[str, Any], wanted: Callable[[str], bool]) -> dict[str, Any]:
    """The document of these paths alone, with the schemas that they use."""
    paths = {path: operations for path, operations in whole["paths"].items() if wanted(path)}
    schemas: dict[str, Any] = whole["components"]["schemas"]
    used: set[str] = set()
    new = _named(paths)
    while new:
        used |= new
        new = {other for name in new for other in _named(schemas[name])} - used
    kept = {name: schema for name, schema in schemas.items() if name in used}
    return {**whole, "paths": paths, "components": {**whole["components"], "schemas": kept}}


def _named(part: Any) -> set[str]:
    return set(re.findall(r"#/components/schemas/([A-Za-z0-9_.-]+)", json.dumps(part)))
