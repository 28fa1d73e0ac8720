"""Who opens a page, as Streamlit tells a page: AppTest has no headers and cookies of its own."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from streamlit.runtime import context


@dataclass
class Client:
    """Of a session: its headers and cookies, as they came with the connection."""

    headers: list[tuple[str, str]] = field(default_factory=list)
    cookies: dict[str, str] = field(default_factory=dict)
    remote_ip: str = "192.0.2.7"


PROXY_SECRET = "Ku8sYv2mWq0bTz6e"
BY_PROXY = {
    "TRUSTED_USER_HEADER": "X-Forwarded-Email",
    "TRUSTED_NAME_HEADER": "X-Name",
    "TRUSTED_PROXY_SECRET": PROXY_SECRET,
}


def browser(monkeypatch: pytest.MonkeyPatch) -> Client:
    """What pages see from now on; change it and run again."""
    client = Client()
    monkeypatch.setattr(context, "_get_client_context", lambda: client)
    return client


def by_proxy(client: Client, setting: Any, email: str, name: str = "") -> None:
    """Signed in by a proxy as this person."""
    setting(**BY_PROXY)
    client.headers = [("X-Proxy-Secret", PROXY_SECRET), ("X-Forwarded-Email", email), ("X-Name", name)]
