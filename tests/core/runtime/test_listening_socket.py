import socket
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from core.runtime import listening_socket


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """Made as Streamlit makes its own: with a family and no protocol."""
    with socket.socket(family=socket.AF_INET) as made:
        made.bind(("127.0.0.1", 0))
        made.listen()
        yield made


def test_what_is_accepted_sends_at_once(listening: socket.socket) -> None:
    listening_socket.send_at_once(listening.getsockname()[1])
    with socket.create_connection(listening.getsockname()), listening.accept()[0] as accepted:
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_socket_that_is_not_found_is_logged_as_an_error(listening: socket.socket) -> None:
    port = listening.getsockname()[1]
    listening.close()
    with capture_logs() as logged:
        listening_socket.send_at_once(port)
    assert [(entry["log_level"], entry["port"]) for entry in logged] == [("error", port)]
