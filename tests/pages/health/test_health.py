"""The Health page: states with their since, remedies, what is stuck with its button, and how it was."""

from datetime import UTC, datetime
from typing import Any

import pytest

from core.health import sampling
from core.runtime import db, worker_lease
from pages.common import formats
from pages.words import health
from tests.pages import made
from tests.pages.seeing import opened, press, show, words
from tests.pipeline import rows

pytestmark = pytest.mark.usefixtures("database")
GREEN, RED, GRAY = (
    f":{colour}[:material/{icon}:]"
    for colour, icon in (("green", "check_circle"), ("red", "error"), ("gray", "remove"))
)


def change(sql: str) -> None:
    with db.transaction() as session:
        db.execute(session, sql)


def test_all_is_well_when_every_component_is() -> None:
    worker_lease.register("one")
    sampling.take(datetime.now(UTC), well=True)
    change(
        """INSERT INTO health_sample (component, time, healthy)
           SELECT component, time - interval '330 seconds', true FROM health_sample"""
    )
    text = words(show("health"))
    assert "All is well" in text
    assert f"{GREEN} **Workers** · 1 alive, 0 calls in flight :gray[· for 5 min]" in text
    assert f"{GREEN} **Scheduler**" in text
    assert "Nothing. What waits for more than 15 min is listed here." in text


def test_only_processes_that_do_jobs_are_workers() -> None:
    worker_lease.register("one", kind="web")
    at = show("health")
    assert "**Workers** · None is alive" in words(at)
    assert list(at.dataframe[0].value["Process"]) == ["one"]


def test_a_red_row_says_what_to_do(openai: object) -> None:
    worker_lease.register("one")
    change(
        """INSERT INTO breaker (provider, model, state, retry_at)
           VALUES ('openai', 'gpt-5-mini', 'open', now() + interval '1 minute')"""
    )
    sampling.take(datetime.now(UTC), well=False)
    at = show("health")
    text = words(at)
    assert "2 parts need attention" in text
    assert f"{RED} **OpenAI** · gpt\\-5\\-mini failed too often" in text
    assert f"{RED} **Scheduler** · Its rounds fail or hang" in text
    (models,) = [frame.value for frame in at.dataframe if "Breaker" in frame.value]
    assert models[["Model", "Breaker"]].to_numpy().tolist() == [["gpt-5-mini", "open"]]


def test_a_provider_whose_calls_fail_now_and_then_is_to_be_watched() -> None:
    worker_lease.register("one")
    change("INSERT INTO call_minute VALUES ('openai', 'gpt-5-mini', now(), 97, 3, '{}')")
    sampling.take(datetime.now(UTC), well=True)
    text = words(show("health"))
    assert ":orange[:material/warning:] **OpenAI** · " in text
    assert "All works, but calls fail: OpenAI" in text
    change("UPDATE call_minute SET answered = 990, failed = 3")
    text = words(show("health"))
    assert f"{GREEN} **OpenAI** · " in text
    assert "All is well" in text


def test_a_process_that_is_gone_does_not_lead() -> None:
    for name, seen in (("gone", "now() - interval '5 minutes'"), ("alive", "now()")):
        row = worker_lease.register(name)
        change(f"UPDATE worker SET leader = true, last_seen = {seen} WHERE id = {row}")
    (table,) = [frame.value for frame in show("health").dataframe if "Scheduler" in frame.value]
    assert table[["Process", "Scheduler", "Alive"]].to_numpy().tolist() == [
        ["alive", "leads", True],
        ["gone", "", False],
    ]


def test_open_access_is_said_on_health_and_on_every_page(setting: Any) -> None:
    for allowed in ("false", "true"):
        setting(ALLOW_OPEN_ACCESS=allowed)
        assert ("**Who is let in** · Nobody is asked who they are" in words(show("health"))) is (allowed == "true")
        said = [caption.value for caption in show("jobs").sidebar.caption]
        assert any(health.OPEN_ACCESS in one for one in said) is (allowed == "true")


def test_a_page_without_samples_says_when_charts_come(setting: Any) -> None:
    setting(HEALTH_SAMPLE_SECONDS=120)
    assert "A sample is taken every 2 min." in words(show("health"))


def test_what_nobody_sampled_for_long_is_not_known() -> None:
    worker_lease.register("one")
    sampling.take(datetime.now(UTC), well=True)
    change("UPDATE health_sample SET time = time - interval '10 minutes'")
    text = words(show("health"))
    assert f"{GRAY} **Disk** · Not known" in text
    assert f"{RED} **Scheduler** · No heartbeat for 10 min" in text


@pytest.fixture
def batches() -> list[str]:
    job = made.job("running", name="Contracts")
    return [
        made.batch(job, "in_progress", next_at="2100-01-01", tries=5, error="Set the base URL back.", created_at=when)
        for when in ("2026-01-01", "2026-01-02")
    ]


def stuck_tries() -> list[int]:
    return [row["tries"] for row in rows("SELECT tries FROM provider_batch ORDER BY created_at")]


def test_all_that_is_stuck_is_requeued_by_one_button(batches: list[str]) -> None:
    at = show("health")
    assert "2 provider batches" in words(at)
    (table,) = [frame.value for frame in at.dataframe if "Reason" in frame.value]
    assert table[["Name", "Reason"]].to_numpy().tolist() == [["Contracts", "Set the base URL back."]] * 2
    at = press(at, "Requeue all provider batches")
    assert stuck_tries() == [0, 0]
    assert formats.plain("Requeued: 2 provider batches.") in words(at)
    assert rows("SELECT subject, after FROM audit_entry") == [
        {"subject": "batches", "after": {"ids": batches, "requeued": 2}}
    ]


def test_only_what_is_selected_is_requeued(batches: list[str]) -> None:
    at = show("health")
    at.session_state[f"stuck-batches-{hash(tuple(batches))}"] = {"selection": {"rows": [1], "columns": [], "cells": []}}
    press(at.run(), "Requeue 1 provider batch")
    assert stuck_tries() == [5, 0]


@pytest.mark.parametrize(("period", "table"), [("24 h", "sample"), ("30 d", "hour")])
def test_the_past_is_drawn_from_samples_or_hours(period: str, table: str) -> None:
    figures = '{"round_trip_ms": 2, "p50_ms": 700, "p95_ms": 900, "free_bytes": 1073741824}'
    for component in ("database", "provider:openai", "disk"):
        change(
            f"""INSERT INTO health_sample (component, time, healthy, figures)
                SELECT '{component}', now() - n * interval '5 hours', true, '{figures}' FROM generate_series(1, 3) n"""
            if table == "sample"
            else f"""INSERT INTO health_hour (component, hour, samples, healthy, figures)
                SELECT '{component}', date_trunc('hour', now()) - n * interval '5 hours', 120, 120, '{figures}'
                FROM generate_series(1, 3) n"""
        )
    drawn = [
        [chart.proto.alt for chart in show("health", past=period, charts=tab).get("plotly_chart")]
        for tab in ("Providers", "Work", "Machine")
    ]
    assert drawn == [
        ["Well or not", "Half of the answers came within", "95 % of the answers came within"],
        ["Well or not"],
        ["Well or not", "Database round trip", "Space"],
    ]


def test_the_past_is_drawn_anew_with_a_new_sample_and_names_what_was_always_0() -> None:
    add = """INSERT INTO health_sample (component, time, healthy, figures)
             SELECT 'queue', now() - n * interval '1 hour', true, '{"documents": 0, "oldest_s": %s}'
             FROM generate_series(%s) n"""
    change(add % (0, "1, 2"))
    at = show("health", charts="Work")
    assert "0 all the time: waiting, oldest item waits." in words(at)
    change(add % (60, "0, 0"))
    assert "0 all the time: waiting." in words(at.run())


def test_times_are_those_of_the_reader() -> None:
    change(
        """INSERT INTO health_sample (component, time, healthy, figures)
           SELECT 'queue', now() - n * interval '1 hour', true, '{"documents": 1}' FROM generate_series(1, 2) n"""
    )
    at = opened("health")
    at.context["timezone"] = "Asia/Tokyo"
    assert "Times are those of Asia/Tokyo." in words(at.run())
