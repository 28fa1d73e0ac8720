"""Whose doing something is: the click's or the API call's that set it going last."""

import asyncio
import io
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog
from streamlit.testing.v1 import AppTest
from structlog.testing import capture_logs

from core.calls import clients
from core.documents import content, extract, upload
from core.jobs import control, launch, resend
from core.live import single_text
from core.requests.origin import of_job
from core.runtime import correlation, worker_lease
from core.tables.jobs import WAITS_FOR, WaitsFor
from tests.local_provider import LocalProvider, Reply, error
from tests.pages import made
from tests.pages.seeing import press, show, words
from tests.pipeline import TEXT, add_document, make_job, rows, run_job

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def _nobodys() -> Iterator[None]:
    structlog.contextvars.clear_contextvars()
    yield
    structlog.contextvars.clear_contextvars()
    clients.forget()


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as captured:
        yield captured


def test_a_job_is_of_who_set_it_going_last(openai: LocalProvider) -> None:
    openai.plan = lambda _asked: Reply(refusal="No.")
    correlation.begin("made")
    job = make_job([add_document()], "summarize", provider="openai", model="gpt-5-mini")
    assert of_job(job) == "made"
    correlation.begin("paused")
    control.pause(job)
    assert of_job(job) == "made"
    correlation.begin("resumed")
    control.resume(job)
    assert of_job(job) == "resumed"
    structlog.contextvars.clear_contextvars()
    run_job(job)
    assert of_job(job) == "resumed"
    clients.forget()
    correlation.begin("again")
    resend.retry(job)
    assert of_job(job) == "again"


def test_a_document_is_of_who_asked_for_its_text_last() -> None:
    correlation.begin("uploaded")
    document = upload.add("a.exe", io.BytesIO(b"\x7fELF and no text"), "default").document.id
    assert content.get(document).correlation_id == "uploaded"
    correlation.begin("again")
    extract.retry(document)
    assert content.get(document).correlation_id == "again"


def test_failures_that_come_later_are_shown_with_the_id_that_their_log_lines_have(
    openai: LocalProvider, logs: list[Any]
) -> None:
    openai.plan = lambda _asked: error(500, "server_error", "down")
    correlation.begin("click1")
    job = make_job([add_document()], "summarize", provider="openai", model="gpt-5-mini")
    correlation.begin("click2")
    broken = upload.add("a.pdf", io.BytesIO(b"%PDF-1.4 and no more"), "default").document.id
    structlog.contextvars.clear_contextvars()
    run_job(job)
    (line,) = [one for one in logs if one["event"] == "the provider answered with an error"]
    assert (line["correlation_id"], line["job"]) == ("click1", job)
    assert "Reference: click1" in words(show("job", id=job))
    extract.extract_document(broken, worker_lease.register("one"), threading.Event())
    assert rows("SELECT state FROM document WHERE id = :id", id=broken) == [{"state": "failed"}]
    (line,) = [one for one in logs if one["event"] == "document not read"]
    assert (line["correlation_id"], line["document"]) == ("click2", broken)
    assert "Reference: click2" in words(show("document", id=broken))


def test_a_job_that_waits_or_failed_as_a_whole_shows_its_id() -> None:
    wait = WAITS_FOR.dump_json(WaitsFor("breaker", "openai", "gpt-5-mini")).decode()
    for state, columns, shown in (
        ("failed", {"error": "Its template is gone."}, True),
        ("running", {"waits_for": wait}, True),
        ("running", {}, False),
    ):
        job = made.job(state, correlation_id="click3", lane="live", **columns)
        assert ("Reference: click3" in words(show("job", id=job))) is shown


def test_a_draft_is_of_who_starts_it() -> None:
    correlation.begin("drafted")
    spec = launch.JobSpec(template="summarize", provider="offline", documents=(add_document(),))
    job = launch.create(spec, datetime.now(UTC), start=False)
    assert of_job(job) == "drafted"
    correlation.begin("started")
    launch.start(job)
    assert of_job(job) == "started"


def test_calls_tell_whose_they_are_and_what_the_provider_calls_them(openai: LocalProvider, logs: list[Any]) -> None:
    correlation.begin("made")
    job = make_job([add_document()], "summarize", provider="openai", model="gpt-5-mini")
    correlation.begin("of another")
    run_job(job)
    (line,) = [one for one in logs if one["event"] == "call answered"]
    (request,) = rows("SELECT id FROM request")
    assert (line["correlation_id"], line["job"], line["request"]) == ("made", job, request["id"])
    assert line["provider_request_id"] == "req_1"


def test_a_single_text_keeps_its_id(openai: LocalProvider, logs: list[Any]) -> None:
    correlation.begin("one text")
    asyncio.run(single_text.process("summarize", TEXT, {}, "openai", "gpt-5-mini"))
    (request,) = rows("SELECT id, single ->> 'correlation_id' AS correlation_id FROM request")
    assert request["correlation_id"] == "one text"
    (line,) = [one for one in logs if one["event"] == "call answered"]
    assert (line["correlation_id"], line["request"], line["provider_request_id"]) == (
        "one text",
        request["id"],
        "req_1",
    )


def test_a_call_that_is_not_heard_tells_whose_it_was(openai: LocalProvider, logs: list[Any]) -> None:
    openai.plan = lambda _asked: Reply(wire="cut")
    correlation.begin("made")
    job = make_job([add_document()], "summarize", provider="openai", model="gpt-5-mini")
    run_job(job)
    (line,) = [one for one in logs if one["event"] == "the provider was not heard"]
    assert (line["correlation_id"], line["job"], line["reason"]) == ("made", job, "connection")


def test_every_click_has_an_id_of_its_own() -> None:
    job = make_job([add_document()], "summarize")
    at = press(show("job", id=job), "Pause")
    first = of_job(job)
    press(at, "Resume")
    second = of_job(job)
    assert first != second
    assert second is not None


def test_an_action_that_fails_shows_the_id_that_its_log_line_has(logs: list[Any]) -> None:
    at = AppTest.from_string(
        """
import streamlit as st
from core.errors import Conflict
from pages.common import failures

def act():
    raise Conflict()

failures.show_notice()
st.button("Do it", on_click=lambda: failures.attempt(act))
"""
    ).run()
    at = press(at, "Do it")
    (line,) = [one for one in logs if one["event"] == "action failed"]
    assert line["code"] == "CONFLICT"
    assert f"Reference: {line['correlation_id']}" in words(at)


def test_a_page_that_fails_shows_the_id_that_its_log_line_has(logs: list[Any]) -> None:
    at = AppTest.from_string(
        """
from core.errors import NotFound
from core.runtime import correlation
from core.tables.jobs import WAITS_FOR, WaitsFor
from pages.common import failures

def page():
    raise NotFound()

correlation.begin("this run")
failures.guarded(page)
"""
    ).run()
    (line,) = [one for one in logs if one["event"] == "page failed"]
    assert (line["code"], line["correlation_id"]) == ("NOT_FOUND", "this run")
    assert "Reference: this run" in words(at)
