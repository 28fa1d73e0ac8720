"""Readings by rule, samples with their since, and what becomes of them after an hour and after thirty days."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from core.calls import report as calls_report
from core.calls.report import ModelRow, quantile_ms
from core.health import components, readings, sampling
from core.health import report as health_report
from core.health.database import DatabaseHealth
from core.health.report import QueueRow, ReuseRow, SampleRow, WorkerRow
from core.requests.reuse import ReuseHealth
from core.runtime import db, worker_lease
from tests.pipeline import add_document, change, database_away, make_job, rows

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
EVERY = timedelta(seconds=30)


def model(**values: Any) -> ModelRow:
    known: dict[str, Any] = {
        "provider": "openai",
        "model": "gpt-5-mini",
        "breaker": "closed",
        "by_hand": False,
        "changed_at": None,
        "retry_at": None,
        "answered": 0,
        "failed": 0,
        "latencies": (),
        "headroom": None,
        "blocked_until": None,
    }
    return ModelRow(**{**known, **values})


@pytest.mark.parametrize(
    ("model", "healthy", "says"),
    [
        (model(), True, "not called"),
        (model(answered=9, failed=1), True, "10 calls in 10 min, 10.0% failed"),
        (model(answered=5, failed=5), False, "50% of 10 calls failed"),
        (model(answered=0, failed=9), True, "100.0% failed"),
        (model(breaker="open", retry_at=AT + timedelta(seconds=42)), False, "it is called again in 42 s"),
        (model(breaker="open", retry_at=AT), True, "not called"),
        (model(breaker="half_open"), False, "one call tries it again"),
        (model(breaker="open", by_hand=True), False, "stopped by hand"),
        (model(answered=100, latencies=(0, 0, 0, 100), headroom=0.25), True, "p50 6 ms, p95 8 ms, 25% of the rate"),
    ],
)
def test_a_provider_is_red_by_its_breaker_and_by_half_of_its_calls_failing(
    model: ModelRow, healthy: bool, says: str
) -> None:
    reading = readings.provider("openai", [model], AT - timedelta(seconds=7), AT)
    assert (reading.component, reading.healthy) == ("provider:openai", healthy)
    assert says in reading.message
    assert "ast answer 7 s ago" in reading.message
    assert reading.figures["last_success_age_s"] == 7


@pytest.mark.parametrize(
    ("day", "healthy", "says"),
    [
        (AT.date() + timedelta(days=31), None, ""),
        (AT.date() + timedelta(days=30), True, "openai/gpt-5-mini is switched off on 2026-12-21."),
        (AT.date(), False, "openai/gpt-5-mini was switched off on 2026-11-21."),
    ],
)
def test_a_model_in_use_that_ends_is_named_a_month_before(day: date, healthy: bool | None, says: str) -> None:
    found = readings.ending({("openai", "gpt-5-mini"): day, ("openai", "o5"): date(2030, 1, 1)}, AT.date())
    assert [one.healthy for one in found] == ([] if healthy is None else [healthy])
    assert all(says in one.message and "o5" not in one.message for one in found)


def test_models_in_use_are_those_of_recent_jobs_and_the_defaults(database: str, setting: Any) -> None:
    setting(OPENAI_API_KEY="sk-test", DEFAULT_MODEL_OPENAI="gpt-4.1-mini-2025-04-14")
    make_job([add_document()], provider="offline")
    assert sampling.ends_of_models() == {("openai", "gpt-4.1-mini-2025-04-14"): date(2027, 1, 14)}
    change("UPDATE job SET provider = 'openai', model = 'gpt-5-nano'")
    assert ("openai", "gpt-5-nano") in sampling.ends_of_models()
    change("UPDATE job SET state = 'completed', created_at = now() - interval '31 days'")
    assert ("openai", "gpt-5-nano") not in sampling.ends_of_models()


@pytest.mark.parametrize(
    ("latencies", "share", "milliseconds"),
    [
        ((), 0.5, None),
        ((0, 0), 0.5, None),
        ((1,), 1, 1),
        ((0, 0, 4), 0.5, 3),
        ((0, 2, 2), 0.5, 2),
        ((10, 0, 0, 0, 90), 0.05, 0.5),
        ((50, 0, 0, 0, 50), 0.95, 15.2),
    ],
)
def test_a_quantile_lies_in_its_bucket(latencies: tuple[int, ...], share: float, milliseconds: float | None) -> None:
    found = quantile_ms(latencies, share)
    assert found == (None if milliseconds is None else pytest.approx(milliseconds))


def sample(age: timedelta, *, healthy: bool = True) -> SampleRow:
    return SampleRow("scheduler", AT - age, AT - age, healthy, "its words", {})


@pytest.mark.parametrize(
    ("last", "healthy", "says"),
    [
        (None, False, "No heartbeat yet. Start a jobs process"),
        (sample(timedelta(seconds=90)), True, "one leads, last heartbeat 90 s ago"),
        (sample(timedelta(seconds=151)), False, "No heartbeat for 2 min. Start a jobs process"),
        (sample(timedelta(seconds=1), healthy=False), False, "its words"),
    ],
)
def test_the_scheduler_is_red_when_its_samples_stop_or_say_so(last: SampleRow | None, healthy: bool, says: str) -> None:
    reading = readings.scheduler(last, "one", AT, EVERY)
    assert reading.healthy == healthy
    assert says in reading.message


def worker(*, alive: bool, busy: int = 0) -> WorkerRow:
    return WorkerRow(1, "one", "jobs", AT, AT - timedelta(minutes=5), False, busy, 0, 0.0, alive)


def test_the_other_components_are_red_with_a_remedy() -> None:
    assert readings.workers([worker(alive=True, busy=3), worker(alive=False)], AT).figures == {"alive": 1, "busy": 3}
    gone = readings.workers([worker(alive=False)], AT)
    assert (gone.healthy, "seen 5 min ago. Start one" in gone.message) == (False, True)

    late = AT - timedelta(minutes=16)
    waiting = readings.queue(QueueRow(2, 3, 4, 5, AT, late), AT)
    assert (waiting.healthy, "waits for 16 min" in waiting.message) == (False, True)
    assert waiting.figures["oldest_s"] == 16 * 60
    soon = readings.queue(QueueRow(2, 3, 4, 5, late + timedelta(minutes=2), None), AT)
    assert (soon.healthy, "the oldest waits for 840 s" in soon.message) == (True, True)
    assert "oldest" not in readings.queue(QueueRow(2, 3, 4, 5, None, None), AT).message

    assert readings.disk(1 << 30, 1 << 40).healthy
    assert not readings.disk((1 << 30) - 1, 1 << 40).healthy
    lookups = ReuseHealth(True, 1.0, "")
    assert readings.reuse(ReuseRow(3, 1), lookups).figures["share"] == 0.25
    assert readings.reuse(ReuseRow(0, 0), lookups).healthy
    failing = readings.reuse(ReuseRow(3, 1), ReuseHealth(False, None, "They fail."))
    assert (failing.healthy, failing.message) == (False, "They fail.")

    away = DatabaseHealth(False, None, 0, 10, "unknown", "Database connection failed")
    assert "DATABASE_URL" in readings.database(away, None, embedded=False).message
    assert "by itself" in readings.database(away, None, embedded=True).message
    behind = DatabaseHealth(True, 1.0, 0, 10, "pending", "run `alembic upgrade head`.")
    assert (readings.database(behind, 9, embedded=True).healthy, behind.error) == (False, "run `alembic upgrade head`.")
    well = DatabaseHealth(True, 0.5, 2, 10, "up_to_date", None, "0007")
    told = "0.5 ms a round trip, 2 of 10 connections in use, schema 0007 is up to date, 9 MB"
    assert readings.database(well, 9 << 20, embedded=True).message == told
    assert readings.database(well, 3 << 29, embedded=True).message.endswith("1.5 GB")


def sampled(component: str, minutes_ago: float, *, healthy: bool = True, **figures: float) -> None:
    with db.transaction() as session:
        db.execute(
            session,
            """INSERT INTO health_sample (component, time, healthy, message, figures)
               VALUES (:component, now() - make_interval(secs => :secs), :healthy, 'as sampled', :figures)""",
            component=component,
            secs=minutes_ago * 60,
            healthy=healthy,
            figures=json.dumps(figures),
        )


def call_minutes(*minutes: tuple[str, int, int, list[int]]) -> None:
    with db.transaction() as session:
        for minute, answered, failed, latencies in minutes:
            db.execute(
                session,
                """INSERT INTO call_minute (provider, model, minute, answered, failed, latencies)
                   VALUES ('openai', 'gpt-5-mini', date_trunc('minute', CAST(:minute AS timestamptz)), :answered,
                     :failed, :latencies)""",
                minute=minute,
                answered=answered,
                failed=failed,
                latencies=latencies,
            )


@pytest.mark.usefixtures("database")
def test_a_round_samples_every_component_and_who_was_called(openai: object) -> None:
    worker_lease.register("one")
    call_minutes(("now", 8, 2, [0, 0, 8]))
    with db.transaction() as session:
        db.execute(session, "INSERT INTO breaker (provider, model, state) VALUES ('anthropic', 'haiku', 'closed')")
    sampling.take(datetime.now(UTC), well=True)
    found = {one.component: one for one in health_report.latest_samples()}
    assert set(found) == {
        *("database", "workers", "queue", "scheduler", "reuse", "disk"),
        *("provider:openai", "provider:offline"),
    }
    assert all(one.healthy for one in found.values()), found
    assert found["provider:openai"].figures["error_share"] == 0.2
    assert found["provider:openai"].figures["p50_ms"] == 3
    assert found["database"].figures["bytes"] > 0
    assert found["disk"].figures["free_bytes"] > 0


@pytest.mark.usefixtures("database")
def test_a_sample_tells_since_when_it_has_been_so() -> None:
    for minutes, healthy in ((50, True), (40, False), (30, True), (20, True), (10, True)):
        sampled("queue", minutes, healthy=healthy)
    for minutes, healthy in ((50, True), (40, False), (30, False)):
        sampled("disk", minutes, healthy=healthy)
    sampled("reuse", 5)
    since = {
        one.component: (datetime.now(UTC) - one.since).total_seconds() // 60 for one in health_report.latest_samples()
    }
    assert since == {"queue": 30, "disk": 40, "reuse": 5}


@pytest.mark.usefixtures("database")
def test_now_is_measured_where_it_may_not_wait_and_unknown_where_samples_are_old() -> None:
    sampled("queue", 0, healthy=False)
    sampled("disk", 2, free_bytes=5)
    sampled("provider:gone", 2.6)
    found = {one.name: one for one in components.components(datetime.now(UTC))}
    assert found["queue"].healthy  # whatever the sample said
    assert found["queue"].since is None
    assert "disk" not in found  # the newest round left it out
    with db.transaction() as session:
        db.execute(session, "DELETE FROM health_sample WHERE component = 'queue'")
    found = {one.name: one for one in components.components(datetime.now(UTC))}
    assert found["disk"].healthy is None
    assert "Start a jobs process" in found["disk"].message
    assert found["disk"].figures == {"free_bytes": 5}
    assert "provider:gone" not in found
    assert (found["workers"].healthy, found["scheduler"].healthy) == (False, False)


@pytest.mark.usefixtures("database", "openai")
def test_a_breaker_that_opens_is_seen_before_the_next_sample() -> None:
    sampling.take(datetime.now(UTC), well=True)
    assert health_of("provider:openai").healthy
    call_minutes(("now", 8, 2, [0, 0, 8]))
    with db.transaction() as session:
        db.execute(
            session, "INSERT INTO breaker (provider, model, state, by_hand) VALUES ('openai', 'gpt-5', 'open', true)"
        )
    opened = health_of("provider:openai")
    assert (opened.healthy, opened.since, opened.figures["error_share"]) == (False, None, 0.2)
    assert "stopped by hand" in opened.message
    assert health_of("provider:offline").healthy
    assert "MB" in health_of("database").message


@pytest.mark.usefixtures("database")
def test_many_processes_of_one_kind_hide_none_of_the_other() -> None:
    worker_lease.register("the one")
    with db.transaction() as session:
        db.execute(session, "INSERT INTO worker (name, kind) SELECT 'web ' || n, 'web' FROM generate_series(1, 120) n")
    assert health_of("workers").figures["alive"] == 1
    assert len(health_report.workers(kind=None)) == 51


def health_of(component: str) -> components.Component:
    return next(one for one in components.components(datetime.now(UTC)) if one.name == component)


def test_without_the_database_that_is_all_that_is_known(database: str) -> None:
    with database_away(database):
        (only,) = components.components(datetime.now(UTC))
    assert (only.name, only.healthy) == ("database", False)


@pytest.mark.usefixtures("database")
def test_whole_hours_are_rolled_up_once_and_old_samples_go() -> None:
    with db.transaction() as session:
        for time, healthy, figures in (
            ("now() - interval '31 days'", True, {"free_bytes": 10}),
            ("date_trunc('hour', now(), 'UTC') - interval '2 hours'", True, {"free_bytes": 10, "total_bytes": 3}),
            ("date_trunc('hour', now(), 'UTC') - interval '61 minutes'", False, {"free_bytes": 30}),
            ("date_trunc('hour', now(), 'UTC') - interval '1 hour'", True, {}),
            ("now() + interval '1 hour'", True, {"free_bytes": 50}),
        ):
            db.execute(
                session,
                f"""INSERT INTO health_sample (component, time, healthy, figures)
                    VALUES ('disk', {time}, :healthy, :figures)""",
                healthy=healthy,
                figures=json.dumps(figures),
            )
    hours = """SELECT samples, healthy, figures, most FROM health_hour
               WHERE hour > now() - interval '1 day' ORDER BY hour"""
    sampling.roll_up()
    rolled = rows(hours)
    assert rolled == [
        {
            "samples": 2,
            "healthy": 1,
            "figures": {"free_bytes": 20, "total_bytes": 3},
            "most": {"free_bytes": 30, "total_bytes": 3},
        },
        {"samples": 1, "healthy": 1, "figures": {}, "most": {}},
    ]
    assert rows("SELECT count(*) AS n FROM health_hour") == [{"n": 3}]
    assert rows("SELECT count(*) AS n FROM health_sample") == [{"n": 4}]
    sampling.roll_up()
    assert rows(hours) == rolled


@pytest.mark.usefixtures("database")
def test_old_minutes_of_calls_become_a_day_and_their_sums_stay() -> None:
    call_minutes(
        ("2026-01-05 00:00Z", 1, 0, [1]),
        ("2026-01-05 09:00Z", 2, 1, [0, 2]),
        ("2026-01-05 23:59Z", 4, 0, [1, 2, 1]),
        ("2026-01-06 10:00Z", 1, 1, [0, 0, 0, 1]),
        ("now", 1, 0, [1]),
    )
    sampled("disk", 120)
    sampling.roll_up()
    folded = """SELECT to_char(minute AT TIME ZONE 'UTC', 'MM-DD HH24:MI') AS at, answered, failed, latencies
                FROM call_minute WHERE minute < '2026-02-01' ORDER BY minute"""
    days = [
        {"at": "01-05 00:00", "answered": 7, "failed": 1, "latencies": [2, 4, 1]},
        {"at": "01-06 00:00", "answered": 1, "failed": 1, "latencies": [0, 0, 0, 1]},
    ]
    assert rows(folded) == days
    sampled("disk", 60)
    sampling.roll_up()
    assert rows(folded) == days
    assert rows("SELECT count(*) AS n FROM call_minute") == [{"n": 3}]


@pytest.mark.usefixtures("database")
def test_the_past_comes_in_stretches_with_the_means_of_its_figures() -> None:
    start = datetime.now(UTC) - timedelta(hours=1)
    sampled("disk", 55, healthy=False, free_bytes=10)
    sampled("disk", 54, free_bytes=30)
    sampled("disk", 5)
    sampled("disk", 65, free_bytes=99)
    found = health_report.past(start, timedelta(minutes=20))
    assert [(one.component, one.healthy, one.figures) for one in found] == [
        ("disk", 0.5, {"free_bytes": 20}),
        ("disk", 1, {}),
    ]
    assert [one.time for one in found] == [start, start + timedelta(minutes=40)]


@pytest.mark.usefixtures("database")
def test_hours_weigh_in_the_past_by_their_samples() -> None:
    with db.transaction() as session:
        db.execute(
            session,
            """INSERT INTO health_hour (component, hour, samples, healthy, figures) VALUES
                 ('disk', '2026-11-01 00:00Z', 120, 120, '{"free_bytes": 10}'),
                 ('disk', '2026-11-01 01:00Z', 40, 0, '{"free_bytes": 50}')""",
        )
    (only,) = health_report.past(datetime(2026, 11, 1, tzinfo=UTC), timedelta(hours=6))
    assert (only.healthy, only.figures) == (0.75, {"free_bytes": 20})


@pytest.mark.usefixtures("database")
def test_models_tell_of_calls_breakers_and_limits_together() -> None:
    call_minutes(("now", 3, 1, [0, 3]), (f"{datetime.now(UTC) - timedelta(minutes=3)}", 1, 0, [0, 0, 1]))
    with db.transaction() as session:
        db.execute(
            session,
            """INSERT INTO breaker (provider, model, state, retry_at) VALUES
                 ('openai', 'gpt-5', 'open', now()), ('openai', 'gpt-4o', 'closed', NULL)""",
        )
        db.execute(
            session,
            """INSERT INTO rate_limit (provider, model, kind, known, a_minute, per_second, remaining, refilled_at,
                 blocked_until) VALUES
                 ('openai', 'gpt-5-mini', 'requests', true, 100, 2, 100, now(), NULL),
                 ('openai', 'gpt-5-mini', 'tokens', true, 1000, 17, 250, now(), NULL),
                 ('openai', 'gpt-5-mini', 'output_tokens', true, NULL, NULL, 0, now(), NULL),
                 ('anthropic', 'haiku', 'requests', true, 60, 1, 0, now() - interval '31 seconds',
                   now() + interval '1 minute'),
                 ('anthropic', 'new', 'requests', false, NULL, NULL, 0, now(), NULL)""",
        )
    found = {(row.provider, row.model): row for row in calls_report.models()}
    assert set(found) == {("openai", "gpt-5"), ("openai", "gpt-5-mini"), ("anthropic", "haiku")}
    mini = found["openai", "gpt-5-mini"]
    assert (mini.answered, mini.failed, mini.latencies, mini.breaker) == (4, 1, (0, 3, 1), "closed")
    assert mini.headroom == pytest.approx(0.25, abs=0.05)
    assert found["anthropic", "haiku"].headroom == pytest.approx(0.5, abs=0.05)
    assert found["anthropic", "haiku"].blocked_until is not None
    assert (found["openai", "gpt-5"].breaker, found["openai", "gpt-5"].headroom) == ("open", None)


def test_recognizing_words_in_pictures_is_named_where_it_is_off() -> None:
    assert readings.ocr("on") == []
    (off,) = readings.ocr("off")
    assert (off.component, off.healthy) == ("ocr", True)
    assert "EXTRACTION_OCR" in off.message
