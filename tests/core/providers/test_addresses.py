"""Where calls of providers do not go: to where a redirect says, and to addresses that no provider has."""

import ipaddress
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from core import providers
from core.errors import ProviderError
from core.providers import addresses
from core.providers.addresses import RefusedAddress
from core.providers.capabilities import REMOTE, Kind
from core.providers.types import Provider
from core.runtime import listening_socket
from tests import local_provider
from tests.core.providers.orders import Run
from tests.local_provider import LocalProvider, Reply

BODY = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "The document."}]}
NAMES = REMOTE


@pytest.fixture
def other() -> Iterator[LocalProvider]:
    with local_provider.running() as running:
        yield running


async def refused(name: Kind, url: str, call: Callable[[Provider], Any]) -> ProviderError:
    made = providers.make(name, "sk-key", url, 10)
    try:
        with pytest.raises(ProviderError) as error:
            await call(made)
        return error.value
    finally:
        await made.close()


def address(name: Kind, server: LocalProvider, host: str = "127.0.0.1") -> str:
    return f"http://{host}:{server.port}{'/v1' if name == 'openai' else ''}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("name", NAMES)
def test_a_redirect_is_not_followed(
    name: Kind, status: int, provider: LocalProvider, other: LocalProvider, run: Run[Any]
) -> None:
    path = "/v1/chat/completions" if name == "openai" else "/v1/messages"
    there = {"Location": f"http://127.0.0.1:{other.port}{path}"}
    provider.plan = lambda _asked: Reply(status=status, headers=there, body=b"")
    for call in (lambda made: made.call(BODY), lambda made: made.models()):
        error = run(refused(name, address(name, provider), call))
        assert (error.code, error.retryable, error.heard) == ("redirected", False, True)
    assert (len(provider.asked), other.asked) == (1, [])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "host",
    ["169.254.169.254", "[::ffff:169.254.169.254]", "[fe80::1]", "[fd00:ec2::254]", "100.100.100.200", "0.0.0.0"],
)
def test_secrets_of_machines_are_not_asked_for(name: Kind, host: str, run: Run[Any]) -> None:
    error = run(refused(name, f"http://{host}/latest", lambda made: made.call(BODY)))
    assert (error.code, error.retryable, error.heard) == ("address_refused", False, True)
    assert "keep their own secrets" in error.message


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::ffff:127.0.0.1]"])
@pytest.mark.parametrize("name", NAMES)
def test_cairn_does_not_call_itself(
    name: Kind, host: str, provider: LocalProvider, run: Run[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a name as well, as it is the address that counts that it has when it is called."""

    async def ask() -> str:
        made = providers.make(name, "sk-key", address(name, provider, host), 10)
        try:
            return (await made.call(BODY)).parsed.text
        finally:
            await made.close()

    if not host.startswith("["):
        assert run(ask()) == "An answer."
    monkeypatch.setenv(listening_socket.PORT, str(provider.port))
    error = run(refused(name, address(name, provider, host), lambda made: made.call(BODY)))
    assert error.code == "address_refused"
    assert "Cairn's own" in error.message
    assert len(provider.asked) == (0 if host.startswith("[") else 1)


def test_another_machine_may_have_the_port_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(listening_socket.PORT, "8501")
    addresses.opened((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("192.0.2.7", 8501))).close()
    with pytest.raises(RefusedAddress):
        addresses.opened((socket.AF_INET6, socket.SOCK_STREAM, 0, "", ("::1", 8501, 0, 0)))


def test_the_list_of_addresses() -> None:
    for text in ("169.254.0.1", "fe80::1", "224.0.0.1", "ff02::1", "::", "168.63.129.16", "::ffff:100.100.100.200"):
        assert addresses.no_provider_lives_at(ipaddress.ip_address(text)), text
    for text in ("127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "8.8.8.8", "fd00::1", "100.64.0.1"):
        assert not addresses.no_provider_lives_at(ipaddress.ip_address(text)), text
