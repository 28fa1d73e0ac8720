"""An estimate goes by what such answers took before, and says how far such estimates were off."""

from decimal import Decimal
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.application import api
from core.jobs import launch, past_error
from core.jobs.launch import JobSpec
from core.runtime import shared_clock
from tests.local_provider import LocalProvider, Reply
from tests.pipeline import change, make_job, ready_documents, run_job

pytestmark = pytest.mark.usefixtures("database")
MODEL = "gpt-5-mini"


def spec(documents: list[str], **more: Any) -> JobSpec:
    return JobSpec("summarize", "openai", tuple(documents), model=MODEL, **more)


def output(documents: list[str], **more: Any) -> int:
    return launch.estimate(spec(documents, **more), shared_clock.now()).output_tokens


def test_from_twenty_answers_on_their_median_counts(openai: LocalProvider) -> None:
    documents = ready_documents(21)
    usual = output(documents[:1])
    openai.plan = lambda asked: Reply(usage={"prompt_tokens": 100, "completion_tokens": 7, "total_tokens": 107})
    job = make_job(documents[:19], "summarize", provider="openai", model=MODEL)
    run_job(job)
    assert output(documents[20:]) == usual
    run_job(make_job(documents[19:20], "summarize", provider="openai", model=MODEL))
    assert output(documents[20:]) == 7
    # Other parameters are other answers.
    assert output(documents[20:], params={"length": "long"}) > 100
    change("UPDATE usage_record SET reused = true WHERE job_id = :job", job=job)
    assert output(documents[20:]) == usual


def test_the_error_of_past_estimates_is_said_from_three_jobs_on(openai: LocalProvider) -> None:
    documents = ready_documents(4)
    for document in documents[:3]:
        assert past_error.read("summarize", "openai", MODEL) is None
        run_job(make_job([document], "summarize", provider="openai", model=MODEL))
    change("UPDATE job SET estimate_usd = 0.00005")
    # 0.000045 was booked on each.
    found = past_error.read("summarize", "openai", MODEL)
    assert found == past_error.PastError(3, Decimal("0.100"), Decimal("0.100"))
    body = {"template": "summarize", "documents": documents[3:], "provider": "openai", "model": MODEL}
    assert TestClient(api, base_url="http://localhost").post("/jobs/estimate", json=body).json()["past_error"] == {
        "p50": "0.1",
        "p90": "0.1",
    }
