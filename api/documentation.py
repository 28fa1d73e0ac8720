"""`/docs`: the API to look at and to try, and `/redoc`: to read. They bring their scripts along, and name them relative
to their own address."""

from pathlib import Path

import fastapi_offline
from fastapi import FastAPI
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

from api import headers

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


def install(api: FastAPI) -> None:
    """For a FastAPI app without documentation pages of its own: those load their scripts from the internet."""
    api.mount(f"/{FILES}", StaticFiles(directory=_LYING))

    @api.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(PAGE, headers={"Content-Security-Policy": headers.policy(PAGE)})

    @api.get("/redoc", include_in_schema=False)
    async def redoc() -> HTMLResponse:
        return HTMLResponse(TO_READ, headers={"Content-Security-Policy": headers.policy(TO_READ)})
