"""A table as a download: its name and media type, sent while it is made."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, BinaryIO

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from core.exports import spool
from core.exports.columns import FORMATS, FormatName, file_name

FILE: dict[int | str, dict[str, Any]] = {200: {"content": {one.media_type: {} for one in FORMATS.values()}}}


class Download(StreamingResponse):
    """It ends with its reader: nothing is made for one who went away."""

    def __init__(self, make: Callable[[BinaryIO], None], name: str, media_type: str):
        self._made = spool.stream(make)
        headers = {"Content-Disposition": f"attachment; filename={name}"}
        super().__init__(self._made, media_type=media_type, headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._made.close()


def download(title: str, format_: FormatName, now: datetime, make: Callable[[BinaryIO], None]) -> Download:
    return Download(make, file_name(title, format_, now), FORMATS[format_].media_type)
