"""What the variables must be together: a sign-in that is whole, and nothing in production that is open or guessed.

All reasons are found, so that one start names everything there is to do.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from core.environment.addresses import is_beyond_loopback, is_http_beyond_loopback, is_loopback
from core.environment.strength import HOW_TO_MAKE_ONE, KEY_AT_LEAST, is_placeholder, is_weak
from core.environment.variables import Settings

OIDC = ("oidc_discovery_url", "oidc_client_id", "oidc_client_secret")
HEADER = ("trusted_user_header", "trusted_name_header", "trusted_proxy_secret")
BOTH_NEED = {
    "oidc": (*OIDC, "public_url"),
    "header": ("trusted_user_header", "trusted_proxy_secret"),
}


@dataclass(frozen=True)
class Reason:
    """Why Cairn does not start. `about`: the variable to look at, in small letters."""

    about: str
    text: str


@dataclass(frozen=True)
class Listening:
    """Where the web process does. None: on all addresses."""

    address: str | None

    @property
    def beyond_loopback(self) -> bool:
        return self.address is None or not is_loopback(self.address)


def reasons(settings: Settings, listening: Listening | None) -> list[Reason]:
    """Of the environment alone. `listening`: None for a process that listens nowhere."""
    found = [*_sign_in(settings), *_secret_key(settings)]
    if settings.migration_database_url is not None and settings.database_url is None:
        found.append(Reason("database_url", "is missing: MIGRATION_DATABASE_URL is the same database, as its owner."))
    if settings.environment == "production":
        found += _production(settings)
    if listening is not None:
        found += _exposure(settings, listening)
    return found


def needs_admin(settings: Settings, listening: Listening) -> bool:
    """Whether nobody administers Cairn, unless the database has an admin. Where nobody signs in, everybody does."""
    if settings.environment != "production" or settings.admin_emails:
        return False
    return settings.sign_in != "none" or is_reached_by_others(settings, listening)


def is_reached_by_others(settings: Settings, listening: Listening) -> bool:
    """A proxy on this machine brings others to a loopback address, under PUBLIC_URL."""
    return listening.beyond_loopback or is_beyond_loopback(settings.public_url)


def _sign_in(settings: Settings) -> Iterator[Reason]:
    begun = {kind: _given(settings, names) for kind, names in (("oidc", OIDC), ("header", HEADER))}
    for kind, given in begun.items():
        for name in BOTH_NEED[kind] if given else ():
            if getattr(settings, name) is None:
                yield Reason(name, f"is missing, and {' and '.join(given)} needs it. {REMEDIES.get(name, '')}".rstrip())
    if all(begun.values()):
        yield Reason(
            "trusted_user_header",
            "people sign in by a provider or by a proxy, not by both: take the variables that begin with OIDC_ away, "
            "or those that begin with TRUSTED_.",
        )
    proxy_secret = settings.trusted_proxy_secret
    if proxy_secret is not None and len(proxy_secret.get_secret_value()) < KEY_AT_LEAST:
        yield Reason("trusted_proxy_secret", f"needs at least {KEY_AT_LEAST} random characters. {HOW_TO_MAKE_ONE}")


REMEDIES = {
    "public_url": "It is where people open Cairn, such as https://cairn.example.org.",
    "trusted_proxy_secret": f"The proxy sends it as X-Proxy-Secret. {HOW_TO_MAKE_ONE}",
}


def _given(settings: Settings, names: tuple[str, ...]) -> list[str]:
    return [name.upper() for name in names if getattr(settings, name) is not None]


def _secret_key(settings: Settings) -> Iterator[Reason]:
    secret = settings.secret_key.get_secret_value() if settings.secret_key else ""
    needed = [*(["production"] if settings.environment == "production" else []), *_given(settings, OIDC)]
    if needed and is_weak(secret):
        why = "Keys of providers are sealed with it, and the cookies of who signed in are signed."
        yield Reason(
            "secret_key",
            f"{' and '.join(needed)} needs at least 32 random characters and no placeholder. {why} {HOW_TO_MAKE_ONE}",
        )


def _production(settings: Settings) -> Iterator[Reason]:
    if settings.allow_open_access:
        yield Reason("allow_open_access", "is for trying Cairn out. In production set up a sign-in, see README.")
    for name in ("public_url", "oidc_discovery_url"):
        url = getattr(settings, name)
        if url is not None and is_http_beyond_loopback(url):
            yield Reason(name, "production needs https: what goes there by http can be read and changed on the way.")
    keys = {
        "api_key": [settings.api_key],
        "additional_api_keys": settings.additional_api_keys,
        "trusted_proxy_secret": [settings.trusted_proxy_secret],
    }
    for name, given in keys.items():
        if any(key is not None and is_placeholder(key.get_secret_value()) for key in given):
            yield Reason(name, f"looks like a placeholder. {HOW_TO_MAKE_ONE}")
    if "*" in settings.cors_origins:
        yield Reason("cors_origins", "has *: name the origins whose pages may use the API.")


def _exposure(settings: Settings, listening: Listening) -> Iterator[Reason]:
    production = settings.environment == "production"
    if settings.sign_in != "none" or (settings.allow_open_access and not production):
        return
    about, where, or_else = "public_url", "that address", "Take it away"
    if listening.beyond_loopback:
        about, where = "streamlit_server_address", listening.address or "all addresses"
        or_else = "Listen on 127.0.0.1"
    elif not production or not is_beyond_loopback(settings.public_url):
        return
    ways = "set up a sign-in (OIDC_DISCOVERY_URL or TRUSTED_USER_HEADER, see README)"
    if not production:
        ways += ", or, to try it out in a container that nobody else reaches, set ALLOW_OPEN_ACCESS=true"
    yield Reason(
        about,
        f"nobody can sign in, and Cairn would be reached on {where}: everybody there could read every document. "
        f"{or_else}, or {ways}.",
    )
