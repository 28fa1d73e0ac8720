"""One rate limit for several real processes."""

from typing import Any

import pytest

from tests.local_provider import LocalProvider, Reply
from tests.pipeline import make_job, ready_documents, rows, states
from tests.processes.running import Start, until
from tests.quota import AnthropicQuota, Bucket, Quota, Window

pytestmark = pytest.mark.kills
MODELS = {"openai": "gpt-4.1-mini", "anthropic": "claude-haiku-4-5"}


@pytest.fixture(autouse=True)
def _short_waits(openai: LocalProvider, setting: Any) -> None:
    setting(
        ANTHROPIC_API_KEY="test",
        ANTHROPIC_BASE_URL=openai.anthropic_url,
        SCHEDULER_TICK_SECONDS=0.5,
        HEALTH_SAMPLE_SECONDS=60,
        LIVE_CONCURRENCY=22,
        SHUTDOWN_GRACE_SECONDS=2,
    )


def answered_by_three(start: Start, provider: LocalProvider, quota: Quota, name: str, count: int) -> None:
    """66 slots: everything is answered, and nothing of it was refused on the way."""
    provider.plan = quota
    job = make_job(ready_documents(count), "summarize", provider=name, model=MODELS[name])
    processes = [start() for _ in range(3)]

    def completed() -> bool:
        return rows("SELECT state FROM job") == [{"state": "completed"}]

    until(completed, lambda: f"{states(job)} {quota.refused} {[one.text() for one in processes]}")
    print(f"{name} {sorted(quota.limits)}: {quota.used():.0%} of the quota used in {quota.ended - quota.begun:.1f} s")
    assert states(job) == {"succeeded": count}
    assert quota.refused == 0
    assert quota.answered == count


def test_processes_never_pass_a_limit_of_requests(start: Start, openai: LocalProvider) -> None:
    answered_by_three(start, openai, AnthropicQuota(Reply(delay=0.1), requests=Bucket(300, 40)), "anthropic", 80)


def test_processes_never_pass_a_limit_that_is_whole_again_every_five_seconds(
    start: Start, openai: LocalProvider
) -> None:
    answered_by_three(start, openai, Quota(Reply(delay=0.1), requests=Window(50, 5)), "openai", 130)


def test_processes_never_pass_a_limit_of_tokens(start: Start, openai: LocalProvider) -> None:
    """About 1,050 a call; room for ten at first."""
    quota = Quota(Reply(delay=0.1), requests=Bucket(10_000, 10_000), tokens=Bucket(1_200_000, 10_000))
    answered_by_three(start, openai, quota, "openai", 120)


def test_processes_never_pass_limits_of_what_is_read_and_written(start: Start, openai: LocalProvider) -> None:
    """About 300 are read, 10 are written where 450 are expected."""
    read, written = Bucket(400_000, 10_000), Bucket(16_000, 4_000)
    quota = AnthropicQuota(Reply(delay=0.1), requests=Bucket(10_000, 10_000), input_tokens=read, output_tokens=written)
    answered_by_three(start, openai, quota, "anthropic", 120)
