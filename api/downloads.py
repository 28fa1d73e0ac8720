"""A table as a download: its name and media type, sent while it is made."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, BinaryIO

from fastapi.responses import StreamingResponse

from core.exports import spool
from core.exports.columns import FORMATS, FormatName, file_name

FILE: dict[int | str, dict[str, Any]] = {200: {"content": {one.media_type: {} for one in FORMATS.values()}}}


def download(title: str, format_: FormatName, now: datetime, make: Callable[[BinaryIO], None]) -> StreamingResponse:
    headers = {"Content-Disposition": f"attachment; filename={file_name(title, format_, now)}"}
    return StreamingResponse(spool.stream(make), media_type=FORMATS[format_].media_type, headers=headers)
