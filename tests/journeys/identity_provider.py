"""`oidc-provider-mock` on loopback, and on demand its answers as they must not be."""

import base64
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Thread
from typing import Any

import oidc_provider_mock  # type: ignore[import-untyped]
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from oidc_provider_mock._storage import User  # type: ignore[import-untyped]
from werkzeug.serving import make_server
from werkzeug.test import run_wsgi_app

PEOPLE: Mapping[str, Mapping[str, Any]] = {
    "anna": {"email": "anna@example.org", "email_verified": True, "name": "Anna"},
    "ben": {"email": "ben@example.org", "email_verified": True, "name": "Ben"},
    "eve": {"email": "eve@example.org", "email_verified": False, "name": "Eve"},
    "mallory": {"email": "mallory@else.where", "email_verified": True, "name": "Mallory"},
}
KEY, ANOTHER = RSAKey.generate_key(2048, {"kid": "one"}), RSAKey.generate_key(2048, {"kid": "one"})
WRONG: Mapping[str, Mapping[str, Any]] = {
    "audience": {"aud": "another"},
    "audience that names us": {"aud": "another", "azp": "cairn"},
    "issuer": {"iss": "http://another"},
    "expired": {"exp": int(time.time()) - 600},
    "nonce": {"nonce": "another"},
    "key": {},
    "unsigned": {},
}


class Provider:
    """`wrong`: what the next answers are, of WRONG; "" for as they should be."""

    def __init__(self) -> None:
        self.wrong = ""
        self.url = ""
        users = [User(sub=name, claims=dict(claims)) for name, claims in PEOPLE.items()]
        self._inner = oidc_provider_mock.app(user_claims=users)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        found, status, headers = run_wsgi_app(self._inner, environ, buffered=True)
        body = b"".join(found)
        changed = (
            self._changed(environ["PATH_INFO"], json.loads(body))
            if status.startswith("200") and _is_json(headers)
            else None
        )
        if changed is not None:
            body = json.dumps(changed).encode()
            headers["Content-Length"] = str(len(body))
        start_response(status, list(headers))
        return [body]

    def _changed(self, path: str, told: dict[str, Any]) -> dict[str, Any] | None:
        if path == "/.well-known/openid-configuration":
            return {**told, "id_token_signing_alg_values_supported": ["RS256", "none"]}
        if path == "/jwks":
            return KeySet([KEY]).as_dict(private=False)  # type: ignore[return-value]
        if path == "/oauth2/token":
            return {**told, "id_token": self._token(told["id_token"])}
        return None

    def _token(self, token: str) -> str:
        claims = {**json.loads(_decoded(token.split(".")[1])), **WRONG.get(self.wrong, {})}
        if self.wrong == "unsigned":
            return f"{_encoded({'alg': 'none'})}.{_encoded(claims)}."
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims, ANOTHER if self.wrong == "key" else KEY)


def _is_json(headers: Any) -> bool:
    return "json" in headers.get("Content-Type", "")


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _encoded(value: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@contextmanager
def running() -> Iterator[Provider]:
    provider = Provider()
    server = make_server("127.0.0.1", 0, provider, threaded=True)
    provider.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
