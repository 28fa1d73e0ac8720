"""The SDKs' clients: no retries of their own, over their aiohttp transport.

They follow no redirect, which would take a document and a key to wherever a server says; and each connection that they
make is looked at (core/providers/addresses.py), also those to a name that resolves to another address than before.
"""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from core.providers import addresses

if TYPE_CHECKING:
    import ssl

Client = TypeVar("Client")

# An answer may take minutes; a connection that takes longer than this will not come about.
CONNECT_SECONDS = 10.0
CONNECTIONS = 1000


def make(
    client: Callable[..., Client], transport: Callable[..., Any], api_key: str, base_url: str, timeout_s: float
) -> Client:
    from httpx2 import Limits

    return client(
        api_key=api_key,
        base_url=base_url,
        max_retries=0,
        timeout=timeout(timeout_s, connect_s(timeout_s)),
        http_client=_looked_at(transport)(
            verify=_trusted(),
            limits=Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
            follow_redirects=False,
        ),
    )


@cache
def _trusted() -> "ssl.SSLContext":
    """The certificates that this machine trusts: to read them takes a hundred times as long as all else of a client."""
    from httpx2 import create_ssl_context

    return create_ssl_context()


def connect_s(timeout_s: float) -> float:
    return min(CONNECT_SECONDS, timeout_s)


def timeout(read_s: float, connect_s: float) -> Any:
    from httpx2 import Timeout

    return Timeout(read_s, connect=connect_s)


def _looked_at(transport: Callable[..., Any]) -> Callable[..., Any]:
    """The SDK's HTTP client, with connections that `addresses.opened` opens."""

    class Client(transport):  # type: ignore[valid-type, misc]
        def _init_transport(self, **how: Any) -> Any:
            return _with_sessions(super()._init_transport(**how))

        def _init_proxy_transport(self, **how: Any) -> Any:
            return _with_sessions(super()._init_proxy_transport(**how))

    return Client


def _with_sessions(transport: Any) -> Any:
    def session() -> Any:
        from aiohttp import ClientSession, TCPConnector

        return ClientSession(
            connector=TCPConnector(
                limit=transport.limits.max_connections,
                keepalive_timeout=transport.limits.keepalive_expiry,
                ssl=transport.ssl_context,
                socket_factory=addresses.opened,
            )
        )

    transport.client = session
    return transport
