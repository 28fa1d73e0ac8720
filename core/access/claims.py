"""What an OIDC provider says of a person, and what must hold of it before it is believed.

Streamlit, by Authlib, has compared state and nonce, and checked the token's signature by the provider's keys, its
issuer and its times. It takes any algorithm that the provider lists, `none` too, and another audience where `azp` names
us: these are refused here.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from core.access import signing_in
from core.access.actor import Caller
from core.access.signing_in import Identity, NotLetIn
from core.environment import get_settings

# Signed with a key that the provider alone has: neither `none`, nor with the secret that both know.
SIGNED_BY = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
# Clocks differ; Authlib allows as much.
LEEWAY = timedelta(minutes=2)


@dataclass(frozen=True)
class Vouched:
    """`once`: what no other sign-in may bring again."""

    identity: Identity
    issued_at: datetime
    once: str


def begin(claims: Mapping[str, Any], id_token: str, proof: str, at: datetime, *, ip: str | None) -> None:
    """Let in whom `claims`, those of `id_token`, name. Raises NotLetIn, with an audit entry of the refusal."""
    try:
        vouched = checked(claims, id_token, at)
    except NotLetIn as refused:
        identity = Identity("oidc", _text(claims, "iss"), _text(claims, "sub"), _text(claims, "email"), False)
        signing_in.note_refusal(identity, refused, Caller("pages", "session", None, ip=ip))
        raise
    signing_in.begin(vouched.identity, proof, at, issued_at=vouched.issued_at, once=vouched.once, ip=ip)


def checked(claims: Mapping[str, Any], id_token: str, at: datetime) -> Vouched:
    """Raises NotLetIn."""
    settings = get_settings()
    if _algorithm(id_token) not in SIGNED_BY:
        raise _unusable("is not signed with a key of the provider's own")
    audience = claims.get("aud")
    if settings.oidc_client_id not in (audience if isinstance(audience, list) else [audience]):
        raise _unusable("is meant for another application")
    issuer, subject, nonce = (_text(claims, name) for name in ("iss", "sub", "nonce"))
    if not (issuer and subject and nonce):
        raise _unusable("does not say whose it is")
    if _time(claims, "exp") + LEEWAY <= at:
        raise _unusable("has expired")
    email = claims.get("email")
    said = claims.get("email_verified")
    verified = said is True or (said is None and settings.oidc_trust_email)
    name = claims.get("name")
    who = Identity(
        "oidc",
        issuer,
        subject,
        email if isinstance(email, str) else None,
        verified,
        name if isinstance(name, str) else "",
    )
    return Vouched(who, min(_time(claims, "iat"), at), f"{issuer}\n{nonce}")


def _unusable(why: str) -> NotLetIn:
    return NotLetIn(f"The sign-in that the provider sent {why}. Sign in again.")


def _algorithm(id_token: str) -> object:
    head = id_token.partition(".")[0]
    try:
        return json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4))).get("alg")
    except (binascii.Error, ValueError, AttributeError):
        return None


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) else ""


def _time(claims: Mapping[str, Any], name: str) -> datetime:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _unusable("says no time")
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, OSError, ValueError):
        raise _unusable("says no time") from None
