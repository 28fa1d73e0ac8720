"""Who is let in: keys, sign-ins, nobody; and for how long."""

from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from core.access import people, signing_in
from core.access.signing_in import Identity
from core.runtime import db, engines, shared_clock
from tests.api.people import key_of, person
from tests.pipeline import add_document, rows

pytestmark = pytest.mark.usefixtures("database")
STATUS = "/api/v1/auth/status"
ENVIRONMENT = "an-admin-of-the-environment"
SECOND = "another-key-of-the-environment"


def test_without_keys_and_sign_in_whoever_is_on_this_machine_is_admin(client: TestClient, setting: Any) -> None:
    found = client.get(STATUS).json()
    assert {name: found[name] for name in ("authenticated", "kind", "sign_in", "user", "role", "key")} == {
        "authenticated": True,
        "kind": "open",
        "sign_in": "none",
        "user": None,
        "role": "admin",
        "key": None,
    }
    assert (found["workspace"], found["workspaces"]) == ("ws_default", [{"id": "ws_default", "name": "default"}])
    assert found["rate_limit_per_minute"] == 600
    away = TestClient(client.app, base_url="http://192.168.0.7")
    setting(PUBLIC_URL="http://192.168.0.7")
    assert away.get(STATUS).status_code == 401
    setting(ALLOW_OPEN_ACCESS="true")
    assert away.get(STATUS).json()["kind"] == "open"
    # As soon as there is a key, nobody comes in without one.
    _, headers = key_of(person("Anna"))
    for open_ in (client, away):
        refused = open_.get(STATUS)
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
        assert refused.json()["error"] == "UNAUTHORIZED"
    assert client.get(STATUS, headers=headers).json()["kind"] == "key"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([("Authorization", f"Bearer {ENVIRONMENT}")], 200),
        ([("authorization", f"bearer  {SECOND} ")], 200),
        ([("X-API-Key", ENVIRONMENT)], 200),
        ([("X-API-Key", ENVIRONMENT), ("Authorization", f"Bearer {ENVIRONMENT}")], 200),
        ([("X-API-Key", ENVIRONMENT), ("Authorization", "Basic dXNlcjpwYXNz")], 200),
        ([("X-API-Key", ENVIRONMENT), ("Authorization", f"Bearer {SECOND}")], 401),
        ([("X-API-Key", ENVIRONMENT), ("X-API-Key", ENVIRONMENT)], 401),
        ([("Authorization", f"Bearer {ENVIRONMENT}"), ("Authorization", f"Bearer {ENVIRONMENT}")], 401),
        ([("Authorization", f"Basic {ENVIRONMENT}")], 401),
        ([("Authorization", "Bearer ")], 401),
        ([("X-API-Key", "")], 401),
        ([("X-API-Key", ENVIRONMENT.upper())], 401),
        ([("X-API-Key", b"an-admin-of-the-environm\xe9nt")], 401),
        ([], 401),
    ],
)
def test_one_key_in_one_of_two_headers(client: TestClient, setting: Any, headers: Any, status: int) -> None:
    setting(API_KEY=ENVIRONMENT, ADDITIONAL_API_KEYS=f"{SECOND}, a-third-one-of-them")
    answer = client.get(STATUS, headers=headers)
    assert answer.status_code == status
    if status == 200:
        found = answer.json()
        assert (found["kind"], found["role"], found["user"], found["key"]) == ("environment", "admin", None, None)
        assert answer.headers["ratelimit-limit"] == "600"
        assert client.get("/api/v1/users/me", headers=headers).status_code == 404


def test_an_answer_of_401_never_says_why(client: TestClient) -> None:
    at = shared_clock.now()
    user = person("Anna", "manager")
    keep, kept = key_of(user)
    ended, expired = key_of(user, expires_at=at + timedelta(days=1))
    gone, revoked = key_of(user)
    nobody = key_of(person("Ben"))[1]
    with db.transaction() as session:
        db.execute(session, "UPDATE api_key SET expires_at = :at WHERE id = :id", at=at, id=ended.id)
    assert client.post(f"/api/v1/api-keys/{gone.id}/revoke", headers=kept).json()["state"] == "revoked"
    people.deactivate(people.everybody(q="ben")[0].id, at)
    answers = [client.get(STATUS, headers=headers) for headers in (expired, revoked, nobody, {"X-API-Key": "what?"})]
    assert {answer.status_code for answer in answers} == {401}
    assert len({(answer.json()["message"], answer.headers["www-authenticate"]) for answer in answers}) == 1
    found = client.get(STATUS, headers=kept).json()
    assert (found["key"]["id"], found["user"]["id"], found["role"]) == (keep.id, user, "manager")
    # One entry a minute for an address, whatever it tries.
    (entry,) = rows("SELECT * FROM audit_entry WHERE action = 'api_key.refused'")
    assert (entry["outcome"], entry["ip"], entry["user"]) == ("refused", "testclient", None)


def test_a_role_counts_as_it_is_now_and_what_ends_ends_at_the_next_call(client: TestClient) -> None:
    person("Root", "admin")
    user = person("Anna", "manager")
    _, headers = key_of(user, role="manager")
    assert client.get("/api/v1/audit", headers=headers).status_code == 200
    people.change(user, role="analyst")
    assert client.get(STATUS, headers=headers).json()["role"] == "analyst"
    for _ in range(3):
        refused = client.get("/api/v1/audit", headers=headers)
        assert (refused.status_code, refused.json()["error"]) == (403, "FORBIDDEN")
    client.post("/api/v1/budgets", headers=headers, content=b"never read")
    refusals = rows("SELECT object, outcome, \"user\" FROM audit_entry WHERE action = 'access.refused' ORDER BY id")
    assert [(one["object"]["name"], one["outcome"], one["user"]) for one in refusals] == [
        ("/audit(/.*)?", "refused", user),
        ("POST PUT PATCH DELETE /budgets(/.*)?", "refused", user),
    ]
    people.deactivate(user, shared_clock.now())
    assert client.get(STATUS, headers=headers).status_code == 401


def test_a_workspace_has_to_be_named_by_whom_several_would_fit(client: TestClient) -> None:
    with db.transaction() as session:
        db.execute(session, "INSERT INTO workspace (id, name) VALUES ('ws_a', 'Äpfel'), ('ws_b', 'Birnen')")
    document = add_document()
    _, headers = key_of(person("Anna", "analyst", "ws_a", "ws_b"))
    needed = client.get("/api/v1/documents", headers=headers)
    assert (needed.status_code, needed.json()["error"]) == (422, "WORKSPACE_NEEDED")
    assert needed.json()["detail"] == [{"id": "ws_b", "name": "Birnen"}, {"id": "ws_a", "name": "Äpfel"}]
    assert client.get(STATUS, headers=headers).json()["workspace"] is None
    for name in ("ws_a", "äpfel", "ÄPFEL"):
        named = {key.encode(): value.encode() for key, value in {**headers, "X-Workspace": name}.items()}
        assert client.get(STATUS, headers=named).json()["workspace"] == "ws_a"
    for name in ("ws_default", "default", "ws_nowhere"):
        for path in (f"documents/{document}", "auth/status", "workspaces"):
            refused = client.get(f"/api/v1/{path}", headers={**headers, "X-Workspace": name})
            assert (refused.status_code, refused.json()["message"]) == (404, "There is no such workspace.")
    bound = key_of(people.everybody(q="anna")[0].id, workspace="ws_b")[1]
    assert client.get("/api/v1/documents", headers=bound).status_code == 200
    assert client.get("/api/v1/documents", headers={**bound, "X-Workspace": "ws_a"}).status_code == 404
    nowhere = key_of(people.invite("ben@example.com").id)[1]
    assert client.get("/api/v1/documents", headers=nowhere).status_code == 404
    assert client.get("/api/v1/workspaces", headers=nowhere).json()["items"] == []


def test_a_sign_in_is_enough_for_what_pages_link_to_and_for_nothing_else(client: TestClient, setting: Any) -> None:
    document = add_document()
    setting(
        OIDC_DISCOVERY_URL="http://localhost:1/.well-known/openid-configuration",
        OIDC_CLIENT_ID="cairn",
        OIDC_CLIENT_SECRET="a secret of some length",
        PUBLIC_URL="http://localhost",
        SECRET_KEY="s" * 40,
        ALLOWED_EMAIL_DOMAINS="example.com",
    )
    who = Identity("oidc", "https://id.example.com", "anna", "anna@example.com", verified=True, name="Anna")
    whoever = signing_in.begin(who, "a-cookie", shared_clock.now())
    client.cookies.set("_streamlit_user", "a-cookie")
    own = {"Sec-Fetch-Site": "same-origin"}
    found = client.get(STATUS, headers=own).json()
    assert (found["kind"], found["sign_in"], found["user"]["id"], found["role"]) == (
        "session",
        "oidc",
        whoever.id,
        "analyst",
    )
    original = f"/api/v1/documents/{document}/original"
    for site, status in (("same-origin", 200), ("none", 200), ("same-site", 401), ("cross-site", 401), (None, 401)):
        assert client.get(original, headers={"Sec-Fetch-Site": site} if site else {}).status_code == status
    for path, status in (
        ("documents/export?format=csv", 200),
        ("documents/export?format=csv&in_workspace=ws_default", 200),
        ("documents/export?format=csv&in_workspace=ws_nowhere", 404),
        ("usage/export?format=csv&in_workspace=default", 200),
        ("audit/export?format=csv", 403),
        ("docs", 200),
        ("openapi.json", 200),
        ("internal/docs", 403),
        (f"documents/{document}", 401),
        ("documents", 401),
        ("templates/qa/matrix", 401),
        ("users/me", 401),
    ):
        assert (path, client.get(f"/api/v1/{path}", headers=own).status_code) == (path, status)
    assert client.post("/api/v1/documents/retry", headers=own).status_code == 401
    assert client.delete(f"/api/v1/documents/{document}", headers=own).status_code == 401
    assert client.get("/metrics", headers=own).status_code == 200
    # A key that lets nobody in is not made good by a cookie.
    assert client.get(original, headers={**own, "X-API-Key": "nothing"}).status_code == 401
    signing_in.end("a-cookie", shared_clock.now())
    assert client.get(original, headers=own).status_code == 401


def test_what_a_trusted_proxy_says_counts_with_its_secret_alone(client: TestClient, setting: Any) -> None:
    document = add_document()
    setting(
        TRUSTED_USER_HEADER="X-Forwarded-Email",
        TRUSTED_PROXY_SECRET="a-secret-of-the-proxy",
        ALLOWED_EMAIL_DOMAINS="example.com",
    )
    said = {"X-Forwarded-Email": "Anna@example.com", "Sec-Fetch-Site": "same-origin"}
    proven = {**said, "X-Proxy-Secret": "a-secret-of-the-proxy"}
    original = f"/api/v1/documents/{document}/original"
    # Nobody who has never opened a page.
    assert client.get(original, headers=proven).status_code == 401
    anna = Identity("header", "header", "anna@example.com", "anna@example.com", verified=True)
    signing_in.begin(anna, "whatever the pages show", shared_clock.now())
    assert client.get(original, headers=proven).status_code == 200
    assert client.get("/api/v1/documents", headers=proven).status_code == 401
    for wrong in ("", "a-secret-of-the-proxi", "A-SECRET-OF-THE-PROXY"):
        assert client.get(original, headers={**said, "X-Proxy-Secret": wrong}).status_code == 401
    assert client.get(original, headers=said).status_code == 401
    twice = [*proven.items(), ("X-Forwarded-Email", "Ben@example.com")]
    assert client.get(original, headers=twice).status_code == 401
    person("Root", "admin")
    people.deactivate(people.everybody(q="anna")[0].id, shared_clock.now())
    assert client.get(original, headers=proven).status_code == 401


def test_metrics_and_documentation_ask_and_health_does_not(client: TestClient, setting: Any) -> None:
    setting(API_KEY=ENVIRONMENT)
    headers = {"X-API-Key": ENVIRONMENT}
    for path in ("/metrics", "/api/v1/docs", "/api/v1/redoc", "/api/v1/openapi.json", "/api/v1/internal/docs"):
        assert client.get(path).status_code == 401
        assert client.get(path, headers=headers).status_code == 200
    assert client.get("/_stcore/metrics").status_code == 401
    assert client.get("/health").status_code == 200
    assert client.get("/health/db").status_code == 200
    setting(API_KEY=ENVIRONMENT, DISABLE_INTERNAL_DOCS="true")
    for path in ("docs", "redoc", "openapi.json"):
        assert client.get(f"/api/v1/internal/{path}", headers=headers).status_code == 404
    _, anna = key_of(person("Anna"))
    assert client.get("/metrics", headers=anna).status_code == 200
    assert client.get("/api/v1/internal/docs", headers=anna).status_code == 403


def test_the_public_documentation_has_nothing_of_the_machine(client: TestClient) -> None:
    public = client.get("/api/v1/openapi.json").json()
    internal = client.get("/api/v1/internal/openapi.json").json()
    assert not [path for path in public["paths"] if path.startswith("/internal")]
    assert all(path.startswith("/internal/") for path in internal["paths"])
    assert "BreakerOut" in internal["components"]["schemas"]
    assert "BreakerOut" not in public["components"]["schemas"]


def test_a_key_is_asked_for_before_a_body_is_read_and_nothing_of_it_is_stored(client: TestClient, setting: Any) -> None:
    setting(API_KEY=ENVIRONMENT, MAX_UPLOAD_MB=1)
    files = {"files": ("a.txt", b"x" * (3 << 20))}
    assert client.post("/api/v1/documents", files=files).status_code == 401
    headers = {"X-API-Key": ENVIRONMENT}
    elsewhere = {**headers, "X-Workspace": "nowhere"}
    assert client.post("/api/v1/documents", files=files, headers=elsewhere).status_code == 404
    assert client.post("/api/v1/documents", files=files, headers=headers).status_code == 413
    assert rows("SELECT 1 FROM blob") == rows("SELECT 1 FROM document") == []


def test_calls_of_a_key_are_counted_over_all_processes(client: TestClient, setting: Any, database: str) -> None:
    setting(API_RATE_LIMIT_PER_MINUTE=3)
    _, anna = key_of(person("Anna"))
    _, ben = key_of(person("Ben"))
    with db.transaction() as session:
        db.execute(session, "UPDATE api_key SET last_used_at = now() + interval '1 day'")
    frozen = shared_clock.now().replace(second=10)
    shared = pytest.MonkeyPatch()
    shared.setattr(shared_clock, "now", lambda: frozen)
    try:
        seen = []
        for _ in range(4):
            # Another process knows nothing but the database.
            engines.configure(database)
            seen.append(client.get("/api/v1/templates", headers=anna))
        assert [one.status_code for one in seen] == [200, 200, 200, 429]
        assert [one.headers["ratelimit-remaining"] for one in seen] == ["2", "1", "0", "0"]
        assert {(one.headers["ratelimit-limit"], one.headers["ratelimit-reset"]) for one in seen} == {("3", "50")}
        assert (seen[3].headers["retry-after"], seen[3].json()["error"]) == ("50", "RATE_LIMITED")
        assert client.get("/api/v1/documents/doc_x", headers=ben).headers["ratelimit-remaining"] == "2"
        assert client.get("/api/v1/audit", headers=ben).headers["ratelimit-remaining"] == "1"
    finally:
        shared.undo()
    setting(API_RATE_LIMIT_PER_MINUTE=0)
    assert "ratelimit-limit" not in client.get("/api/v1/templates", headers=anna).headers
