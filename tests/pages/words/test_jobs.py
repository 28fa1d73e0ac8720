"""What the page says of a job's and a batch's state, without a page and without a database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.batch.report import BatchSummary, Beyond, Group, InFlight
from core.jobs.batches_report import ProviderBatchRow
from core.jobs.report import JobRow
from core.jobs.requests_report import FailureRow
from core.tables.jobs import WaitsFor
from pages.words import batches, jobs

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
EARLIER = NOW - timedelta(hours=3, minutes=20)
IDLE = InFlight(0, 0, Decimal(0))


def job(state: str = "running", **fields: Any) -> JobRow:
    values: dict[str, Any] = dict.fromkeys(JobRow.__dataclass_fields__)
    counts = (
        "pending",
        "held",
        "unread",
        "in_flight",
        "answered",
        "done_there",
        "succeeded",
        "failed",
        "cancelled",
        "reused",
    )
    values |= dict.fromkeys((*counts, "canary", "unpriced"), 0)
    values |= {"state": state, "provider": "openai", "lane": "batch", "created_at": NOW, "former": [], **fields}
    return JobRow(**values)


MODEL = "gpt-5-mini"
NOT_SET_UP = WaitsFor("not_set_up", "openai", MODEL)
UNUSABLE_KEY = replace(NOT_SET_UP, unusable_key=True)
OPEN = WaitsFor("breaker", "openai", MODEL, until=NOW + timedelta(seconds=9), failures=3)
FULL = WaitsFor("rate_limit", "openai", MODEL, until=NOW + timedelta(seconds=12))


def queue(until: datetime) -> WaitsFor:
    return WaitsFor("provider_queue", "openai", MODEL, until=until)


def standing(
    used: InFlight = IDLE, *, twins: bool = False, trouble: str | None = None, **groups: Group
) -> BatchSummary:
    return BatchSummary(groups, used, twins, trouble)


def told(row: JobRow, where: BatchSummary | None = None) -> str:
    return " ".join(jobs.meaning(row, where or standing(), NOW))


def group(requests: int = 10, done: int = 0) -> Group:
    return Group(1, requests, done, EARLIER)


@pytest.mark.parametrize(
    ("row", "where", "says"),
    [
        (job("draft"), standing(), "Not started"),
        (job("queued"), standing(), "Health page"),
        (job("failed", error="The template is gone."), standing(), "The template is gone."),
        (job("cancelled"), standing(), "had been answered is kept"),
        (job("completed", succeeded=3), standing(), "Every request has ended"),
        (job("completed"), standing(), "none of its documents could be read"),
        (job("paused"), standing(), "until it is resumed"),
        (job("paused", canary=3, held=5, pending=5), standing(), "release the rest or drop it"),
        (job(canary=3, held=5, pending=5), standing(), "The canary goes first, live: 3 requests"),
        (job(unread=4, pending=4), standing(), "Still being read: 4 documents"),
        (job(in_flight=2), standing(), "Being answered now, live: 2 requests"),
        (job(in_flight=2, answered=2), standing(), "being made into results: 2 answers"),
        (job(in_flight=10), standing(preparing=group()), "10 requests in 1 batch: being handed over to OpenAI"),
        (job(in_flight=10), standing(settling=group()), "being settled. Whether OpenAI has it is not known"),
        (job(in_flight=10), standing(in_progress=group()), "10 requests in 1 batch at OpenAI since 3 h 20 min."),
        (job(in_flight=10), standing(in_progress=group(10, 4)), "since 3 h 20 min, 4 of them done"),
        (job(in_flight=10), standing(ended=group()), "results are being fetched"),
        (
            job(in_flight=10),
            standing(trouble="No room on the disk.", ended=group()),
            "tried again by itself. No room on",
        ),
        (
            job(provider="anthropic", in_flight=10),
            standing(in_progress=group()),
            "Anthropic reports progress only when a batch ends",
        ),
        (job("cancelling", in_flight=10), standing(in_progress=group()), "OpenAI may take ten minutes"),
        (
            job(pending=7, waits_for=queue(NOW + timedelta(minutes=4))),
            standing(),
            "queue is full. What is left",
        ),
        (job(pending=7, waits_for=queue(NOW + timedelta(minutes=4))), standing(), "again in 4 min: 7 requests"),
        (job(pending=7, waits_for=queue(NOW)), standing(), "queue is full. What is left goes out again any moment now"),
        (job(pending=7), standing(twins=True), "7 requests duplicate others in progress"),
        (
            job(pending=7, waits_for=WaitsFor("own_caps", "openai", MODEL)),
            standing(InFlight(50, 9, Decimal(2))),
            "room at OpenAI: 7 requests. In flight there now: 50 of",
        ),
        (job(pending=7), standing(), "Waiting to be sent: 7 requests"),
        (job(pending=7, waits_for=NOT_SET_UP), standing(), "In the jobs process, openai is not set up: set its key"),
        (job(pending=7, waits_for=UNUSABLE_KEY), standing(), "the key of openai that was set cannot be used"),
        (
            job(waits_for=OPEN),
            standing(),
            "did not answer 3 times in a row; it is tried again in 9 s.",
        ),
        (job(waits_for=replace(OPEN, probing=True)), standing(), "one call is trying it right now"),
        (
            job(waits_for=replace(OPEN, by_hand=True)),
            standing(),
            "requests are on hold: openai/gpt-5-mini was stopped",
        ),
        (job(waits_for=FULL), standing(), "Waits for the rate limit of openai/gpt-5-mini: goes on in 12 s."),
        (job(deadline=NOW + timedelta(hours=2)), standing(), "Its deadline is in 2 h"),
        (job(deadline=EARLIER), standing(), "deadline has passed 3 h ago"),
    ],
)
def test_a_job_says_what_it_waits_for(row: JobRow, where: BatchSummary, says: str) -> None:
    assert says in told(row, where)


def test_what_is_at_a_provider_is_not_called_live() -> None:
    assert "live" not in told(job(in_flight=10), standing(in_progress=group()))
    assert "live: 2 requests" in told(job(in_flight=12), standing(in_progress=group()))


def test_a_batch_that_has_ended_is_not_under_way() -> None:
    assert told(job("paused"), standing(completed=group(), expired=group(), absent=group())).count(".") == 2


def test_all_that_waits_is_accounted_for() -> None:
    said = told(job(pending=4, held=2, in_flight=28), standing(in_progress=Group(2, 28, 5, EARLIER)))
    assert "28 requests in 2 batches at OpenAI" in said
    assert "Waiting to be sent: 2 requests." in said
    assert "2 requests put the answers to the parts of long documents together" in said
    assert "together" not in told(job(pending=4, held=2, canary=2))


def test_the_expiry_of_batches_stands_with_the_state() -> None:
    assert "It expires in 20 h 40 min if unfinished." in told(job(), standing(in_progress=Group(1, 9, 0, EARLIER)))
    assert "The first of them expires in" in told(job(), standing(in_progress=Group(2, 9, 0, EARLIER)))
    assert "expires" not in told(job(provider="offline"), standing(in_progress=Group(1, 9, 0, EARLIER)))


@pytest.mark.parametrize(
    ("row", "failed", "cause"),
    [
        (FailureRow("code_x", "Bad.", 3, 1, "a.pdf"), "3 requests of 1 document failed.", "Bad. It is a.pdf."),
        (FailureRow("code_x", "Bad.", 3, 3, "a.pdf"), "3 failed.", "Bad. For example: a.pdf."),
        (FailureRow("code_x", "", 1, 0, None), "1 failed.", "code x."),
        (FailureRow("part_failed", "Part 1 failed: x", 1, 1, "a.pdf"), "1 failed.", f"{jobs.PART_FAILED} It is a.pdf."),
    ],
)
def test_failures_of_one_document_are_told_as_such(row: FailureRow, failed: str, cause: str) -> None:
    assert (jobs.failed(row), jobs.cause(row)) == (failed, cause)


def test_what_waits_for_the_provider_says_so_once() -> None:
    said = told(job(pending=7, waits_for=NOT_SET_UP))
    assert "Waiting" not in said
    assert "That holds back 7 requests." in said
    assert "room" not in told(
        job(pending=7, waits_for=queue(NOW + timedelta(minutes=1))), standing(InFlight(9, 9, Decimal(9)))
    )


@pytest.mark.parametrize(
    ("leftovers", "says"),
    [
        (None, "twice. What expires or is cancelled there waits for you"),
        ({"retries": 3, "then_live": False}, "by itself up to 3 times."),
        ({"retries": 1, "then_live": True}, "up to 1 time, then live at full price"),
        ({"retries": 0, "then_live": True}, "not as a batch, but live at full price"),
        ({"retries": 0, "then_live": False}, "Nothing goes out again by itself"),
    ],
)
def test_what_happens_to_leftovers(leftovers: dict[str, Any] | None, says: str) -> None:
    assert says in jobs.leftovers(job(leftovers=leftovers))


def batch(state: str = "in_progress", **fields: Any) -> ProviderBatchRow:
    values: dict[str, Any] = dict.fromkeys(ProviderBatchRow.__dataclass_fields__)
    values |= {"provider": "openai", "requests": 10, "tries": 0, "cancel_requested": False, "state": state, **fields}
    return ProviderBatchRow(**values)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (batch("preparing"), "being written and handed over to OpenAI"),
        (batch("submitting"), "creation is on its way to OpenAI"),
        (batch("settling"), "no answer came: it may be there or not"),
        (batch("settling", absent_since=NOW - timedelta(minutes=5)), "counts as never arrived in 10 min"),
        (batch(submitted_at=EARLIER), "3 h 20 min ago. Expires in 20 h 40 min if unfinished"),
        (batch(provider="offline", submitted_at=EARLIER), "It is at the offline engine."),
        (batch("ended"), "results are being fetched"),
        (batch("completed"), "results are kept"),
        (batch("expired"), "did not finish it within 24 hours"),
        (batch("cancelled"), "was cancelled"),
        (batch("failed"), "nothing ran, and nothing is billed"),
        (batch("absent"), "never arrived"),
        (batch(submitted_at=EARLIER, next_at=NOW + timedelta(minutes=2)), "looked at again in 2 min"),
        (batch(submitted_at=EARLIER, next_at=NOW, tries=3), "The last try failed, 3 in a row so far"),
    ],
)
def test_a_batch_says_where_it_is(row: ProviderBatchRow, says: str) -> None:
    assert says in batches.meaning(row, NOW)


@pytest.mark.parametrize(
    ("row", "done", "elapsed"),
    [
        (batch("preparing"), "", ""),
        (batch(submitted_at=EARLIER, done=4), "4 of 10", "3 h 20 min so far"),
        (batch(provider="anthropic", submitted_at=EARLIER), "not told", "3 h 20 min so far"),
        (batch("completed", submitted_at=EARLIER, ended_at=NOW, counts={"answered": 10}), "10 of 10", "3 h 20 min"),
        (batch("failed", submitted_at=EARLIER, ended_at=NOW), "", "3 h 20 min"),
    ],
)
def test_progress_is_told_where_the_provider_tells_it(row: ProviderBatchRow, done: str, elapsed: str) -> None:
    assert (batches.done(row), batches.elapsed(row, NOW)) == (done, elapsed)


def test_the_providers_own_word_is_added() -> None:
    assert batches.state(batch(provider_state="validating")) == "in progress: validating"
    assert batches.state(batch(provider_state="in_progress")) == "in progress"
    assert batches.state(batch(cancel_requested=True)) == "being cancelled"


def test_what_became_of_a_batch() -> None:
    counts = {"answered": 5, "failed": 1, "again": 2, "cancelled": 0, "missing": 1, "odd": {"unreadable": 1}}
    assert batches.outcome(counts) == "5 answered, 1 failed, 2 sent again, 1 without a line, 1 odd line"
    assert batches.outcome(None) == ""


def test_usage_without_an_answer_is_accounted_for() -> None:
    said = jobs.accounted(Beyond("unattributed", 1, 4290, Decimal("0.5")))
    assert "4,290 tokens more than what its lines account for" in said
    assert "$0.50" in said
    assert "2 live calls" in jobs.accounted(Beyond("unheard", 2, 10, None))
