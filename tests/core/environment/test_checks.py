"""What stops the start, and that all of it is named at once."""

import re
from typing import Any

import pytest

from core.environment import Listening, Settings, check_admin, load_settings
from core.errors import ConfigurationError

REAL = "gK3v0-8sQm1Zc7Yt5Rj2Wp9Xn4Lb6Hdx"
OIDC = {
    "OIDC_DISCOVERY_URL": "https://login.example/.well-known/openid-configuration",
    "OIDC_CLIENT_ID": "cairn",
    "OIDC_CLIENT_SECRET": "as the provider gave it",
    "PUBLIC_URL": "https://cairn.example",
    "SECRET_KEY": REAL,
}
HEADER = {"TRUSTED_USER_HEADER": "X-Forwarded-Email", "TRUSTED_PROXY_SECRET": REAL}
PRODUCTION = {"ENVIRONMENT": "production", "SECRET_KEY": REAL, "ADMIN_EMAILS": "ada@example.org"}
OPEN = {"ALLOW_OPEN_ACCESS": "true"}


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def without(values: dict[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in values.items() if name not in names}


def refused(monkeypatch: pytest.MonkeyPatch, values: dict[str, str], address: str | None = "127.0.0.1") -> list[str]:
    """The variables that are named, in their order; none where Cairn starts."""
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    try:
        load_settings(Listening(address))
        message = ""
    except ConfigurationError as error:
        message = error.message
    # `values` are told nowhere, least of all secrets.
    assert all(value not in message for value in values.values() if len(value) > 11)
    return re.findall(r"^  ([A-Z_]+): \w", message, re.MULTILINE)


@pytest.mark.parametrize(
    ("values", "address", "named"),
    [
        # Nobody signs in: on this machine alone, or with leave.
        ({}, "127.0.0.1", ""),
        ({}, "localhost", ""),
        ({}, "::1", ""),
        ({}, "127.0.0.2", ""),
        ({}, "0.0.0.0", "STREAMLIT_SERVER_ADDRESS"),
        ({}, None, "STREAMLIT_SERVER_ADDRESS"),
        ({}, "192.168.0.7", "STREAMLIT_SERVER_ADDRESS"),
        ({"API_KEY": REAL}, "0.0.0.0", "STREAMLIT_SERVER_ADDRESS"),
        (OPEN, "0.0.0.0", ""),
        ({"PUBLIC_URL": "https://cairn.example"}, "127.0.0.1", ""),
        # One sign-in, whole.
        (OIDC, "0.0.0.0", ""),
        (HEADER, None, ""),
        (HEADER | {"PUBLIC_URL": "http://cairn.example:8501"}, "0.0.0.0", ""),
        (HEADER | {"TRUSTED_NAME_HEADER": "X-Forwarded-User"}, "0.0.0.0", ""),
        (OIDC | HEADER, "0.0.0.0", "TRUSTED_USER_HEADER"),
        # Half of one.
        ({"OIDC_CLIENT_ID": "x"}, "127.0.0.1", "OIDC_DISCOVERY_URL OIDC_CLIENT_SECRET PUBLIC_URL SECRET_KEY"),
        (without(OIDC, "OIDC_CLIENT_SECRET", "PUBLIC_URL"), "0.0.0.0", "OIDC_CLIENT_SECRET PUBLIC_URL"),
        (without(OIDC, "SECRET_KEY"), "127.0.0.1", "SECRET_KEY"),
        (OIDC | {"SECRET_KEY": "short"}, "127.0.0.1", "SECRET_KEY"),
        ({"SECRET_KEY": "short"}, "127.0.0.1", ""),
        (without(HEADER, "TRUSTED_USER_HEADER"), "127.0.0.1", "TRUSTED_USER_HEADER"),
        ({"TRUSTED_USER_HEADER": "X-Email"}, "0.0.0.0", "TRUSTED_PROXY_SECRET"),
        ({"TRUSTED_NAME_HEADER": "X-Name"}, "127.0.0.1", "TRUSTED_USER_HEADER TRUSTED_PROXY_SECRET"),
        (HEADER | {"TRUSTED_PROXY_SECRET": "x" * 15}, "127.0.0.1", "TRUSTED_PROXY_SECRET"),
        ({"OIDC_CLIENT_ID": "x"} | without(HEADER, "TRUSTED_PROXY_SECRET"), "127.0.0.1",
         "OIDC_DISCOVERY_URL OIDC_CLIENT_SECRET PUBLIC_URL TRUSTED_PROXY_SECRET TRUSTED_USER_HEADER SECRET_KEY"),
        # Of one variable alone, and nothing that only follows from it.
        ({"API_KEY": "x" * 15}, "127.0.0.1", "API_KEY"),
        ({"API_KEY": "x" * 16, "ADDITIONAL_API_KEYS": f"{REAL}, {'y' * 16},"}, "127.0.0.1", ""),
        ({"ADDITIONAL_API_KEYS": f"{REAL},{'y' * 15}"}, "127.0.0.1", "ADDITIONAL_API_KEYS"),
        (OIDC | {"PUBLIC_URL": "https://cairn.example/below"}, "0.0.0.0", "PUBLIC_URL"),
        (OIDC | {"OIDC_DISCOVERY_URL": "login.without-a-scheme"}, "127.0.0.1", "OIDC_DISCOVERY_URL"),
        (OIDC | {"OIDC_SCOPES": "openid"}, "127.0.0.1", "OIDC_SCOPES"),
        (HEADER | {"TRUSTED_USER_HEADER": "X Email:"}, "127.0.0.1", "TRUSTED_USER_HEADER"),
        ({"ADMIN_EMAILS": "ada"}, "127.0.0.1", "ADMIN_EMAILS"),
        ({"ALLOWED_EMAIL_DOMAINS": "ada@example.org"}, "127.0.0.1", "ALLOWED_EMAIL_DOMAINS"),
        ({"SESSION_HOURS": "0"}, "127.0.0.1", "SESSION_HOURS"),
        ({"FORWARDED_ALLOW_IPS": "the proxy's"}, "127.0.0.1", "FORWARDED_ALLOW_IPS"),
        # Production.
        (PRODUCTION, "127.0.0.1", ""),
        (without(PRODUCTION, "ADMIN_EMAILS"), "127.0.0.1", ""),
        (PRODUCTION, "0.0.0.0", "STREAMLIT_SERVER_ADDRESS"),
        (PRODUCTION | OPEN, "0.0.0.0", "ALLOW_OPEN_ACCESS STREAMLIT_SERVER_ADDRESS"),
        (PRODUCTION | OPEN, "127.0.0.1", "ALLOW_OPEN_ACCESS"),
        (PRODUCTION | OIDC, "0.0.0.0", ""),
        (PRODUCTION | HEADER, "0.0.0.0", ""),
        (PRODUCTION | {"PUBLIC_URL": "https://cairn.example"}, "127.0.0.1", "PUBLIC_URL"),
        (PRODUCTION | {"PUBLIC_URL": "http://localhost:8501"}, "127.0.0.1", ""),
        (PRODUCTION | OIDC | {"PUBLIC_URL": "http://cairn.example"}, "0.0.0.0", "PUBLIC_URL"),
        (PRODUCTION | OIDC | {"PUBLIC_URL": "http://[::1]:8501"}, "0.0.0.0", ""),
        (PRODUCTION | OIDC | {"OIDC_DISCOVERY_URL": "http://login.example/x"}, "0.0.0.0", "OIDC_DISCOVERY_URL"),
        (PRODUCTION | {"API_KEY": "change-me-1234567890"}, "127.0.0.1", "API_KEY"),
        (PRODUCTION | {"ADDITIONAL_API_KEYS": f"{REAL},my-secret-api-key"}, "127.0.0.1", "ADDITIONAL_API_KEYS"),
        (PRODUCTION | HEADER | {"TRUSTED_PROXY_SECRET": "secret-" + REAL}, "127.0.0.1", "TRUSTED_PROXY_SECRET"),
        (PRODUCTION | {"CORS_ORIGINS": '["https://desk.example", "*"]'}, "127.0.0.1", "CORS_ORIGINS"),
        # All at once.
        (
            {"ENVIRONMENT": "production", "PUBLIC_URL": "http://cairn.example", "SECRET_KEY": "x" * 31}
            | {"API_KEY": "your-secret-key-0123", "CORS_ORIGINS": '["*"]', "LIVE_CONCURRENCY": "0"},
            None,
            "LIVE_CONCURRENCY SECRET_KEY PUBLIC_URL API_KEY CORS_ORIGINS STREAMLIT_SERVER_ADDRESS ADMIN_EMAILS",
        ),
    ],
)  # fmt: skip
def test_what_is_missing_or_weak_is_named(
    values: dict[str, str], address: str | None, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert refused(monkeypatch, values, address) == named.split()


def test_a_process_that_listens_nowhere_needs_no_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert re.findall(r"^  ([A-Z_]+):", caught.value.message, re.MULTILINE) == ["SECRET_KEY"]
    monkeypatch.setenv("SECRET_KEY", REAL)
    assert load_settings().sign_in == "none"


@pytest.mark.parametrize(
    ("values", "address", "stops"),
    [
        (PRODUCTION | HEADER, "0.0.0.0", False),
        (without(PRODUCTION, "ADMIN_EMAILS") | HEADER, "0.0.0.0", True),
        (without(PRODUCTION, "ADMIN_EMAILS") | OIDC, "127.0.0.1", True),
        (without(PRODUCTION, "ADMIN_EMAILS") | HEADER, "127.0.0.1", True),
        (without(PRODUCTION, "ADMIN_EMAILS"), "127.0.0.1", False),
        (HEADER, "0.0.0.0", False),
    ],
)
def test_production_wants_an_admin(
    values: dict[str, str], address: str, stops: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert refused(monkeypatch, values, address) == []
    check_admin(load_settings(), Listening(address), lambda: True)
    if not stops:
        return check_admin(load_settings(), Listening(address), lambda: False)
    with pytest.raises(ConfigurationError, match="ADMIN_EMAILS: is empty, and there is no admin"):
        check_admin(load_settings(), Listening(address), lambda: False)


def test_values_are_as_they_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {
        "PUBLIC_URL": "HTTPS://Cairn.Example:443/",
        "ADMIN_EMAILS": " Ada@Example.org,, bob@example.org ,ada@example.org",
        "ALLOWED_EMAIL_DOMAINS": "Example.ORG, @other.example",
        "API_KEY": f" {REAL} ",
        "ADDITIONAL_API_KEYS": f"{'a' * 16}, {'b' * 16}",
        "FORWARDED_ALLOW_IPS": "10.0.0.0/8, ::1",
        "TRUSTED_USER_HEADER": "X-Email",
        "TRUSTED_PROXY_SECRET": REAL,
        "ALLOW_OPEN_ACCESS": "true",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.public_url == "https://cairn.example"
    assert settings.admin_emails == ("ada@example.org", "bob@example.org")
    assert settings.allowed_email_domains == ("example.org", "other.example")
    assert [key.get_secret_value() for key in settings.api_keys] == [REAL, "a" * 16, "b" * 16]
    assert REAL not in repr(settings)
    believed = [ip for ip in ("10.9.8.7", "11.0.0.1", "::1", "", "testclient") if settings.believes_forwarded_by(ip)]
    assert believed == ["10.9.8.7", "::1"]
    assert (settings.sign_in, settings.open_access) == ("header", False)
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    assert all(load_settings().believes_forwarded_by(ip) for ip in ("1.2.3.4", "2001:db8::1"))


@pytest.mark.parametrize(
    ("environment", "disabled", "there"),
    [
        ("development", "", True),
        ("development", "true", False),
        ("production", "", False),
        ("production", "false", True),
    ],
)
def test_internal_docs_are_off_in_production(
    environment: str, disabled: str, there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**PRODUCTION, "ENVIRONMENT": environment, "DISABLE_INTERNAL_DOCS": disabled}.items():
        monkeypatch.setenv(name, value)
    assert load_settings().internal_docs is there


def test_who_signs_in_how(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (load_settings().sign_in, load_settings().open_access) == ("none", False)
    monkeypatch.setenv("ALLOW_OPEN_ACCESS", "true")
    assert load_settings().open_access
    for name, value in OIDC.items():
        monkeypatch.setenv(name, value)
    assert (load_settings().sign_in, load_settings().open_access) == ("oidc", False)
