"""A job's page in every state: what it says, what it offers, and that its actions do what they say."""

import io
import json
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from streamlit.testing.v1 import AppTest

from core.documents import extract, upload
from core.jobs import batches_report
from core.runtime import db, worker_lease
from pages.common import widgets
from tests.batch_provider import AskedLine, BatchProvider, Line
from tests.local_provider import LocalProvider, Reply
from tests.pages import made
from tests.pages.seeing import buttons, links, press, show, words
from tests.pipeline import TEXT, add_document, make_job, ready_documents, rows, run_batches, run_job

pytestmark = pytest.mark.usefixtures("database")


def now() -> datetime:
    return datetime.now(UTC)


def state_of(job: str) -> str:
    return str(rows("SELECT state FROM job WHERE id = :job", job=job)[0]["state"])


def metrics(at: AppTest) -> dict[str, str]:
    return {metric.label: str(metric.value) for metric in at.metric}


@pytest.mark.parametrize(
    ("state", "offers"),
    [
        ("draft", {"Start", "Rename", "Delete"}),
        ("queued", {"Pause", "Cancel job", "Move waiting requests", "Rename"}),
        ("running", {"Pause", "Cancel job", "Move waiting requests", "Rename"}),
        ("paused", {"Resume", "Cancel job", "Move waiting requests", "Rename"}),
        ("cancelling", {"Rename"}),
        ("completed", {"Rename", "Delete"}),
        ("cancelled", {"Rename", "Delete"}),
        ("failed", {"Rename", "Delete"}),
    ],
)
@pytest.mark.parametrize("lane", ["live", "batch"])
def test_each_state_says_what_it_means_and_offers_what_can_be_done(state: str, offers: set[str], lane: str) -> None:
    job = made.job(state, lane=lane, error="The template is gone." if state == "failed" else None)
    made.requests(job, "pending", lane=lane)
    at = show("job", id=job)
    assert not at.exception
    assert buttons(at) == offers | {"All jobs"}
    assert f"[{state}]" in words(at)


def test_an_empty_job_says_so() -> None:
    at = show("job", id=made.job("completed"))
    assert not at.exception
    assert "none of its documents could be read" in words(at)
    assert "no requests yet" in words(at)
    for tab in ("Requests", "Provider batches", "Timeline"):
        assert not show("job", id=made.job("completed"), tab=tab).exception


def test_a_running_batch_job_tells_of_each_kind_of_batch() -> None:
    job = made.job("running")
    made.requests(job, "in_flight", 40)
    made.batch(job, "in_progress", 20, submitted_at=now() - timedelta(hours=2), done=5, next_at=now())
    made.batch(job, "settling", 15, intent_at=now(), next_at=now(), error="The answer was not heard.")
    made.batch(
        job, "completed", 8, counts='{"answered": 8, "failed": 0, "again": 0, "cancelled": 0, "odd": {}, "missing": 0}'
    )
    made.batch(job, "ended", 5, next_at=now())
    text = words(show("job", id=job))
    assert "20 requests in 1 batch at OpenAI since 2 h, 5 of them done" in text
    assert "15 requests in 1 batch\\: being settled" in text
    assert "5 requests in 1 batch\\: done at OpenAI" in text
    assert "5 done at the provider" in text
    grid = show("job", id=job, tab="Provider batches").dataframe[0].value
    assert list(grid["State"]) == ["fetching results", "completed", "being settled", "in progress"]
    assert list(grid["Done"]) == ["", "8 of 8", "", "5 of 20"]
    assert list(grid["What became of it"])[1:3] == ["8 answered", "The answer was not heard."]


def test_a_single_batch_is_shown_with_its_ids_and_its_odd_lines() -> None:
    job = made.job("completed")
    counts = '{"answered": 0, "failed": 0, "again": 0, "cancelled": 0, "odd": {"not_utf8": 2}, "missing": 0}'
    batch = made.batch(job, "completed", provider_batch_id="batch_there", counts=counts, ended_at=now())
    made.odd_line(batch, "not_utf8", b"{\xff<script>alert(1)</script>")
    made.odd_line(batch, "unknown", b"x" * 9_000)
    at = show("job", id=job, tab="Provider batches")
    codes = [code.value for code in at.code]
    assert codes[:2] == [batch, "batch_there"]
    assert codes[2] == "{\\xff<script>alert(1)</script>"
    assert len(codes[3]) == 2_000
    assert "bytes that are no text, 27 bytes" in words(at)
    assert "9,000 bytes" in words(at)


def test_the_page_tells_of_usage_that_no_line_accounts_for() -> None:
    job = made.job("completed")
    made.usage(job, status="unattributed", input_tokens=4000, output_tokens=290, cost_usd=Decimal("0.25"))
    at = show("job", id=job)
    assert "4,290 tokens more than what its lines account for" in words(at)
    assert metrics(at)["Cost"] == "$0.25"


def test_failures_stand_by_reason_and_lead_to_their_requests() -> None:
    job = made.job("completed")
    for number in range(5):
        made.requests(job, "failed", 6 - number, error_code=f"code_{number}", error_message=f"Reason {number}.")
    at = show("job", id=job)
    assert "**6 failed.** Reason 0" in words(at)
    assert "5 more failed, for 2 other reasons" in words(at)
    assert "Reason 3" not in words(at)
    [button for button in at.button if button.label == "Show"][1].click().run()
    assert at.query_params["tab"] == "Requests"
    assert at.query_params["error"] == "code_1"
    assert list(at.dataframe[0].value["Error"]) == ["Reason 1."] * 5


def test_requests_are_filtered_by_what_the_link_says() -> None:
    job = made.job("running")
    made.requests(job, "succeeded", 3)
    made.requests(job, "held", 2)
    made.requests(job, "answered", 1)
    made.requests(job, "failed", 4, error_code="expired", error_message="It took too long.")
    at = show("job", id=job, tab="Requests")
    assert len(at.dataframe[0].value) == 10
    assert len(show("job", id=job, tab="Requests", request_state="pending").dataframe[0].value) == 2
    assert len(show("job", id=job, tab="Requests", request_state="in flight").dataframe[0].value) == 1
    assert len(show("job", id=job, tab="Requests", error="expired").dataframe[0].value) == 4
    assert "No request fits" in words(show("job", id=job, tab="Requests", request_state="succeeded", error="expired"))


def test_thousands_of_requests_come_in_pages() -> None:
    job = made.job("completed")
    made.requests(job, "succeeded", 2_450)
    made.requests(job, "failed", 120, error_code="expired", error_message="It took too long.")
    at = show("job", id=job, tab="Requests", page="26")
    assert not at.exception
    assert len(at.dataframe[0].value) == 70
    assert "2,501 to 2,570 of 2,570" in words(at)
    second = show("job", id=job, tab="Requests", error="expired", page="2")
    assert "101 to 120 of 120" in words(second)


def test_a_page_beyond_the_last_one_is_the_first() -> None:
    job = made.job("completed")
    made.requests(job, "failed", 120, error_code="expired", error_message="It took too long.")
    at = show("job", id=job, tab="Requests", page="9")
    assert not at.exception
    assert len(at.dataframe[0].value) == 100


def test_a_filter_leads_back_to_a_page_that_there_is() -> None:
    job = made.job("completed")
    made.requests(job, "succeeded", 450)
    made.requests(job, "failed", 120, error_code="expired", error_message="It took too long.")
    at = show("job", id=job, tab="Requests", page="5")
    at.selectbox(key="error").set_value("expired").run()
    assert not at.exception
    assert "1 to 100 of 120" in words(at)


def test_the_timeline_shows_messages_as_text() -> None:
    job = made.job("completed")
    with db.transaction() as session:
        db.execute(
            session,
            "INSERT INTO job_event (job_id, kind, message) VALUES (:job, 'refused', 'It said <b>no</b>.')",
            job=job,
        )
    at = show("job", id=job, tab="Timeline")
    assert "It said &lt;b&gt;no&lt;/b&gt;." in "".join(element.proto.body for element in at.get("html"))


def test_pause_and_resume() -> None:
    job = made.job("running", started_at=now())
    made.requests(job, "pending", 2)
    at = press(show("job", id=job), "Pause")
    assert state_of(job) == "paused"
    press(at, "Resume")
    assert state_of(job) == "running"


def test_a_draft_of_own_requests_starts_once_it_has_some() -> None:
    job = made.job("draft", template_id=None, template_version=None)
    assert "Start" not in buttons(show("job", id=job))
    made.requests(job, "pending", 2)
    at = show("job", id=job)
    assert "custom requests" in words(at)
    press(at, "Start")
    assert state_of(job) == "queued"


def test_cancelling_asks_and_names_what_is_dropped() -> None:
    job = made.job("running")
    made.requests(job, "pending", 3)
    made.requests(job, "succeeded", 2)
    at = press(show("job", id=job), "Cancel job")
    assert "Not sent any more: 3 requests" in words(at)
    assert state_of(job) == "running"
    press(at, "Cancel job")
    assert state_of(job) == "cancelled"


def test_a_batch_is_settled_by_hand_after_a_warning() -> None:
    job = made.job("running")
    batch = made.batch(job, "settling", 2, intent_at=now(), next_at=now())
    made.requests(job, "in_flight", 2, provider_batch_id=batch)
    at = press(show("job", id=job), "Settle by hand")
    assert "billed twice" in words(at)
    assert rows("SELECT state FROM provider_batch") == [{"state": "settling"}]
    at = press(at, "Not there: send again")
    assert rows("SELECT state FROM provider_batch") == [{"state": "absent"}]
    assert rows("SELECT DISTINCT state FROM request") == [{"state": "pending"}]
    assert "Settle by hand" not in buttons(at)


def test_sending_again_names_both_prices_and_sends_in_the_chosen_lane() -> None:
    job = made.job("completed")
    made.requests(job, "failed", 2, error_code="expired")
    made.requests(job, "cancelled", 1)
    made.requests(job, "failed", 1, error_code="document_too_long")
    made.requests(job, "succeeded", 5)
    at = press(show("job", id=job), "Send again")
    assert "**3 requests** of “Made” again" in words(at)
    assert "Left out, because it would fail again:\n- 1 request too long for the model" in words(at)
    assert [option.split(",")[0] for option in at.radio[0].proto.captions] == ["About $0.00070", "About $0.0014"]
    at.radio[0].set_value("live")
    press(at, "Send 3 again")
    assert rows("SELECT lane, count(*) AS n FROM request WHERE state = 'pending' GROUP BY lane") == [
        {"lane": "live", "n": 3}
    ]
    assert state_of(job) == "running"


def test_what_cannot_be_sent_again_is_not_offered_to_be() -> None:
    job = made.job("completed")
    made.requests(job, "failed", 1, error_code="document_too_long")
    at = press(show("job", id=job), "Send again")
    assert "Nothing of **“Made”** can be sent again" in words(at)
    assert not [label for label in buttons(at) if label.startswith("Send 0")]


def test_deleting_asks_says_what_stays_and_removes() -> None:
    job = made.job("completed")
    made.requests(job, "succeeded", 2)
    made.batch(job, "completed")
    made.usage(job, cost_usd=Decimal("1.5"))
    at = press(show("job", id=job), "Delete")
    assert "Removed: 2 requests, 0 answers, 1 provider batch" in words(at)
    assert "$1\\.50 stays in the costs" in words(at)
    assert rows("SELECT 1 FROM job")
    press(at, "Delete")
    assert not rows("SELECT 1 FROM job")
    assert len(rows("SELECT 1 FROM usage_record")) == 1


def test_a_job_gets_another_name() -> None:
    job = made.job("completed")
    at = press(show("job", id=job), "Rename")
    at.text_input(key="new_name").set_value("Weekly notes, November")
    at.text_area(key="new_description").set_value("For the board.")
    at = press(at, "Save")
    assert rows("SELECT name, description FROM job") == [
        {"name": "Weekly notes, November", "description": "For the board."}
    ]
    text = words(show("job", id=job))
    assert "Weekly notes, November" in text
    assert "For the board" in text


@pytest.fixture
def canary() -> str:
    """Three were asked live and took 1,500 tokens in, where 1,000 were expected, and 900 out; five are held."""
    job = made.job("paused", canary=3, started_at=now())
    made.requests(job, "held", 5)
    made.requests(job, "succeeded", 3, lane="live")
    for row in rows("SELECT id FROM request WHERE state = 'succeeded'"):
        made.usage(
            job,
            request_id=row["id"],
            attempt=1,
            lane="live",
            input_tokens=1_500,
            output_tokens=900,
            cost_usd="0.002175",
        )
    return job


def test_a_canary_shows_what_it_cost_and_what_the_rest_will(canary: str) -> None:
    at = show("job", id=canary)
    text = words(at)
    assert "3 requests went first, live, and cost **\\$0\\.0065**" in text
    # 5 x (1,500 in at 0.125 and 900 out at 1 USD per million, the batch rates)
    assert "**5 requests**, would go in the batch lane for about **\\$0\\.0034**, going by these" in text
    assert {"Release 5 requests", "Cancel the rest"} <= buttons(at)
    assert "Resume" not in buttons(at)


def test_the_overview_asks_for_the_decision(canary: str) -> None:
    made.job("paused", name="Paused by hand")
    text = words(show("overview"))
    assert "Made: its canary is through" in text.replace("\\", "")
    assert "Paused by hand: its canary" not in text


def test_a_canary_is_released(canary: str) -> None:
    press(show("job", id=canary), "Release 5 requests")
    assert state_of(canary) == "running"
    assert len(rows("SELECT 1 FROM request WHERE state = 'pending'")) == 5


def test_a_canarys_rest_is_dropped_after_a_question(canary: str) -> None:
    at = press(show("job", id=canary), "Cancel the rest")
    assert "Not sent any more: 5 requests" in words(at)
    press(at, "Cancel job")
    assert state_of(canary) == "cancelled"
    assert len(rows("SELECT 1 FROM request WHERE state = 'succeeded'")) == 3


def test_a_canary_whose_answers_were_known_leaves_the_estimate() -> None:
    job = made.job("paused", canary=1, estimate_usd=Decimal("0.75"))
    made.requests(job, "held", 5)
    made.requests(job, "succeeded", 1, reused=True)
    assert "about **\\$0\\.75**, as estimated before" in words(show("job", id=job))


def test_a_live_job_shows_its_answers() -> None:
    run_job(job := make_job([add_document()]))
    at = show("job", id=job)
    assert metrics(at)["Answered"] == "1"
    assert {"Insights", "Rename", "Delete"} <= buttons(at)
    assert "report" in words(at)


def test_an_answers_quotes_lead_to_where_they_stand(openai: LocalProvider) -> None:
    document = add_document()
    found = [
        ("It stands there.", "Repairs took nine days"),
        ("It does not.", "Nothing of this kind is written anywhere"),
    ]
    points = [{"statement": statement, "quote": quote} for statement, quote in found]
    openai.plan = lambda asked: Reply(json.dumps({"points": points}))
    run_job(job := make_job([document], provider="openai", model="gpt-5-mini"))
    start = TEXT.index("Repairs took nine days")
    told = "\n".join(one.value for one in show("job", id=job).markdown).replace("\\_", "_")
    place = f"document?id={document}&start={start}&end={start + len('Repairs took nine days')}"
    assert f"- It stands there\\. [in its document]({place})" in told
    assert "- It does not\\. :orange[:material/help: quote not found]" in told
    answer = {"answer": "Nine days.", "found": True, "quotes": ["Repairs took nine days"]}
    openai.plan = lambda asked: Reply(json.dumps(answer))
    asked = make_job([document], "qa", provider="openai", model="gpt-5-mini", params={"question": "How long?"})
    run_job(asked)
    told = "\n".join(one.value for one in show("job", id=asked).markdown).replace("\\_", "_")
    assert f"[in its document]({place})" in told
    assert "**Found:** yes" in told


def test_a_job_that_is_gone_says_so() -> None:
    assert "may have been deleted" in words(show("job", id="job_gone"))


def test_what_the_machine_leaves_is_what_the_page_reads(batch_server: BatchProvider) -> None:
    plans = {"doc_0000": Line(not_json=True), "doc_0001": Line(missing=True), "doc_0002": Line(outcome="expired")}

    def plan(asked: AskedLine) -> Line:
        return next((line for name, line in plans.items() if name in asked.document), Line())

    batch_server.line_plan = plan
    job = make_job(ready_documents(6), "summarize", provider="openai", model="gpt-5-mini", lane="batch")
    run_batches(job)
    at = show("job", id=job, tab="Provider batches")
    assert not at.exception
    grid = at.dataframe[0].value
    assert list(grid["What became of it"]) == [
        "0 answered, 2 failed, 2 without a line, 1 odd line",
        "0 answered, 2 sent again, 2 without a line, 1 odd line",
        "3 answered, 1 failed, 2 sent again, 2 without a line, 1 odd line",
    ]
    text = words(at)
    assert "3 answered · 3 failed" in text
    assert "tokens more than what its lines account for" in text


def test_a_completed_job_with_failures_does_not_look_like_a_success() -> None:
    some = made.job("completed", name="Some")
    made.requests(some, "succeeded", 2)
    made.requests(some, "failed", 3)
    every = made.job("completed", name="All")
    made.requests(every, "failed", 1)
    assert ":orange-badge[completed, 3 failed]" in words(show("job", id=some))
    assert ":red-badge[completed, 1 failed]" in words(show("job", id=every))
    assert [list(state) for state in show("jobs").dataframe[0].value["State"]] == [["all failed"], ["some failed"]]


def test_documents_that_were_left_out_stand_at_the_top() -> None:
    add_document()
    upload.add("scan.pdf", io.BytesIO(b"%PDF-1.4 broken"), "default")
    broken = [row["id"] for row in rows("SELECT id FROM document WHERE name = 'scan.pdf'")]
    extract.extract_document(broken[0], worker_lease.register("test"), threading.Event())
    job = make_job([row["id"] for row in rows("SELECT id FROM document")])
    run_job(job)
    at = show("job", id=job)
    assert "1 of 2 documents was left out: it could not be read." in words(at)
    assert links(at)["Show"] == "documents?state=failed"


def test_all_answers_can_be_turned_through() -> None:
    run_job(
        job := make_job([add_document(f"The pump in hall {number} failed.", f"{number}.txt") for number in range(12)])
    )
    at = show("job", id=job)
    first = set(links(at))
    at = press(at, "Next page")
    assert len(set(links(at)) - first) == 2
    assert "Next page" not in buttons(at)
    assert set(links(press(at, "Previous page"))) == first


def test_where_no_answer_comes_any_more_it_does_not_say_not_yet() -> None:
    going, ended = made.job("running"), made.job("completed")
    made.requests(ended, "failed", 1)
    assert "No answers yet." in words(show("job", id=going))
    assert "No request was answered." in words(show("job", id=ended))


def test_failures_of_one_document_are_counted_as_one_document() -> None:
    job = made.job("completed")
    document = add_document(name="long.pdf")
    made.requests(job, "failed", 2, document_id=document, error_code="context_too_long", error_message="Too long.")
    made.requests(job, "failed", 1, document_id=document, error_code="part_failed", error_message="Part 1 failed: no.")
    at = show("job", id=job)
    assert "Failed 3 of 1 document" in words(at)
    assert "**2 requests of 1 document failed.** Too long\\. It is long\\.pdf\\." in words(at)
    at = press(at, "Send again")
    assert "2 requests too long for the model: long\\.pdf" in words(at)


def test_a_click_shows_a_batch_and_it_stays_shown() -> None:
    job = made.job("running")
    first = made.batch(job, "completed", provider_batch_id="batch_first", ended_at=now())
    second = made.batch(job, "in_progress", provider_batch_id="batch_second", submitted_at=now(), next_at=now())
    at = show("job", id=job, tab="Provider batches")
    assert not at.code
    key = widgets.rows_key("batches", batches_report.provider_batches(job).items)
    at.session_state[key] = {"selection": {"rows": [], "columns": [], "cells": [(1, "State")]}}
    assert [code.value for code in at.run().code] == [first, "batch_first"]
    assert [code.value for code in at.run().code] == [first, "batch_first"]
    assert second != first
