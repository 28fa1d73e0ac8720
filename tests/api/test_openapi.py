"""The OpenAPI document is true: whatever is sent, no answer deviates from it, and none is a 500."""

from typing import Any

import hypothesis
import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, strategies
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks

from api import errors
from api.application import api
from core.access.actor import Role
from core.access.roles import ROLES
from core.runtime import db
from tests.api.people import key_of, person
from tests.pipeline import add_document

pytestmark = pytest.mark.usefixtures("database")
# With what is of the machine.
SCHEMA = schemathesis.openapi.from_dict(FastAPI.openapi(api))
SCHEMA.app = api
OPERATIONS = [found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)]
EXAMPLES = 5
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


# What the document allows of each, and what it does not. Of some operations everything is allowed that can be sent.
CASES = [
    *((one, GenerationMode.POSITIVE) for one in OPERATIONS),
    *((one, GenerationMode.NEGATIVE) for one in OPERATIONS if len(one.query) or len(one.body)),
]


@pytest.mark.parametrize(("operation", "mode"), CASES, ids=lambda part: getattr(part, "label", None) or part.name)
def test_no_answer_deviates_from_the_document(operation: Any, mode: GenerationMode) -> None:
    add_document()

    @hypothesis.settings(
        max_examples=EXAMPLES, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def judge(case: Any) -> None:
        case.call_and_validate(checks=CHECKS)

    judge()


@pytest.mark.parametrize("role", [None, *ROLES])
def test_nor_does_one_to_somebody_of_another_workspace(role: Role | None) -> None:
    """With each role, and without a key; nothing of what lies in `default` comes."""
    add_document("The word is xylophone.")
    with db.transaction() as session:
        db.execute(session, "INSERT INTO workspace (id, name) VALUES ('ws_b', 'B')")
    headers = key_of(person("Anna", role or "admin", "ws_b"), workspace="ws_b")[1]

    @hypothesis.settings(max_examples=2, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @hypothesis.given(data=strategies.data())
    def judge(data: Any) -> None:
        for operation in OPERATIONS:
            case = data.draw(operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
            answer = case.call_and_validate(checks=CHECKS, headers=headers if role else {})
            assert (answer.status_code == 401) == (role is None), operation.label
            assert b"xylophone" not in answer.content, operation.label

    judge()


def test_every_operation_tells_its_refusals() -> None:
    shapes = [
        answer["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        for path in FastAPI.openapi(api)["paths"].values()
        for operation in path.values()
        for status, answer in operation["responses"].items()
        if status >= "4"
    ]
    assert len(shapes) == len(OPERATIONS) * len(errors.RESPONSES)
    assert set(shapes) == {"RefusedOut"}
