"""The admin APIs of both providers on this machine: reports in pages, as a test writes them, and what goes wrong."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from tests.local_provider import LocalProvider


@dataclass(frozen=True)
class Report:
    """One GET as it arrived."""

    path: str
    query: Mapping[str, Sequence[str]]
    headers: Mapping[str, str]


# What comes back: a status and a body, whose text is sent as it is.
Reply = tuple[int, Any]
EMPTY = {"data": [], "has_more": False, "next_page": None}


class AdminServer(LocalProvider):
    """`pages`: of a report's path the bodies of its pages. A path that has none is not found."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: dict[str, list[Any]] = {}
        self.reports: list[Report] = []
        # Before any page: a refusal, or None to go on.
        self.refuses: Callable[[Report], Reply | None] = lambda _asked: None
        self.headers: dict[str, str] = {}

    def add_routes(self, router: web.UrlDispatcher) -> None:
        super().add_routes(router)
        router.add_get("/v1/{tail:organization.*}", self._report)

    def asked_of(self, path: str) -> list[Report]:
        return [one for one in self.reports if one.path == path]

    async def _report(self, request: web.Request) -> web.Response:
        query: dict[str, list[str]] = defaultdict(list)
        for name, value in request.query.items():
            query[name.removesuffix("[]")].append(value)
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = Report(request.path.removeprefix("/v1"), dict(query), headers)
        self.reports.append(asked)
        status, body = self.refuses(asked) or self._page(asked)
        # "#0.1#" becomes the number 0.1 with all its digits, which Python's floats do not have.
        text = body if isinstance(body, str) else json.dumps(body).replace('"#', "").replace('#"', "")
        return web.Response(status=status, text=text, content_type="application/json", headers=self.headers)

    def _page(self, asked: Report) -> Reply:
        pages = self.pages.get(asked.path)
        if pages is None:
            return 404, {"error": {"type": "not_found_error", "message": "Not found"}}
        number = int(asked.query.get("page", ["p0"])[0].removeprefix("p"))
        body = pages[number]
        if isinstance(body, str) or "next_page" in body:
            return 200, body
        following = number + 1 < len(pages)
        return 200, {**body, "has_more": following, "next_page": f"p{number + 1}" if following else None}


@contextmanager
def running() -> Iterator[AdminServer]:
    server = AdminServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()


def bucket(day: str, *results: Mapping[str, Any]) -> dict[str, Any]:
    """Of either provider."""
    begin = datetime.fromisoformat(day).replace(tzinfo=UTC)
    return {"start_time": int(begin.timestamp()), "starting_at": f"{day}T00:00:00Z", "results": list(results)}


def openai_cost(item: str, usd: str, quantity: Any = None) -> dict[str, Any]:
    """`usd`: a number as it is written."""
    return {"amount": {"value": f"#{usd}#", "currency": "usd"}, "line_item": item, "quantity": quantity}
