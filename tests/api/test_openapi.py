"""The OpenAPI document is true: whatever is sent, no answer deviates from it, and none is a 500."""

from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks

from api import errors
from api.application import api
from tests.pipeline import add_document

pytestmark = pytest.mark.usefixtures("database")
SCHEMA = schemathesis.openapi.from_dict(api.openapi())
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


def test_every_operation_tells_its_refusals() -> None:
    shapes = [
        answer["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        for path in api.openapi()["paths"].values()
        for operation in path.values()
        for status, answer in operation["responses"].items()
        if status >= "4"
    ]
    assert len(shapes) == len(OPERATIONS) * len(errors.RESPONSES)
    assert set(shapes) == {"RefusedOut"}
