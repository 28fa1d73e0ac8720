"""Rate limits: what is taken, what is learned from the headers, who waits, and what a person allows."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import orjson
import pytest

from core.access import actor
from core.calls import headroom, rate_limits
from core.calls.headroom import NoRoom
from core.calls.outcomes import Call, Failed
from core.errors import InvalidInput
from core.jobs import launch, own_requests, report
from core.jobs.launch import JobSpec
from core.live import claims, single_text, waiting
from core.live import lane as live_lane
from core.live.lane import LiveLane
from core.providers import rate_limit_headers
from core.providers.usage import Limit
from core.requests import expansion
from core.runtime import db, shared_clock, worker_lease
from core.settings import rate_caps, store
from core.tables.jobs import Job, WaitsFor
from tests.callers import by
from tests.local_provider import LocalProvider, Reply, error, in_turn
from tests.pipeline import answer, keep_now, make_job, ready_documents, rows, run_job, states, with_lane
from tests.quota import AnthropicQuota, Bucket, Quota, Window

pytestmark = pytest.mark.usefixtures("database")
MODEL = "gpt-4.1-mini"


def live_job(count: int, **spec: Any) -> str:
    job = make_job(ready_documents(count), "summarize", **{"provider": "openai", "model": MODEL, **spec})
    expansion.expand_job(job)
    return job


def answered_by_lanes(job: str, lanes: int, concurrency: int) -> None:
    """As many workers as there would be processes."""

    async def work(first: LiveLane) -> None:
        others = [LiveLane(worker_lease.register("test"), lambda: concurrency) for _ in range(lanes - 1)]
        for lane in others:
            await lane.open()
        await asyncio.gather(*(answer(lane, job) for lane in (first, *others)))
        for lane in others:
            await lane.close(5)

    with_lane(work, concurrency)


async def one_round(lane: LiveLane, job: str) -> None:
    """Pump for a moment: it might go on for as long as there is something to wait for."""
    pumping = asyncio.create_task(lane.pump(job))
    await asyncio.wait({pumping}, timeout=0.5)
    lane.stopping.set()
    await pumping


def limit(kind: str = "requests") -> dict[str, Any]:
    (row,) = rows(
        "SELECT *, blocked_until > now() + interval '50 s' AS blocked FROM rate_limit WHERE kind = :kind", kind=kind
    )
    return row


def set_limit(kind: str = "requests", a_minute: int | None = None, **columns: object) -> None:
    """As an answer of a while ago told it; it is kept at that for the test's time."""
    told = {"a_minute": a_minute, "per_second": None if a_minute is None else 1e-9, "known": True, **columns}
    with db.transaction() as session:
        db.execute(
            session,
            f"""INSERT INTO rate_limit (provider, model, kind, refilled_at, {", ".join(told)})
                VALUES ('openai', '{MODEL}', :kind, now() - interval '1 s', {", ".join(f":{name}" for name in told)})
                ON CONFLICT (provider, model, kind) DO NOTHING""",
            kind=kind,
            **told,
        )


def known() -> None:
    """It answered before and told of no limits."""
    set_limit()


@contextmanager
def room() -> Iterator[headroom.Headroom]:
    with db.transaction() as session:
        yield rate_limits.headroom(session, "openai", MODEL)[MODEL]


@pytest.mark.parametrize(("lanes", "concurrency"), [(1, 64), (4, 16)])
def test_no_limit_that_was_announced_is_ever_passed(lanes: int, concurrency: int, openai: LocalProvider) -> None:
    quota = openai.plan = Quota(requests=Bucket(3000, 20))
    job = live_job(120)
    answered_by_lanes(job, lanes, concurrency)
    assert states(job) == {"succeeded": 120}
    assert quota.refused == 0


def test_tokens_are_limited_as_well(openai: LocalProvider) -> None:
    # A call takes about 1,000.
    quota = openai.plan = Quota(requests=Bucket(100_000, 100_000), tokens=Bucket(3_000_000, 20_000))
    job = live_job(100)
    answered_by_lanes(job, 1, 64)
    assert states(job) == {"succeeded": 100}
    assert quota.refused == 0
    assert limit("tokens")["a_minute"] == 3_000_000


def test_a_limit_that_is_whole_again_every_few_seconds_is_not_taken_for_one_that_refills(openai: LocalProvider) -> None:
    quota = openai.plan = Quota(requests=Window(30, 3))
    job = live_job(80)
    answered_by_lanes(job, 1, 64)
    assert states(job) == {"succeeded": 80}
    assert quota.refused == 0


def test_a_reset_that_fits_no_bucket_is_waited_for(openai: LocalProvider) -> None:
    """None of 100 are left: a bucket would be whole in a minute, and have one again in less than a second."""
    known()
    (call,) = claim(live_job(1), 1)
    told = Limit("requests", 100, 0, 20.0)
    keep_now(Failed(call, "x", "No.", failures=1, limits=(told,)))
    with room() as found:
        assert found.wait_s(1, 1) == pytest.approx(20, abs=0.5)


def test_until_a_model_has_answered_few_calls_go_out(openai: LocalProvider) -> None:
    openai.plan = lambda _: Reply(delay=0.3)
    run_job(live_job(20), 20)
    assert openai.most_in_flight > rate_limits.START
    assert [row["known"] for row in rows("SELECT known FROM rate_limit")] == [True] * 4
    with room() as found:
        assert not found.buckets


def test_at_first_no_more_go_out_than_may_be_taken_back(openai: LocalProvider) -> None:
    openai.plan = lambda _: error(500)
    job = live_job(20)
    with_lane(lambda lane: first_claim(lane, job), 20)
    assert states(job) == {"in_flight": rate_limits.START, "pending": 20 - rate_limits.START}


async def first_claim(lane: LiveLane, job: str) -> None:
    claimed = await asyncio.to_thread(live_lane.claim, job, lane.worker_id, 20)
    assert len(claimed.calls) == rate_limits.START
    with db.transaction() as session:
        # However long that took: another second's call is not due yet.
        db.execute(session, "UPDATE rate_limit SET refilled_at = now() + interval '1 minute'")
    assert not (await asyncio.to_thread(live_lane.claim, job, lane.worker_id, 20)).calls


def test_a_call_that_is_larger_than_a_minutes_tokens_goes_out_alone(openai: LocalProvider) -> None:
    known()
    set_limit("tokens", 100, remaining=100)
    job = live_job(2)
    with_lane(lambda lane: one_round(lane, job), 4)
    assert states(job) == {"pending": 1, "answered": 1} or states(job) == {"pending": 1, "succeeded": 1}
    assert limit("tokens")["remaining"] < 0


def test_a_refusal_that_says_how_long_holds_all_back_and_fails_nothing(openai: LocalProvider) -> None:
    openai.plan = lambda _: error(429, retry_after="100")
    job = live_job(3)
    run_once(job)
    assert len(openai.asked) == 1
    assert limit()["blocked"]
    assert states(job) == {"pending": 3}
    wait = report.get(job).waits_for
    assert wait is not None
    assert wait.until is not None
    assert (wait.kind, wait.provider, wait.model) == ("rate_limit", "openai", MODEL)
    assert timedelta(minutes=1) < wait.until - shared_clock.now() <= timedelta(seconds=101)
    events = rows("SELECT message FROM job_event WHERE kind = 'waiting'")
    assert [event["message"] for event in events] == [f"Waits for the rate limit of openai/{MODEL}."]


def run_once(job: str, concurrency: int = 1) -> None:
    """It comes back where there is longer to wait: the clock looks again."""
    with_lane(lambda lane: lane.pump(job), concurrency)


def test_what_was_refused_goes_out_once_there_is_room(openai: LocalProvider) -> None:
    openai.plan = in_turn(error(429, retry_after="1.2"), Reply())
    job = live_job(3)
    run_job(job)
    assert states(job) == {"succeeded": 3}
    assert rows("SELECT waits_for, error FROM job") == [{"waits_for": None, "error": None}]


def test_a_refusal_that_tells_what_is_left_fails_nothing_either(openai: LocalProvider) -> None:
    told = {"x_ratelimit_limit_requests": "60", "x_ratelimit_remaining_requests": "0"}
    openai.plan = in_turn(error(429, **told), Reply())
    job = live_job(1)
    with_lane(lambda lane: one_round(lane, job), 1)
    assert states(job) == {"pending": 1}
    assert limit()["a_minute"] == 60
    assert limit()["remaining"] <= 0


def test_settings_cap_what_goes_out(openai: LocalProvider, setting: Any) -> None:
    known()
    setting(RATE_LIMIT_REQUESTS_PER_MINUTE=3)
    job = live_job(8)
    run_until_full(job)
    assert len(openai.asked) == 0
    with db.transaction() as session:
        db.execute(session, "UPDATE rate_limit SET remaining = 100, refilled_at = now() - interval '1 s'")
    run_until_full(job)
    assert len(openai.asked) == 3


def run_until_full(job: str) -> None:
    """Claims and calls for a moment: then the limit has no room."""
    with_lane(lambda lane: one_round(lane, job), 8)


def test_a_cap_holds_though_the_provider_allows_more(openai: LocalProvider, setting: Any) -> None:
    setting(RATE_LIMIT_REQUESTS_PER_MINUTE=3)
    openai.plan = Quota(requests=Bucket(9000, 9000))
    job = live_job(8)
    for _ in range(2):
        run_until_full(job)
    assert len(openai.asked) == 3
    assert limit()["a_minute"] == 9000
    with room() as found:
        assert found.buckets["requests"].most == 3
        assert found.buckets["requests"].per_second == 3 / 60


def test_a_cap_of_tokens_holds_from_the_first_call_on(openai: LocalProvider, setting: Any) -> None:
    setting(RATE_LIMIT_TOKENS_PER_MINUTE=4000)
    run_until_full(live_job(8))
    assert 0 < len(openai.asked) < rate_limits.START


def test_caps_are_changed_while_it_runs_and_taken_back(setting: Any) -> None:
    assert rate_caps.caps_of("openai") == rate_caps.Caps(None, None, "default")
    setting(RATE_LIMIT_REQUESTS_PER_MINUTE=50, RATE_LIMIT_TOKENS_PER_MINUTE=9000)
    assert rate_caps.caps_of("openai") == rate_caps.Caps(50, 9000, "environment")
    with actor.bound(by("kim")):
        rate_caps.change_caps("openai", 20, None)
    assert rate_caps.caps_of("openai") == rate_caps.Caps(20, None, "here")
    assert rate_caps.caps_of("anthropic") == rate_caps.Caps(50, 9000, "environment")
    (change,) = store.history()
    assert (change.name, change.after, change.user) == ("limits:openai", {"requests": 20}, "kim")
    rate_caps.change_caps("openai", None, None)
    assert rate_caps.caps_of("openai").source == "environment"


@pytest.mark.parametrize(
    ("provider", "requests", "tokens"), [("offline", 1, 1), ("openai", 0, None), ("openai", 1, -3)]
)
def test_caps_that_make_no_sense_are_refused(provider: str, requests: int, tokens: int | None) -> None:
    with pytest.raises(InvalidInput):
        rate_caps.change_caps(provider, requests, tokens)


def test_a_job_that_waits_for_its_limit_leaves_other_providers_alone(openai: LocalProvider) -> None:
    set_limit("requests", 1, remaining=0)
    with room() as found:
        assert found.none
    with db.transaction() as session:
        assert not rate_limits.headroom(session, "anthropic", MODEL)[MODEL].none
        assert rate_limits.headroom(session, "offline", MODEL) == {}


def test_a_repeated_attempt_takes_again_and_waits_in_the_queue_where_there_is_no_room(
    openai: LocalProvider, setting: Any
) -> None:
    setting(RETRY_ATTEMPTS=2)
    set_limit(a_minute=2, remaining=2)
    openai.plan = lambda _: error(500, retry_after="0")
    job = live_job(1)
    run_until_full(job)
    assert len(openai.asked) == 2
    assert states(job) == {"pending": 1}
    assert (limit()["taken"], limit()["settled"]) == (2, 2)


def test_what_an_answer_tells_lowers_what_we_believe(openai: LocalProvider) -> None:
    """Others use the key, too. It is whole again in hours: next to nothing refills while the answer is on its way."""
    set_limit(a_minute=6000, remaining=6000)
    told = {"x-ratelimit-limit-requests": "6000", "x-ratelimit-remaining-requests": "99"}
    openai.plan = lambda _: Reply(headers={**told, "x-ratelimit-reset-requests": "12h0m0s"})
    run_job(live_job(1))
    assert 97 < limit()["remaining"] < 150


def test_what_an_answer_tells_raises_what_we_believe_once_nothing_else_is_on_its_way(openai: LocalProvider) -> None:
    """A call takes about 1,000 tokens by our count, and 10 by the provider's."""
    known()
    set_limit("tokens", 100_000, remaining=2000)
    openai.plan = lambda _: Reply(
        headers={"x-ratelimit-limit-tokens": "100000", "x-ratelimit-remaining-tokens": "99990"}
    )
    run_job(live_job(1))
    assert limit("tokens")["remaining"] > 97_000


def test_what_is_on_its_way_is_not_believed_to_be_left(openai: LocalProvider) -> None:
    """Ten calls are out; the answer to one of them tells what was left before the others came."""
    set_limit(a_minute=1000, remaining=1000)
    job = live_job(10)
    claimed = claim(job, 10)
    told = Limit("requests", 1000, 999, None)
    keep_now(Failed(claimed[0], "x", "No.", failures=1, limits=(told,)))
    assert 970 < limit()["remaining"] < 990


def claim(job_id: str, count: int) -> tuple[Call, ...]:
    worker = worker_lease.register("test")
    return live_lane.claim(job_id, worker, count).calls


def test_an_old_answer_fills_no_bucket_that_was_used_since(openai: LocalProvider) -> None:
    set_limit(a_minute=1000, remaining=1000)
    job = live_job(40)
    (slow,) = claim(job, 1)
    for _ in range(3):
        others = claim(job, 13)
        keep_now(*(Failed(call, "x", "No.", failures=1) for call in others))
    assert limit()["remaining"] == pytest.approx(960)
    keep_now(Failed(slow, "x", "No.", failures=1, limits=(Limit("requests", 1000, 999, None),)))
    assert limit()["remaining"] == pytest.approx(959, abs=17)
    assert limit()["remaining"] < 960.1


def test_a_limit_that_gets_lower_is_kept_to_at_once(openai: LocalProvider) -> None:
    set_limit(a_minute=6000, remaining=6000)
    openai.plan = Quota(requests=Bucket(120, 120))
    run_job(live_job(1))
    with room() as found:
        assert found.buckets["requests"].most == 120
        assert found.level("requests") <= 119


def test_a_days_limit_refills_by_the_day(openai: LocalProvider) -> None:
    """10,000 a day: 86,400 seconds for all of it."""
    known()
    told = {"x-ratelimit-limit-requests": "10000", "x-ratelimit-remaining-requests": "5000"}
    openai.plan = lambda _: Reply(headers={**told, "x-ratelimit-reset-requests": "12h0m0s"})
    run_job(live_job(1))
    assert limit()["per_second"] == pytest.approx(10_000 / 86_400)


def test_calls_of_a_process_that_died_are_not_on_their_way_for_ever(openai: LocalProvider) -> None:
    set_limit(a_minute=1000, remaining=1000, taken=64, settled=0)
    with db.transaction() as session:
        db.execute(session, "UPDATE rate_limit SET refilled_at = now() - interval '16 minutes'")
    run_job(live_job(1))
    assert limit()["taken"] == limit()["settled"] == 65


def test_a_model_without_room_does_not_hold_up_another_one_of_the_job(openai: LocalProvider) -> None:
    known()
    set_limit("tokens", 100_000, remaining=5)
    body = {"messages": [{"role": "user", "content": "Why?"}]}
    lines = [
        orjson.dumps(
            {"custom_id": f"{n}", "method": "POST", "url": "/v1/chat/completions", "body": {**body, "model": model}}
        )
        for n, model in enumerate([MODEL, MODEL, "gpt-4.1"])
    ]
    now = datetime.now(UTC)
    job = launch.create(JobSpec(template=None, provider="openai", model=MODEL), now, start=False)
    own_requests.add(job, [line + b"\n" for line in lines], now)
    launch.start(job)
    expansion.expand_job(job)
    run_once(job, 1)
    assert [asked.body["model"] for asked in openai.asked] == ["gpt-4.1"]


def test_a_single_text_waits_for_room_and_takes_it(openai: LocalProvider) -> None:
    set_limit(a_minute=60, remaining=0.3, per_second=1)
    asyncio.run(single_text.process("summarize", "Two pumps failed.", {}, "openai", MODEL))
    assert len(openai.asked) == 1
    assert limit()["taken"] == limit()["settled"] == 1


def test_a_single_text_says_when_to_ask_again_where_it_takes_longer(openai: LocalProvider) -> None:
    set_limit(a_minute=60, remaining=0, renewed_at=datetime.now(UTC) + timedelta(hours=1))
    with pytest.raises(NoRoom, match="Ask again in") as raised:
        asyncio.run(single_text.process("summarize", "Two pumps failed.", {}, "openai", MODEL))
    assert 3500 < raised.value.wait_s < 3601
    assert raised.value.detail["retry_at"] > f"{datetime.now(UTC):%Y-%m-%dT%H:%M}"
    assert not openai.asked
    assert rows("SELECT id FROM request") == []


def test_how_long_there_is_to_wait_is_known(openai: LocalProvider) -> None:
    set_limit(a_minute=60, remaining=-4, per_second=1)
    with room() as found:
        assert found.wait_s(100, 10) == pytest.approx(5, abs=0.5)
    with db.transaction() as session:
        db.execute(session, "UPDATE rate_limit SET renewed_at = now() + interval '30 s'")
    with room() as found:
        assert found.wait_s(100, 10) == pytest.approx(30, abs=0.5)


def test_a_waiting_job_says_for_what_and_how_long(openai: LocalProvider) -> None:
    set_limit(a_minute=5, remaining=0, per_second=5 / 60)
    job = live_job(1)
    with db.transaction() as session:
        found = session.get(Job, job)
    assert found is not None
    waiting.write(found, claims.Claimed((), 0, waiting=True, full=claims.RateLimitWait("openai", MODEL, 11.2)))
    wait = report.get(job).waits_for
    assert wait is not None
    assert wait.until is not None
    assert wait == WaitsFor("rate_limit", "openai", MODEL, until=wait.until)
    assert 11 <= (wait.until - shared_clock.now()).total_seconds() <= 12.2


DATE = "Sat, 21 Nov 2026 11:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({}, ()),
        ({"x-ratelimit-limit-requests": "nonsense"}, ()),
        ({"x-ratelimit-limit-requests": "0"}, ()),
        (
            {
                "X-RateLimit-Limit-Requests": "500",
                "x-ratelimit-remaining-requests": "499",
                "x-ratelimit-reset-requests": "120ms",
                "x-ratelimit-limit-tokens": "30000",
                "x-ratelimit-remaining-tokens": "0",
                "x-ratelimit-reset-tokens": "1m0.5s",
            },
            (Limit("requests", 500, 499, 0.12), Limit("tokens", 30000, 0, 60.5)),
        ),
        (
            {
                "date": DATE,
                "anthropic-ratelimit-requests-limit": "50",
                "anthropic-ratelimit-requests-remaining": "49",
                "anthropic-ratelimit-requests-reset": "2026-11-21T11:00:01Z",
                "anthropic-ratelimit-input-tokens-limit": "30000",
                "anthropic-ratelimit-input-tokens-remaining": "29000",
                "anthropic-ratelimit-input-tokens-reset": "2026-11-21T10:59:59Z",
                "anthropic-ratelimit-output-tokens-limit": "8000",
                "anthropic-ratelimit-output-tokens-remaining": "8000",
            },
            (
                Limit("requests", 50, 49, 2.0),
                Limit("input_tokens", 30000, 29000, 1.0),
                Limit("output_tokens", 8000, 8000, None),
            ),
        ),
        (
            {"x-ratelimit-limit-requests": "500", "x-ratelimit-reset-requests": "soon"},
            (Limit("requests", 500, None, None),),
        ),
    ],
)
def test_headers_of_both_kinds_are_read(headers: dict[str, str], told: tuple[Limit, ...]) -> None:
    assert rate_limit_headers.read(httpx2.Headers(headers)) == told


def test_anthropics_separate_limits_are_kept_apart(openai: LocalProvider, setting: Any) -> None:
    setting(ANTHROPIC_API_KEY="test", ANTHROPIC_BASE_URL=openai.anthropic_url)
    quota = openai.plan = AnthropicQuota(
        requests=Bucket(6000, 6000), input_tokens=Bucket(600_000, 5_000), output_tokens=Bucket(60_000, 600)
    )
    job = live_job(40, provider="anthropic", model="claude-haiku-4-5")
    answered_by_lanes(job, 2, 16)
    assert states(job) == {"succeeded": 40}
    assert quota.refused == 0
    assert [limit(kind)["a_minute"] for kind in rate_limit_headers.KINDS] == [6000, None, 600_000, 60_000]


@pytest.mark.parametrize(
    ("provider", "body", "tokens"),
    [
        ("openai", {"max_tokens": 900}, 900),
        ("openai", {"max_completion_tokens": 8450}, 8450),
        ("openai", {}, 450),
        ("openai", {"max_tokens": "many"}, 450),
        ("anthropic", {"max_tokens": 8450}, 450),
    ],
)
def test_what_a_call_may_write_counts_where_the_provider_counts_it(
    provider: str, body: dict[str, Any], tokens: int
) -> None:
    assert rate_limits.output_room(provider, body, 450) == tokens
