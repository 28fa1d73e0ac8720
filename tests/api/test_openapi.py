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
DOCUMENT = FastAPI.openapi(api)
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
SCHEMA.app = api
OPERATIONS = [found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)]
EXAMPLES = 5
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


def modes(operation: Any) -> list[GenerationMode]:
    """What the document allows, and what it does not. Of some operations everything is allowed that can be sent."""
    return list(GenerationMode) if len(operation.query) or len(operation.body) else [GenerationMode.POSITIVE]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_no_answer_deviates_from_the_document(operation: Any) -> None:
    add_document()
    for mode in modes(operation):

        @hypothesis.settings(
            max_examples=EXAMPLES, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck)
        )
        @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
        def judge(case: Any) -> None:
            case.call_and_validate(checks=CHECKS)

        judge()


def test_nor_does_one_to_somebody_of_another_workspace() -> None:
    """With each role, and without a key; nothing of what lies in `default` comes."""
    add_document("The word is xylophone.")
    with db.transaction() as session:
        db.execute(session, "INSERT INTO workspace (id, name) VALUES ('ws_b', 'B')")
    asking: dict[Role | None, dict[str, str]] = {None: {}}
    for name, role in zip(("Anna", "Berta", "Carla"), ROLES, strict=True):
        asking[role] = key_of(person(name, role, "ws_b"), workspace="ws_b")[1]

    @hypothesis.settings(max_examples=2, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @hypothesis.given(data=strategies.data())
    def judge(data: Any) -> None:
        for operation in OPERATIONS:
            case = data.draw(operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
            for role, headers in asking.items():
                answer = case.call_and_validate(checks=CHECKS, headers=headers)
                assert (answer.status_code == 401) == (role is None), (operation.label, role)
                assert b"xylophone" not in answer.content, (operation.label, role)

    judge()


def test_every_operation_tells_its_refusals() -> None:
    shapes = [
        answer["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        for path in DOCUMENT["paths"].values()
        for operation in path.values()
        for status, answer in operation["responses"].items()
        if status >= "4"
    ]
    assert len(shapes) == len(OPERATIONS) * len(errors.RESPONSES)
    assert set(shapes) == {"RefusedOut"}
