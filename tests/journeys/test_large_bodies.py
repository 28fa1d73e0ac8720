"""A real web process that is sent hundreds of megabytes: it refuses them, and holds none of them."""

import contextlib
import http.client
from collections.abc import Iterator

import psutil

from tests.journeys.conftest import App
from tests.pipeline import PATIENCE_S

MB = 1 << 20
SENT_MB = 400
FILE = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n'
# Method, path, media type and the beginning of a body.
BODIES = (
    ("POST", "/api/v1/jobs/", "application/json", b"["),
    ("POST", "/api/v1/documents", "multipart/form-data; boundary=x", FILE),
    ("PUT", "/_stcore/upload_file/session/file", "multipart/form-data; boundary=x", FILE),
)


def status(app: App, method: str, path: str, headers: dict[str, str], body: Iterator[bytes]) -> int | None:
    """None where the connection was cut before the answer could be read: it is refused while we are sending."""
    connection = http.client.HTTPConnection("127.0.0.1", app.port, timeout=PATIENCE_S)
    with contextlib.closing(connection):
        with contextlib.suppress(OSError):
            connection.request(method, path, body, headers, encode_chunked="Content-Length" not in headers)
        with contextlib.suppress(OSError, http.client.HTTPException):
            return connection.getresponse().status
    return None


def test_hundreds_of_megabytes_are_held_nowhere(web_alone: App) -> None:
    process, seen = psutil.Process(web_alone.process.pid), list[int]()

    def pieces(begin: bytes) -> Iterator[bytes]:
        yield begin.ljust(MB, b" ")
        for _ in range(SENT_MB - 1):
            seen.append(process.memory_info().rss)
            yield b"1," * (MB // 2)

    assert web_alone.get("/api/v1/usage")[0] == 200
    before = process.memory_info().rss
    for declared in ({"Content-Length": str(SENT_MB * MB)}, {}):
        for method, path, kind, begin in BODIES:
            answered = status(web_alone, method, path, {"Content-Type": kind, **declared}, pieces(begin))
            assert answered in (413, None, 403), path  # 403: Streamlit knows no such session
    assert max(seen) - before < 60 * MB
    assert web_alone.get("/api/v1/documents") == (200, '{"items":[],"next_cursor":null}')
