"""A job that goes to and fro between two models while several real processes work on it."""

from collections import Counter
from typing import Any

import pytest

from core.jobs import moving
from tests.local_provider import Asked, LocalProvider, Reply, error
from tests.pipeline import make_job, ready_documents, rows, states
from tests.processes.running import Start, until

pytestmark = pytest.mark.kills
DOCUMENTS = 120
TURNS, A_TURN = 6, 12
MODELS = (("anthropic", "claude-haiku-4-5"), ("openai", "gpt-5-mini"))


@pytest.fixture(autouse=True)
def _short_waits(openai: LocalProvider, setting: Any) -> None:
    setting(
        ANTHROPIC_API_KEY="test",
        ANTHROPIC_BASE_URL=openai.anthropic_url,
        SCHEDULER_TICK_SECONDS=0.5,
        HEALTH_SAMPLE_SECONDS=60,
        LIVE_CONCURRENCY=4,
        SHUTDOWN_GRACE_SECONDS=2,
    )


def completed() -> bool:
    return rows("SELECT state FROM job") == [{"state": "completed"}]


def test_no_document_is_lost_or_asked_twice_however_often_the_model_changes(
    start: Start, openai: LocalProvider
) -> None:
    wrong: list[str] = []
    failed = Counter[str]()
    # As many are answered before each move as shall be, however slow the moves are.
    let_through = A_TURN

    def plan(asked: Asked) -> Reply:
        if ("system" in asked.body) != asked.body["model"].startswith("claude"):
            wrong.append(asked.body["model"])
        if asked.nth == 1 and asked.document.split()[0].endswith("7"):
            failed[asked.document] += 1
            return error(409)
        number = len(openai.asked)
        return Reply(delay=0.05, held=lambda: number > let_through)

    openai.plan = plan
    job = make_job(ready_documents(DOCUMENTS), "summarize", provider="openai", model="gpt-5-mini")
    processes = [start() for _ in range(3)]
    for turn in range(TURNS):
        until(lambda: len(openai.asked) >= let_through, lambda: [one.text() for one in processes])  # noqa: B023
        moving.to_model(job, *MODELS[turn % 2])
        let_through += A_TURN
    let_through = DOCUMENTS * 2
    until(completed, lambda: f"{states(job)} {[one.text() for one in processes]}")
    assert wrong == []
    # Without a retry a 409 fails; everything else is answered, once, by whichever model had it.
    assert states(job) == {"succeeded": DOCUMENTS - len(failed), "failed": len(failed)}
    assert set(openai.calls_by_document().values()) == {1}
    billed = rows("SELECT provider, model, count(*) AS n FROM usage_record GROUP BY 1, 2 ORDER BY 1")
    assert [(row["provider"], row["model"]) for row in billed] == list(MODELS)
    assert sum(row["n"] for row in billed) == DOCUMENTS - len(failed)
