from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from tests.batch_provider.anthropic_routes import AnthropicRoutes
from tests.batch_provider.faults import ROUTES, Holds, ProviderName, ReplyFault, Route, refusal
from tests.batch_provider.lines import ANSWERS, AskedLine, document_in, planned
from tests.batch_provider.openai_routes import OpenAIRoutes
from tests.batch_provider.state import Batches
from tests.local_provider import Asked, LocalProvider
from tests.pipeline import PATIENCE_S

Act = Callable[[web.Request], Awaitable[web.StreamResponse]]
# Where an answer is a stream that has begun, an error can no longer take its place.
STREAMS = ("content", "results")


class BatchProvider(Batches, LocalProvider):
    largest_body = 300 << 20

    def __init__(self) -> None:
        super().__init__()
        self._holds = Holds(self._loop)
        self._faults: dict[str, list[ReplyFault]] = {}
        # Batches are for these alone; None: for every key.
        self.keys: set[str] | None = None

    def hold(self, point: str, times: int = 1, *, even_if_gone: bool = False) -> None:
        """The next call blocks at this point. `body`: its body is not read. `before`: nothing is done yet, and nothing
        will be if the client has gone by then, unless `even_if_gone`. `after`: all is done, and no answer is sent."""
        self._holds.arm(point, times, even_if_gone)

    def reached(self, point: str, timeout: float = PATIENCE_S, count: int = 1) -> None:
        """Wait until that many calls are held at this point; raises TimeoutError."""
        self._holds.reached(point, timeout, count)

    def release(self, point: str) -> None:
        self._holds.release(point)

    def fail_next(
        self,
        route: Route,
        status: int = 500,
        code: str = "",
        headers: Mapping[str, str] | None = None,
        times: int = 1,
        *,
        after: bool = False,
        reset: bool = False,
        body: bytes | None = None,
    ) -> None:
        """`body` with status 200: an answer of another shape than it should have."""
        if route not in ROUTES or (after and route in STREAMS):
            raise ValueError(f"{route} cannot fail so")
        fault = ReplyFault(status, code, headers or {}, times, after, reset, body)
        with self.lock:
            self._faults.setdefault(route, []).append(fault)

    def fail_no_more(self) -> None:
        with self.lock:
            self._faults.clear()

    def stop(self) -> None:
        self._holds.release_all()
        super().stop()

    def add_routes(self, router: web.UrlDispatcher) -> None:
        super().add_routes(router)
        for path in ("/v1/responses", "/v1/embeddings"):
            router.add_post(path, self._live)
        openai, files, batches = OpenAIRoutes(self, self._holds), "/v1/files", "/v1/batches"
        self._route(router, "openai", "upload", "POST", files, openai.upload)
        self._route(router, "openai", "files", "GET", files, openai.files)
        self._route(router, "openai", "file", "GET", files + "/{id}", openai.file)
        self._route(router, "openai", "content", "GET", files + "/{id}/content", openai.content)
        self._route(router, "openai", "delete_file", "DELETE", files + "/{id}", openai.delete_file)
        self._route(router, "openai", "create", "POST", batches, openai.create)
        self._route(router, "openai", "list", "GET", batches, openai.list)
        self._route(router, "openai", "retrieve", "GET", batches + "/{id}", openai.retrieve)
        self._route(router, "openai", "cancel", "POST", batches + "/{id}/cancel", openai.cancel)
        anthropic, batches = AnthropicRoutes(self, self._holds), "/v1/messages/batches"
        self._route(router, "anthropic", "create", "POST", batches, anthropic.create)
        self._route(router, "anthropic", "list", "GET", batches, anthropic.list)
        self._route(router, "anthropic", "retrieve", "GET", batches + "/{id}", anthropic.retrieve)
        self._route(router, "anthropic", "delete", "DELETE", batches + "/{id}", anthropic.delete)
        self._route(router, "anthropic", "cancel", "POST", batches + "/{id}/cancel", anthropic.cancel)
        self._route(router, "anthropic", "results", "GET", batches + "/{id}/results", anthropic.results)

    def _route(
        self, router: web.UrlDispatcher, provider: ProviderName, route: Route, method: str, path: str, act: Act
    ) -> None:
        async def answer(request: web.Request) -> web.StreamResponse:
            with self.lock:
                self.log.append((request.method, request.path))
                fault = self._fault(route)
            await self._holds.wait(f"{route}.body")
            # All of it, as a client is seen to go away only when nothing of it is left to read.
            await (request.post() if route == "upload" else request.read())
            if self.keys is not None and key_of(request) not in self.keys:
                return refusal(provider, 401, "Incorrect API key provided.", code="invalid_api_key")
            held = await self._holds.wait(f"{route}.before")
            if held and not held.even_if_gone and _gone(request):
                return refusal(provider, 499, "The client has gone away.")
            if fault and not fault.after:
                return fault.answer(request, provider)
            response = await act(request)
            await self._holds.wait(f"{route}.after")
            return fault.answer(request, provider) if fault else response

        router.add_route(method, path, answer)

    async def _live(self, request: web.Request) -> web.StreamResponse:
        """Live calls of the endpoints that only custom requests name, answered as in a batch."""
        body = await request.json()
        asked = AskedLine("live", body, document_in(body), 1)
        self.asked.append(Asked(body, asked.document, 1))
        return web.json_response(ANSWERS[request.path](planned(self.line_plan, asked, request.path)))

    def _fault(self, route: str) -> ReplyFault | None:
        for fault in self._faults.get(route, ()):
            if fault.times > 0:
                fault.times -= 1
                return fault
        return None


def key_of(request: web.Request) -> str:
    sent = request.headers
    return sent.get("x-api-key") or sent.get("Authorization", "").removeprefix("Bearer ")


def _gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()
