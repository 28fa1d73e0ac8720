"""`/docs`: the API to look at and to try. It brings its scripts along, and names them relative to its own address."""

from pathlib import Path

import fastapi_offline
from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
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
POLICY = headers.policy(PAGE)


def install(api: FastAPI) -> None:
    """For a FastAPI app without documentation pages of its own: those load their scripts from the internet."""
    api.mount(f"/{FILES}", StaticFiles(directory=_LYING))

    @api.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(PAGE, headers={"Content-Security-Policy": POLICY})
