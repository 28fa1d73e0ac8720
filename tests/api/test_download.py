"""A download over a real connection while its document is deleted: refused or plainly broken, never silently short."""

import contextlib
import gzip
import http.client
import io
import json
import random
import socket
import threading
from collections.abc import Iterator
from typing import BinaryIO

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Mount, Route
from streamlit.web.server.starlette.starlette_gzip_middleware import SelectiveGZipMiddleware

from api import api
from api.downloads import download
from core.documents import deletion, upload
from core.exports import spool
from core.runtime import db, shared_clock
from tests.pipeline import PATIENCE_S, until_now

pytestmark = pytest.mark.usefixtures("database")
# More than both ends' buffers hold.
SIZE = 24 << 20


class Unsignalled(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.contextmanager
def serving(app: Starlette) -> Iterator[int]:
    server = Unsignalled(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        until_now(lambda: server.started)
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join(PATIENCE_S)


@pytest.fixture
def port() -> Iterator[int]:
    """The API behind the compression that Streamlit puts in front of it."""
    with serving(Starlette(routes=[Mount("/api/v1", api)], middleware=[Middleware(SelectiveGZipMiddleware)])) as port:
        yield port


@pytest.fixture
def document() -> tuple[str, bytes]:
    content = random.Random(1).randbytes(SIZE)
    return upload.add("big.pdf", io.BytesIO(content)).document.id, content


def ask(port: int, document_id: str, encoding: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    connection.connect()
    assert connection.sock is not None
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    connection.request("GET", f"/api/v1/documents/{document_id}/original", headers={"Accept-Encoding": encoding})
    return connection.getresponse()


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_a_document_comes_whole(port: int, document: tuple[str, bytes], encoding: str) -> None:
    document_id, content = document
    answer = ask(port, document_id, encoding)
    body = answer.read()
    assert (gzip.decompress(body) if encoding == "gzip" else body) == content


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_a_document_that_is_deleted_while_it_is_sent_breaks_off(
    port: int, document: tuple[str, bytes], encoding: str
) -> None:
    document_id, _ = document
    answer = ask(port, document_id, encoding)
    assert answer.status == 200
    assert answer.read(1 << 16)
    deletion.delete(document_id)
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        answer.read()


def test_a_document_whose_bytes_are_gone_is_not_found(port: int, document: tuple[str, bytes]) -> None:
    with db.transaction() as session:  # as when it is deleted right after it was looked up
        db.execute(session, "DELETE FROM blob_chunk")
    answer = ask(port, document[0], "identity")
    assert (answer.status, json.load(answer)["error"]) == (404, "NOT_FOUND")


def test_a_table_is_made_no_further_when_its_reader_goes_away() -> None:
    given_up = threading.Event()

    def make(file: BinaryIO) -> None:
        try:
            while True:
                file.write(b"row\n" * 10_000)
        except spool.Abandoned:
            given_up.set()

    def table(_: Request) -> StreamingResponse:
        return download("Rows", "csv", shared_clock.now(), make)

    with serving(Starlette(routes=[Route("/", table)], middleware=[Middleware(SelectiveGZipMiddleware)])) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        connection.request("GET", "/")
        assert connection.getresponse().read(9) == b"row\nrow\nr"
        connection.close()
        assert given_up.wait(PATIENCE_S)
