"""`GET /metrics` in Prometheus' text format, cached for some seconds."""

import asyncio
import threading
import time
from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import Response

from api import errors
from core.health import prometheus
from core.health.counters import Counters, Metric, Number
from core.runtime import shared_clock

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# Counting a million requests by state takes 0.4 s, so the text is not made for every scrape.
KEEP_SECONDS = 10.0


class Exposition:
    """The text, cached for `keep_seconds`: several scrapers cost as much as one."""

    def __init__(self, keep_seconds: float = KEEP_SECONDS) -> None:
        self._keep_seconds = keep_seconds
        self._counters = Counters()
        self._lock = threading.Lock()
        self._text = ""
        self._made: float | None = None

    async def answer(self, request: Request) -> Response:
        headers = errors.headers_of(errors.id_of(request.headers.get("x-request-id")))
        text = await asyncio.to_thread(self.text)
        return Response(text, headers={**headers, "Cache-Control": "no-store"}, media_type=CONTENT_TYPE)

    def text(self) -> str:
        with self._lock:
            if self._made is None or time.monotonic() - self._made > self._keep_seconds:
                found = prometheus.read(self._counters, shared_clock.now())
                self._text = "".join(line for metric in found for line in lines(metric))
                self._made = time.monotonic()
            return self._text


def lines(metric: Metric) -> Iterator[str]:
    yield f"# HELP {metric.name} {metric.help}\n# TYPE {metric.name} {metric.kind}\n"
    for labels, value, suffix in metric.samples:
        inside = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
        yield f"{metric.name}{suffix}{{{inside}}} {_written(value)}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _written(value: Number) -> str:
    return repr(value) if isinstance(value, float) else f"{value:f}" if not isinstance(value, int) else str(value)
