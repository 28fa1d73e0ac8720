"""Every route with every role, a stranger, and somebody of another workspace. The table says who may; what it does not
name, analysts may."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from api import api, documentation
from core.access.actor import Role
from core.access.roles import ROLES, rank
from core.runtime import db
from tests.api.people import key_of, person
from tests.pipeline import add_document, make_job, rows, run_job

pytestmark = pytest.mark.usefixtures("database")
LEAST: dict[Role, str] = {
    "manager": """
        DELETE /documents/{document_id}
        PATCH /documents/{document_id}
        POST /documents/retry
        POST /documents/{document_id}/retry
        PUT /templates/{template_id}
        DELETE /templates/{template_id}
        PUT /jobs/{job_id}
        DELETE /jobs/{job_id}
        POST /jobs/{job_id}/start
        POST /jobs/{job_id}/cancel
        POST /jobs/{job_id}/pause
        POST /jobs/{job_id}/resume
        POST /jobs/{job_id}/retry
        POST /jobs/{job_id}/move
        POST /jobs/{job_id}/requests
        POST /jobs/{job_id}/approve
        DELETE /views/{view_id}
        GET /usage/unpriced
        GET /usage/forecast
        GET /usage/anomalies
        GET /usage/advice
        POST /budgets
        PUT /budgets/{budget_id}
        DELETE /budgets/{budget_id}
        POST /internal/cache/invalidate
        GET /audit
        GET /audit/export
        GET /audit/{entry_id}
    """,
    "admin": """
        POST /prices/own
        DELETE /prices/own/{price_id}
        POST /usage/unpriced/price
        POST /invoices/fetch
        GET /invoices/fetch/{fetch_id}
        POST /invoices/upload
        GET /invoices/drift
        GET /invoices/export
        POST /providers
        PUT /providers/{name}
        DELETE /providers/{name}
        POST /providers/{name}/test
        DELETE /providers/{name}/learned
        GET /internal/resilience/config
        PUT /internal/resilience/config
        DELETE /internal/resilience/config
        GET /internal/resilience/config/presets
        GET /internal/resilience/config/presets/{name}
        POST /internal/resilience/config/validate
        GET /internal/resilience/config/recommend
        GET /internal/resilience/circuit-breakers
        POST /internal/resilience/circuit-breakers/{name}/open
        POST /internal/resilience/circuit-breakers/{name}/close
        GET /users
        POST /users
        GET /users/{user_id}
        PUT /users/{user_id}
        POST /users/{user_id}/deactivate
        POST /users/{user_id}/activate
        POST /users/{user_id}/forget
        POST /workspaces
        PUT /workspaces/{workspace_id}
        DELETE /workspaces/{workspace_id}
        GET /workspaces/{workspace_id}/members
        PUT /workspaces/{workspace_id}/members/{user_id}
        DELETE /workspaces/{workspace_id}/members/{user_id}
        GET /audit/verify
    """,
}
NEEDED: dict[str, Role] = {
    line.strip(): role for role, lines in LEAST.items() for line in lines.splitlines() if line.strip()
}
# What is somebody else's, and not told from what never was.
NOT_FOUND = ("GET /api-keys/{key_id}", "PUT /api-keys/{key_id}", "POST /api-keys/{key_id}/revoke")
# Of our workspace: from another one it was never there.
WALLED = ("document_id", "job_id", "insight_id", "view_id", "pair_id", "budget_id", "workspace_id", "entry_id")
BODIES: dict[str, Any] = {
    "PUT /templates/{template_id}": {"name": "Own", "prompt": "Which?", "fields": [{"name": "it", "type": "string"}]},
    "PUT /jobs/{job_id}": {"name": "Other"},
    "POST /jobs/{job_id}/retry": {},
    "POST /jobs/{job_id}/move": {"lane": "batch"},
    "POST /jobs/{job_id}/move/estimate": {"lane": "batch"},
    "POST /jobs/{job_id}/approve": {"up_to_usd": "1"},
    "POST /jobs/{job_id}/requests": {"requests": [{"custom_id": "a", "body": {"model": "m", "messages": []}}]},
    "PATCH /documents/{document_id}": {"collection": "kept"},
    "PATCH /insights/{insight_id}": {"pinned": True},
    "POST /review/{pair_id}": {"verdict": "different"},
    "POST /budgets": {"scope": "provider", "key": "offline", "limit_usd": "5"},
    "PUT /budgets/{budget_id}": {"scope": "provider", "key": "offline", "limit_usd": "6"},
    "POST /internal/cache/invalidate": {"everything": True},
    "PUT /workspaces/{workspace_id}": {"description": "x"},
    "PUT /api-keys/{key_id}": {"name": "x"},
}


def operations() -> list[str]:
    documents = (documentation.public(api), documentation.internal(api))
    found = [
        f"{method.upper()} {path}" for one in documents for path, methods in one["paths"].items() for method in methods
    ]
    # What removes comes last.
    return sorted(found, key=lambda one: (one.startswith("DELETE") or one.endswith("forget"), "DELETE /jobs" in one))


@pytest.fixture
def ids(client: TestClient) -> dict[str, str]:
    """Made by nobody who asks below."""
    document = add_document()
    job = make_job([document])
    run_job(job)
    own = {"name": "Own", "prompt": "What is it?", "fields": [{"name": "it", "type": "string"}]}
    made = {
        "template_id": client.post("/api/v1/templates", json=own).json()["id"],
        "view_id": client.post("/api/v1/views", json={"name": "All", "query": {}}).json()["id"],
        "budget_id": client.post("/api/v1/budgets", json=BODIES["POST /budgets"]).json()["id"],
    }
    (first, second, *_) = [one["id"] for one in rows("SELECT id FROM insight ORDER BY id")]
    return {
        **made,
        "document_id": document,
        "job_id": job,
        "insight_id": first,
        "pair_id": second,
        "price_id": "price_x",
        "fetch_id": "fetch_x",
        "name": "simple",
        "number": "1",
        "entry_id": "1",
        "workspace_id": "ws_default",
        "user_id": person("Carl"),
        "key_id": key_of(person("Dora"))[0].id,
    }


def test_every_route_with_every_role_a_stranger_and_somebody_from_behind_the_wall(
    client: TestClient, ids: dict[str, str]
) -> None:
    assert set(NEEDED) | set(NOT_FOUND) | set(BODIES) <= set(operations())
    with db.transaction() as session:
        db.execute(session, "INSERT INTO workspace (id, name) VALUES ('ws_b', 'B')")
    callers = {role: key_of(person(role, role))[1] for role in ROLES}
    outside = key_of(person("outside", "admin", "ws_b"), workspace="ws_b")[1]

    def answered(operation: str, headers: dict[str, str]) -> Any:
        method, _, path = operation.partition(" ")
        body = BODIES.get(operation, {}) if method in ("POST", "PUT", "PATCH") else None
        return client.request(method, "/api/v1" + path.format(**ids), headers=headers, json=body)

    wrong: list[tuple[object, ...]] = []
    for operation in operations():
        needed = NEEDED.get(operation, "analyst")
        expected = {"stranger": (answered(operation, {}).status_code, 401)}
        for role in ROLES:
            if rank(role) < rank(needed):
                expected[role] = (answered(operation, callers[role]).status_code, 403)
        if operation in NOT_FOUND:
            expected["analyst"] = (answered(operation, callers["analyst"]).status_code, 404)
        if any(f"{{{name}}}" in operation for name in WALLED):
            expected["outside"] = (answered(operation, outside).status_code, 404)
        wrong += [(operation, who, *both) for who, both in expected.items() if both[0] != both[1]]
    assert wrong == []
    refusals = [one["object"]["name"] for one in rows("SELECT object FROM audit_entry WHERE action = 'access.refused'")]
    assert {"DELETE /documents/{document_id}", "PUT /templates/{template_id}", "/audit(/.*)?"} <= set(refusals)
    assert client.get(f"/api/v1/documents/{ids['document_id']}", headers=callers["analyst"]).status_code == 200
    for operation in operations():
        for role in ROLES if operation.startswith("GET") else (NEEDED.get(operation, "analyst"),):
            if operation not in NOT_FOUND and rank(role) >= rank(NEEDED.get(operation, "analyst")):
                status = answered(operation, callers[role]).status_code
                if status in (401, 403, 405) or status >= 500:
                    wrong.append((operation, role, status, "may"))
    assert wrong == []
