"""The socket that web listens on. Streamlit makes it without a protocol number, so asyncio does not take it for TCP and
leaves Nagle's algorithm on: the second packet of every answer waits for the client's delayed ACK, about 40 ms."""

import os
import socket

import psutil
import structlog

log = structlog.get_logger()
# In the environment, as web's jobs child has to know it, too.
PORT = "CAIRN_WEB_PORT"


def will_listen_on(port: int) -> None:
    os.environ[PORT] = str(port)


def own_port() -> int | None:
    """Where the web process of this process listens; None where none is known, as in a jobs process of its own."""
    port = os.environ.get(PORT, "")
    return int(port) if port.isdecimal() else None


def send_at_once(port: int) -> None:
    """Set TCP_NODELAY on this process's sockets that listen on `port`. Accepted sockets inherit it (Linux, macOS)."""
    connections = psutil.Process().net_connections("tcp")
    listening = [c.fd for c in connections if c.status == psutil.CONN_LISTEN and c.laddr.port == port]
    if not listening:
        log.error("no listening socket was found: every answer will take about 40 ms longer", port=port)
    for descriptor in listening:
        with socket.socket(fileno=os.dup(descriptor)) as found:
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
