"""The SDKs' clients: no retries of their own, over their aiohttp transport."""

from collections.abc import Callable
from typing import Any, TypeVar

Client = TypeVar("Client")

# An answer may take minutes; a connection that takes longer than this will not come about.
CONNECT_SECONDS = 10.0
CONNECTIONS = 1000


def make(
    client: Callable[..., Client], transport: Callable[..., Any], api_key: str, base_url: str, timeout_s: float
) -> Client:
    from httpx2 import Limits, Timeout

    return client(
        api_key=api_key,
        base_url=base_url,
        max_retries=0,
        timeout=Timeout(timeout_s, connect=min(CONNECT_SECONDS, timeout_s)),
        http_client=transport(limits=Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)),
    )
