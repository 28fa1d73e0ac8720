"""The FastAPI app: its routers, its errors, and an id for every request."""

from fastapi import Depends, FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import (
    acting,
    audit,
    breakers,
    budgets,
    cache,
    documentation,
    documents,
    errors,
    forecast,
    insight_exports,
    insight_finding,
    insights,
    invoices,
    jobs,
    keys,
    matrix,
    monitoring,
    prices,
    providers,
    resilience,
    review,
    status,
    templates,
    text_processing,
    usage,
    users,
    views,
    workspaces,
)
from core import __version__
from core.environment import get_settings
from core.runtime import correlation


class RequestId:
    """Binds a request's id to its log lines and tasks, and returns it in `X-Request-ID`."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        request_id = errors.id_of(Headers(scope=scope).get("x-request-id"))
        scope.setdefault("state", {})["request_id"] = request_id
        correlation.begin(request_id)

        async def with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(errors.headers_of(request_id))
            await send(message)

        return await self.app(scope, receive, with_id)


EXPOSED = ["X-Request-ID", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "Retry-After"]


class Cors(CORSMiddleware):
    """Reads its origins at the first request: importing this module must not read the settings, which are checked at
    boot."""

    def __init__(self, app: ASGIApp):
        origins = list(get_settings().cors_origins)
        super().__init__(app, allow_origins=origins, allow_methods=["*"], allow_headers=["*"], expose_headers=EXPOSED)


api = FastAPI(
    docs_url=None,
    redoc_url=None,
    title="Cairn",
    version=__version__,
    description="Documents in, checked insights out.",
    dependencies=[Depends(errors.no_nul)],
    responses=errors.RESPONSES,
)
for module in (
    documents,
    templates,
    matrix,
    text_processing,
    jobs,
    insight_exports,  # above the route that takes its name for an id
    insight_finding,
    insights,
    views,
    review,
    usage,
    prices,
    budgets,
    invoices,
    forecast,
    cache,
    monitoring,
    providers,
    resilience,
    breakers,
    status,
    users,
    keys,
    workspaces,
    audit,
):
    api.include_router(module.router)
documentation.install(api)
errors.install(api)
api.add_middleware(acting.Access)
api.add_middleware(Cors)
api.add_middleware(RequestId)
