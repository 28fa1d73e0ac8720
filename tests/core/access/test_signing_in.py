"""Whom a sign-in lets in, for how long, and what of a provider's token is not believed."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.access import actor, claims, people, proofs, signing_in
from core.access.signing_in import Ended, Identity, NotLetIn
from core.runtime import db
from tests.pipeline import rows

pytestmark = pytest.mark.usefixtures("database")
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
OIDC = {
    "OIDC_DISCOVERY_URL": "http://127.0.0.1:1/.well-known/openid-configuration",
    "OIDC_CLIENT_ID": "cairn",
    "OIDC_CLIENT_SECRET": "hush",
    "PUBLIC_URL": "http://127.0.0.1:2",
    "SECRET_KEY": "k" * 40,
    "ALLOWED_EMAIL_DOMAINS": "example.org",
}


def told(**other: Any) -> dict[str, Any]:
    at = int(NOW.timestamp())
    given = {"iss": "http://idp", "sub": "1", "aud": "cairn", "iat": at, "exp": at + 600, "nonce": "n1"}
    return {**given, "email": "anna@example.org", "email_verified": True, "name": "Anna", **other}


def token(algorithm: object = "RS256") -> str:
    return base64.urlsafe_b64encode(json.dumps({"alg": algorithm}).encode()).decode().rstrip("=") + ".e30."


def refusals() -> list[str]:
    return [row["after"]["reason"] for row in rows("SELECT * FROM audit_entry WHERE action = 'sign_in.refused'")]


def state(proof: str) -> str:
    try:
        return "in" if signing_in.known(proof, NOW) else "unknown"
    except Ended:
        return "ended"
    except NotLetIn:
        return "not let in"


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "alg none": ({}, token("none"), "not signed"),
    "alg HS256": ({}, token("HS256"), "not signed"),
    "no alg": ({}, "x.y.z", "not signed"),
    "no token": ({}, "", "not signed"),
    "wrong audience, our azp": ({"aud": "another", "azp": "cairn"}, token(), "another application"),
    "wrong audiences": ({"aud": ["another", "cairn2"]}, token(), "another application"),
    "no audience": ({"aud": None}, token(), "another application"),
    "no issuer": ({"iss": ""}, token(), "whose it is"),
    "no subject": ({"sub": 7}, token(), "whose it is"),
    "no nonce": ({"nonce": None}, token(), "whose it is"),
    "expired": ({"exp": int(NOW.timestamp()) - 121}, token(), "expired"),
    "no expiry": ({"exp": None}, token(), "no time"),
    "endless": ({"exp": 1e300}, token(), "no time"),
    "older than a session": ({"iat": int(NOW.timestamp()) - 12 * 3600}, token(), "too old"),
    "unverified": ({"email_verified": False}, token(), "verified"),
    "verified by a word": ({"email_verified": "true"}, token(), "verified"),
    "nothing said": ({"email_verified": None}, token(), "verified"),
    "no e-mail": ({"email": None}, token(), "no e-mail"),
    "another domain": ({"email": "anna@example.org.evil"}, token(), "Nobody has invited"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_token_that_is_not_for_us_lets_nobody_in_and_is_kept(setting: Any, kind: str) -> None:
    setting(**OIDC)
    other, signed, why = WRONG[kind]
    with pytest.raises(NotLetIn, match=why):
        claims.begin(told(**other), signed, "p", NOW, ip="192.0.2.1")
    assert state("p") == "unknown"
    (reason,) = refusals()
    assert why in reason


def test_trust_in_the_provider_ends_where_it_says_that_the_email_is_not_verified(setting: Any) -> None:
    setting(**OIDC, OIDC_TRUST_EMAIL="true")
    with pytest.raises(NotLetIn, match="verified"):
        claims.begin(told(email_verified=False), token(), "p", NOW, ip=None)
    claims.begin(told(email_verified=None), token(), "p", NOW, ip=None)
    assert state("p") == "in"


def test_a_sign_in_counts_once_until_it_is_ended_or_hours_after_it_was_issued(setting: Any) -> None:
    setting(**OIDC)
    early = int(NOW.timestamp()) - 3600
    for _ in range(2):  # Two tabs begin it at the same time.
        claims.begin(told(iat=early), token(), "p", NOW, ip=None)
    assert len(rows("SELECT * FROM audit_entry WHERE action = 'sign_in'")) == 1
    found = signing_in.known("p", NOW)
    assert found is not None
    assert found.ends_at == NOW + timedelta(hours=11)
    signing_in.end("p", NOW)
    assert state("p") == "ended"
    for proof in ("p", "another cookie of the same answer"):
        with pytest.raises(NotLetIn, match="used before"):
            claims.begin(told(), token(), proof, NOW, ip=None)
    claims.begin(told(nonce="n2", iat=int(NOW.timestamp()) + 9000), token(), "q", NOW, ip=None)
    found = signing_in.known("q", NOW)
    assert found is not None
    assert found.ends_at == NOW + timedelta(hours=12)
    with pytest.raises(Ended):
        signing_in.known("q", NOW + timedelta(hours=12))


def test_a_person_is_issuer_and_subject_and_deactivating_ends_all_sign_ins(setting: Any) -> None:
    setting(**OIDC, ADMIN_EMAILS="root@example.org")
    claims.begin(told(), token(), "p", NOW, ip=None)
    claims.begin(told(iss="http://other", nonce="n2"), token(), "q", NOW, ip=None)
    (one, other) = (signing_in.known(proof, NOW) for proof in "pq")
    assert one
    assert other
    assert one.person.id != other.person.id
    people.deactivate(one.person.id, NOW)
    assert (state("p"), state("q")) == ("not let in", "in")
    with pytest.raises(NotLetIn, match=r"no longer use Cairn\. Ask root@"):
        claims.begin(told(nonce="n3"), token(), "r", NOW, ip=None)
    people.activate(one.person.id)
    assert state("p") == "ended"


def test_a_proxy_vouches_anew(setting: Any) -> None:
    setting(**OIDC)
    anna = Identity("header", "proxy", "anna@example.org", "anna@example.org", True)
    signing_in.begin(anna, "p", NOW)
    signing_in.end("p", NOW)
    assert state("p") == "ended"
    signing_in.begin(anna, "p", NOW)
    assert state("p") == "in"


def test_an_invitation_is_taken_over_by_the_verified_email_alone(setting: Any) -> None:
    setting(**OIDC)
    made = people.invite("Zoe@else.where", role="manager")
    with pytest.raises(NotLetIn):
        claims.begin(told(email="zoe@else.where", email_verified=False), token(), "p", NOW, ip=None)
    claims.begin(told(email="zoe@else.where"), token(), "p", NOW, ip=None)
    found = signing_in.known("p", NOW)
    assert found is not None
    caller = found.caller("pages")
    assert (caller.user, caller.role, found.person.state) == (made.id, "manager", "active")
    with actor.bound(caller), db.transaction():
        pass


def test_of_a_long_cookie_all_parts_are_the_proof() -> None:
    """The first says how many there are, and is the same for all who signed in within the same second."""
    one = {
        "_streamlit_user": "chunks-2",
        "_streamlit_user_1": "a",
        "_streamlit_user_2": "b",
        "_streamlit_user_tokens": "t",
    }
    assert proofs.of_cookies(one) != proofs.of_cookies(one | {"_streamlit_user_2": "c"})
    assert proofs.of_cookies(one) == proofs.of_cookies(dict(reversed(one.items())) | {"_streamlit_user_tokens": "u"})
    assert proofs.of_cookies({"_streamlit_user_1": "a"}) is None
