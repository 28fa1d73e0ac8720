"""llmock as a provider in bad weather: three of ten calls meet an error, a stall, a cut answer or a reset.

llmock injects errors and stalls, and judges from its journal how its clients take them. What breaks on the wire breaks
in front of it: the answer was made, and billed, and is not heard.
"""

import asyncio
import contextlib
import json
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator

from llmock.journal import RequestRecord
from llmock.pytest_plugin import LLMock
from llmock.scenarios import Delay, Fail, Plan, Reply, RequestInfo, ScenarioQueue
from llmock.testing import BASE_PATHS, LLMockServer

from tests.local_provider import document_of

ANSWER = json.dumps({"points": [{"statement": "It works again.", "quote": "It works again."}]})
STALL_SECONDS = 6.0
# Of a hundred calls.
ERRORS = {429: 5, 500: 5, 503: 5, 529: 5}
STALLS = 4
WIRE = {"cut": 3, "reset": 3}


class Weather(ScenarioQueue):
    """Decides by lot, the same in every run. `fair`: every call is answered."""

    def __init__(self) -> None:
        super().__init__()
        self.fair = False
        self.lots = random.Random(7)
        self.dealt = Counter[str]()

    def plan_for(self, info: RequestInfo) -> Plan:
        lot = 100 if self.fair else self.lots.uniform(0, 100)
        for status, share in ERRORS.items():
            if (lot := lot - share) < 0:
                self.dealt[str(status)] += 1
                return Plan(fail=Fail(status, retry_after=0.2))
        answer = Reply(text=ANSWER)
        if lot < STALLS:
            self.dealt["stall"] += 1
            return Plan(delay=Delay(STALL_SECONDS), reply=answer)
        return Plan(delay=Delay(0.02), reply=answer)


class Wire:
    """Carries bytes to llmock and back; some answers are cut off in the middle, or their connection is reset."""

    def __init__(self, port: int, weather: Weather):
        self._server_port = port
        self._weather = weather
        self._lots = random.Random(11)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wire", daemon=True)
        self.port = 0

    def start(self) -> None:
        self._thread.start()
        listening = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._carry, "127.0.0.1", 0), self._loop)
        self.port = listening.result(10).sockets[0].getsockname()[1]

    def stop(self) -> None:
        async def end() -> None:
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._server_port)
        directions = [
            asyncio.ensure_future(self._pass_on(reader, back)),
            asyncio.ensure_future(self._answer(there, writer)),
        ]
        await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        for direction in directions:
            direction.cancel()
        back.close()
        writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                writer.write(data)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                wrong = self._wrong() if data.startswith(b"HTTP/1.1 200") else None
                if wrong is None:
                    writer.write(data)
                    continue
                if wrong == "cut":
                    writer.write(data[: len(data) // 2])
                    await writer.drain()
                else:
                    # Closing with a linger of nothing makes the kernel send RST.
                    linger = struct.pack("ii", 1, 0)
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                return

    def _wrong(self) -> str | None:
        lot = 100.0 if self._weather.fair else self._lots.uniform(0, 100 - sum(ERRORS.values()) - STALLS)
        for wrong, share in WIRE.items():
            if (lot := lot - share) < 0:
                self._weather.dealt[wrong] += 1
                return wrong
        return None


class RoughProvider:
    def __init__(self, server: LLMockServer, weather: Weather, wire: Wire):
        self._server = server
        self._judge = LLMock(server)
        self._port = wire.port
        self.weather = weather

    def url(self, provider: str) -> str:
        return f"http://127.0.0.1:{self._port}{BASE_PATHS[provider]}"

    def calls(self, provider: str) -> Counter[str]:
        """By document, all that arrived."""
        return Counter(_document(one) for one in self._records() if one.provider == provider)

    def billed(self, provider: str) -> Counter[str]:
        """By document, what was answered in full here, whether or not it was heard."""
        answered = [one for one in self._records() if one.provider == provider and one.status == 200]
        return Counter(_document(one) for one in answered)

    def _records(self) -> list[RequestRecord]:
        # A stalled call goes on when its client has left.
        return self._server.state.journal.records(wait=STALL_SECONDS * 2)

    def assert_resilient(self) -> None:
        """No call that came sooner than `retry-after` said, no storm, and nothing that cannot work tried again."""
        self._judge.assert_resilient()

    def verdict(self) -> str:
        return self._judge.verdict().render()


def _document(record: RequestRecord) -> str:
    return document_of(record.body).split()[0]


@contextlib.contextmanager
def running() -> Iterator[RoughProvider]:
    weather = Weather()
    with LLMockServer() as server:
        server.state.scenarios = weather
        wire = Wire(server.port, weather)
        wire.start()
        yield RoughProvider(server, weather, wire)
        wire.stop()
