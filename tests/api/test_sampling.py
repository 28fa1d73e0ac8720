"""Temperature and longest answer over HTTP: bounds, what is known before launch, and the job that has them."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.pipeline import ready_documents

pytestmark = pytest.mark.usefixtures("database", "openai")


def test_a_job_sets_how_its_answers_are_written(client: TestClient) -> None:
    body = {"name": "Notes", "template": "summarize", "documents": ready_documents(1), "provider": "openai"}

    def post(path: str, sampling: Any, model: str = "gpt-4.1-mini") -> Any:
        return client.post(f"/api/v1/jobs/{path}", json={**body, "model": model, "sampling": sampling, "start": False})

    for bad in (
        {"temperature": 2.5},
        {"temperature": "0.5"},
        {"temperature": True},
        {"max_output_tokens": 0},
        {"max_output_tokens": 2.5},
        {"max_output_tokens": True},
        {"max_output_tokens": 130_000_000},
        {"top_p": 1},
        [],
    ):
        for path in ("", "estimate"):
            refused = post(path, bad)
            assert (refused.status_code, refused.json()["error"]) == (422, "VALIDATION_ERROR"), bad
    assert "0 to 2 at OpenAI" in post("", {"temperature": 2.5}).json()["message"]
    assert post("", None).json()["sampling"] is None
    made = post("", {"temperature": 0.7, "max_output_tokens": 40}).json()
    assert made["sampling"] == {"temperature": 0.7, "max_output_tokens": 40}
    assert made["temperature_unused"] is False
    assert post("", {"temperature": 1}, "gpt-5-mini").json()["temperature_unused"] is True
    estimate = post("estimate", {"temperature": 0.7, "max_output_tokens": 40}, "gpt-5-mini").json()
    assert (estimate["output_tokens"], estimate["warnings"][0][:35]) == (40, "gpt-5-mini takes no temperature: 0.")
    assert post("estimate", None).json()["warnings"] == []
