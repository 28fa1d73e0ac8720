"""What a request shows of who sends it: a browser's cookie, a proxy's word, an address.

Pages and API read them here, so that both mean the same person.
"""

import hmac
import re
from collections.abc import Mapping

from core.access.signing_in import Identity
from core.environment import get_settings

# Of Streamlit. What is too long for one cookie goes on in numbered ones, and the first then tells only how many.
COOKIE = "_streamlit_user"
_OF_A_SIGN_IN = re.compile(rf"{COOKIE}(?:__?[0-9]{{1,3}})?")
PROVES_ITSELF = "X-Proxy-Secret"


def of_cookies(cookies: Mapping[str, str]) -> str | None:
    """The proof that `signing_in.begin` and `known` take: the cookies of a sign-in as they came; None without one."""
    found = sorted((name, value) for name, value in cookies.items() if _OF_A_SIGN_IN.fullmatch(name))
    if not found or found[0][0] != COOKIE:
        return None
    return found[0][1] if len(found) == 1 else "\n".join(f"{name}={value}" for name, value in found)


def by_proxy(headers: Mapping[str, str]) -> Identity | None:
    """Whom the trusted proxy names; None where it does not prove itself or names nobody. `headers` are found in any
    spelling, as those of a request are."""
    settings = get_settings()
    if settings.sign_in != "header" or settings.trusted_user_header is None or settings.trusted_proxy_secret is None:
        return None
    given, ours = headers.get(PROVES_ITSELF) or "", settings.trusted_proxy_secret.get_secret_value()
    email = _utf8(headers.get(settings.trusted_user_header) or "")
    if not hmac.compare_digest(given.encode("utf-8", "replace"), ours.encode()) or not email:
        return None
    name = headers.get(settings.trusted_name_header) if settings.trusted_name_header else None
    return Identity("header", "header", email.lower(), email, verified=True, name=_utf8(name or ""))


def _utf8(value: str) -> str:
    """Of a header: HTTP reads its bytes as Latin-1."""
    try:
        return value.encode("latin-1").decode().strip()
    except UnicodeError:
        return value.strip()


def ip_of(peer: str | None, forwarded: str | None) -> str | None:
    """Whose call it is: the peer, or, where FORWARDED_ALLOW_IPS has it, the last in its X-Forwarded-For whom that does
    not have."""
    believed = get_settings().believes_forwarded_by
    way = [part.strip() for part in (forwarded or "").split(",") if part.strip()]
    while peer is not None and way and believed(peer):
        peer = way.pop()
    return peer if peer is None else peer[:64]
