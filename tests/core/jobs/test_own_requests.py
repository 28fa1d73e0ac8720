"""Requests of one's own: what is refused and why, what is stored, and what comes of it at the providers."""

import json
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from core.calls import clients
from core.errors import Conflict, InvalidInput, NotFound
from core.jobs import control, deletion, launch, output, own_requests
from core.jobs.launch import JobSpec
from core.jobs.own_requests import BadLines, Terms
from core.money import pricing
from core.runtime import db
from tests.batch_provider import BatchProvider, Line, Used
from tests.pipeline import make_job, ready_documents, rows, run_batches, run_job, states

CHAT, RESPONSES, EMBEDDINGS = "/v1/chat/completions", "/v1/responses", "/v1/embeddings"
MODELS = {"openai": "gpt-5-mini", "anthropic": "claude-haiku-4-5"}
NOW = datetime(2026, 11, 1, tzinfo=UTC)
ABSENT = object()
pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def _providers(setting: Any) -> None:
    setting(OPENAI_API_KEY="test", ANTHROPIC_API_KEY="test")


def own_job(provider: str = "openai", **spec: Any) -> str:
    chosen = JobSpec(template=None, provider=provider, **{"model": MODELS[provider], "lane": "batch", **spec})
    return launch.create(chosen, NOW, start=False)


def asking(text: str = "Hello.", **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}], **more}


def line(custom_id: Any = "a", body: Any = None, **more: Any) -> bytes:
    """A good line, in which `more` stands for what is there, or is left out where it is ABSENT."""
    whole = {"method": "POST", "url": CHAT, "body": asking() if body is None else body, **more}
    whole["custom_id"] = custom_id
    return json.dumps({name: value for name, value in whole.items() if value is not ABSENT}).encode() + b"\n"


def message(custom_id: str = "a", **body: Any) -> bytes:
    """A line as small as Anthropic's may be."""
    return json.dumps({"custom_id": custom_id, "body": asking(**{"max_tokens": 100, **body})}).encode()


def add(job: str, *lines: bytes) -> int:
    return own_requests.add(job, lines, NOW)


def refused(job: str, *lines: bytes) -> BadLines:
    with pytest.raises(BadLines) as caught:
        add(job, *lines)
    return caught.value


def stored(job: str) -> list[dict[str, Any]]:
    sql = """SELECT r.*, CAST(b.body AS text) AS body FROM request r JOIN request_body b ON b.request_id = r.id
             WHERE r.job_id = :job ORDER BY r.id"""
    return rows(sql, job=job)


def test_a_file_becomes_requests_in_its_order() -> None:
    job = own_job()
    said = asking("Grüße\nan alle", temperature=0.5)
    vectors = {"model": "text-embedding-3-small", "input": ["one", "two"]}
    added = add(job, b"\xef\xbb\xbf" + line("b", said), b"\r\n", line("a", vectors, url=EMBEDDINGS))
    assert added == 2
    first, second = stored(job)
    assert [r["custom_id"] for r in (first, second)] == ["b", "a"]
    assert json.loads(first["body"]) == {**said, "model": "gpt-5-mini"}
    assert "\n" not in first["body"]
    assert first["body_bytes"] == len(first["body"].encode())
    assert (first["model"], first["endpoint"]) == ("gpt-5-mini", CHAT)
    assert (second["model"], second["endpoint"]) == ("text-embedding-3-small", EMBEDDINGS)
    assert (first["lane"], first["state"], first["document_id"]) == ("batch", "pending", None)
    (event,) = rows("SELECT message FROM job_event WHERE job_id = :job AND kind = 'requests_added'", job=job)
    assert event["message"] == "2 requests were added."
    assert rows("SELECT state FROM job") == [{"state": "draft"}]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"{", "not JSON"),
        (b'{"custom_id": "\xff"}', "not JSON"),
        (b"[1]", "not a JSON object"),
        (line(ABSENT), "custom_id is missing"),
        (line(7), "custom_id must be a text"),
        (line(""), "custom_id must be a text of 1 to 200"),
        (line("x" * 201), "custom_id must be a text of 1 to 200"),
        (line("a\0b"), "custom_id must be a text"),
        (line(method="GET"), "method must be POST"),
        (line(method=ABSENT), "method must be POST"),
        (line(url="/v1/completions"), "url must be /v1/chat/completions or /v1/responses or /v1/embeddings"),
        (line(url=ABSENT), "url must be"),
        (line(url=["/v1/embeddings"]), "url must be"),
        (line(body="text"), "body must be a JSON object"),
        (line(body=ABSENT), "body must be a JSON object"),
        (line(body=asking(model=3)), "model must be a text"),
        (line(body=asking(model=" ")), "model must be a text"),
        (line(body=asking(stream=True)), "stream must not be true"),
        (line(body={"messages": json.loads("[" * 300 + "]" * 300)}), "nested too deeply"),
    ],
)
def test_a_bad_line_is_refused_with_its_number_and_reason(bad: bytes, reason: str) -> None:
    job = own_job()
    error = refused(job, line("one"), b"\n", bad, line("last"))
    (found,) = error.lines
    assert (found.number, error.more) == (3, 0)
    assert reason in found.reason
    assert f"Line 3: {found.reason}" in error.message
    assert error.detail == [{"line": 3, "message": found.reason}]
    assert stored(job) == []
    assert rows("SELECT 1 FROM job_event WHERE kind = 'requests_added'") == []


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (message(max_tokens=0), "max_tokens must be"),
        (message(max_tokens=None), "max_tokens must be"),
        (message(max_tokens=True), "max_tokens must be"),
        (line(body=asking(max_tokens=5)), "url must be /v1/messages."),
        (message(stream=True), "stream"),
    ],
)
def test_a_line_for_anthropic_is_refused(bad: bytes, reason: str) -> None:
    (found,) = refused(own_job("anthropic"), message("one"), bad).lines
    assert found.number == 2
    assert reason in found.reason


def test_a_line_for_anthropic_may_leave_out_method_and_url() -> None:
    job = own_job("anthropic")
    whole = json.loads(message("b")) | {"method": "POST", "url": "/v1/messages"}
    assert add(job, message("a"), json.dumps(whole).encode()) == 2
    assert [row["endpoint"] for row in stored(job)] == ["/v1/messages"] * 2
    assert [row["fingerprint"] for row in stored(job)] == [stored(job)[0]["fingerprint"]] * 2


def test_a_custom_id_stands_once_in_its_job() -> None:
    job, other = own_job(), own_job()
    add(job, line("known"))
    error = refused(job, line("a"), line("b"), line("a"), line("known"), line("a"))
    assert [(found.number, found.reason) for found in error.lines] == [
        (3, "The custom_id 'a' stands in line 1 already."),
        (4, "The custom_id 'known' is in this job already."),
        (5, "The custom_id 'a' stands in line 1 already."),
    ]
    assert len(stored(job)) == 1
    assert add(other, line("known")) == 1


def test_the_first_twenty_bad_lines_are_told_and_how_many_more() -> None:
    twice = [line("same") for _ in range(25)]
    broken = [b"{" for _ in range(25)]
    mixed = [one for pair in zip(twice, broken, strict=True) for one in pair]
    error = refused(own_job(), *mixed)
    assert [found.number for found in error.lines] == list(range(2, 22))
    assert error.more == 29
    assert error.message.endswith("And 29 more.")
    assert "same" in error.lines[1].reason


@pytest.mark.parametrize("lines", [[], [b"\n", b" \r\n"]])
def test_an_empty_file_is_refused(lines: list[bytes]) -> None:
    with pytest.raises(InvalidInput, match="no request in it"):
        add(own_job(), *lines)


def test_what_no_batch_could_take_is_refused() -> None:
    size = len(json.dumps(asking("x", model="m"), separators=(",", ":")))
    terms = Terms(clients.provider("openai"), "", "m", size, None, None)
    assert len(own_requests.read(line("a", asking("x")), terms).body) == size
    with pytest.raises(ValueError, match="larger than one batch may be"):
        own_requests.read(line("a", asking("xx")), terms)


def test_only_a_draft_without_a_template_takes_requests() -> None:
    job = own_job()
    add(job, line("a"))
    launch.start(job)
    with pytest.raises(Conflict, match="queued"):
        add(job, line("b"))
    with pytest.raises(Conflict, match="template"):
        add(make_job(ready_documents(1)), line("b"))
    with pytest.raises(NotFound):
        add("job_gone", line("b"))


def test_equal_requests_have_one_fingerprint_whatever_the_order_of_their_keys(setting: Any) -> None:
    def prints(job: str) -> list[str]:
        return [row["fingerprint"] for row in stored(job)]

    job = own_job()
    turned = {"temperature": 0, **asking()}
    explicit = asking(temperature=0, model="gpt-5-mini")
    add(job, line("a", asking(temperature=0)), line("b", turned), line("c", explicit))
    assert len(set(prints(job))) == 1
    others = own_job()
    add(
        others,
        line("a", asking(temperature=1)),
        line("b", {**explicit, "model": "gpt-5"}),
        line("c", explicit, url=RESPONSES),
    )
    assert len({*prints(others), *prints(job)}) == 4
    setting(OPENAI_BASE_URL="http://elsewhere/v1")
    elsewhere = own_job()
    add(elsewhere, line("a", explicit))
    assert prints(elsewhere)[0] not in prints(job)


def test_tokens_are_guessed_from_texts_alone() -> None:
    job = own_job()
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 100_000}}
    parts = [{"type": "text", "text": "x" * 4000}, image]
    add(
        job,
        line("a", asking("x" * 4000)),
        line("b", {"messages": [{"role": "user", "content": parts}]}),
        line("c", {"input": [[1, 2, 3], [4]]}, url=EMBEDDINGS),
    )
    text, with_image, tokens = (row["input_tokens"] for row in stored(job))
    assert 1000 <= text <= 1010
    assert 2000 <= with_image <= 2020
    assert tokens == 4


def test_the_estimate_is_that_of_the_jobs_lane() -> None:
    job = own_job()
    add(job, line("a", asking("x" * 4000)), line("b", asking("y" * 4000)))
    price = pricing.estimate("openai", "gpt-5-mini", 1001, 500, "batch", NOW).cost
    assert price
    assert rows("SELECT estimate_usd FROM job") == [{"estimate_usd": 2 * price}]
    add(job, line("c", {"input": "x" * 4000, "model": "text-embedding-3-small"}, url=EMBEDDINGS))
    vector = pricing.estimate("openai", "text-embedding-3-small", 1000, 0, "batch", NOW).cost
    found = own_requests.forecast(job, NOW)
    assert vector
    assert (found.requests, found.reused, found.output_tokens) == (3, 0, 1000)
    assert found.cost_batch == 2 * price + vector == rows("SELECT estimate_usd FROM job")[0]["estimate_usd"]
    full = pricing.estimate("openai", "text-embedding-3-small", 1000, 0, "live", NOW).cost
    assert full
    assert found.cost_live == 4 * price + full


def test_what_is_asked_twice_is_free() -> None:
    job = own_job()
    add(job, line("a"), line("b"))
    alone = own_job(reuse=False)
    add(alone, line("a"), line("b"))
    once, both = own_requests.forecast(job, NOW), own_requests.forecast(alone, NOW)
    assert (once.requests, once.reused, both.reused) == (2, 1, 0)
    assert once.cost_live
    assert both.cost_live == 2 * once.cost_live


def test_a_model_without_a_price_has_no_estimate() -> None:
    job = own_job()
    add(job, line("a"), line("b", asking(model="our-own-model")))
    assert own_requests.forecast(job, NOW).cost_batch is None
    assert rows("SELECT estimate_usd FROM job") == [{"estimate_usd": None}]


def test_memory_does_not_grow_with_the_file() -> None:
    text = "x" * 4000

    def file() -> Iterator[bytes]:
        for number in range(10_000):
            yield line(str(number), asking(f"{number} {text}"))

    job = own_job()
    tracemalloc.start()
    try:
        own_requests.add(job, file(), NOW)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 4_000_000
    assert rows("SELECT count(*) AS n FROM request_body") == [{"n": 10_000}]


def test_the_list_form_numbers_requests_and_needs_no_url() -> None:
    job = own_job()
    own_requests.add_requests(job, [json.dumps({"custom_id": "a", "body": asking()}).encode()], NOW)
    assert stored(job)[0]["endpoint"] == CHAT
    with pytest.raises(BadLines, match="Request 2: The custom_id 'a' is in this job already"):
        own_requests.add_requests(job, [line("b"), line("a")], NOW)


def finish(job: str) -> None:
    launch.start(job)
    run_batches(job)


def output_lines(job: str) -> dict[str, dict[str, Any]]:
    found = [json.loads(one) for page in output.lines(job) for one in page.splitlines()]
    return {one["custom_id"]: one for one in found}


@pytest.mark.parametrize("lane", ["live", "batch"])
def test_every_endpoint_of_openai_is_asked_and_answered(lane: str, batch_server: BatchProvider) -> None:
    job = own_job(lane=lane)
    add(
        job,
        line("chat", asking("One.")),
        line("other model", asking("Two.", model="gpt-5")),
        line("answer", {"input": "Three."}, url=RESPONSES),
        line("vectors", {"input": ["Four.", "Five."], "model": "text-embedding-3-small"}, url=EMBEDDINGS),
    )
    finish(job)
    assert states(job) == {"succeeded": 4}
    bodies = {name: one["response"]["body"] for name, one in output_lines(job).items()}
    assert bodies["chat"]["choices"][0]["message"]["content"] == "An answer."
    assert bodies["other model"]["model"] == "gpt-5"
    assert bodies["answer"]["output"][0]["content"][0]["text"] == "An answer."
    assert len(bodies["vectors"]["data"]) == 2
    # One batch for each endpoint and model, none for what went live.
    sent = rows("SELECT endpoint, model, requests FROM provider_batch ORDER BY id")
    assert len(sent) == len({(row["endpoint"], row["model"]) for row in sent}) == (4 if lane == "batch" else 0)
    assert rows("SELECT DISTINCT lane, status, priced FROM usage_record") == [
        {"lane": lane, "status": "ok", "priced": True}
    ]


def test_a_batch_of_embeddings_holds_no_more_texts_than_openai_takes(batch_server: BatchProvider) -> None:
    """A list of texts holds many, one of lists of tokens, too; a list of tokens is one text."""
    many = 20_000
    given: list[Any] = [["A text."] * many, [[1, 2, 3]] * many, [7] * many, "One.", ["Another."] * many]
    job = own_job(model="text-embedding-3-small")
    add(job, *(line(str(number), {"input": one}, url=EMBEDDINGS) for number, one in enumerate(given)))
    finish(job)
    assert [row["requests"] for row in rows("SELECT requests FROM provider_batch ORDER BY id")] == [4, 1]
    assert states(job) == {"succeeded": 5}


@pytest.mark.parametrize("lane", ["live", "batch"])
def test_messages_of_several_models_go_to_anthropic(lane: str, batch_server: BatchProvider) -> None:
    job = own_job("anthropic", lane=lane)
    add(job, message("a"), message("b", model="claude-sonnet-4-5"))
    finish(job)
    assert states(job) == {"succeeded": 2}
    bodies = {name: one["response"]["body"] for name, one in output_lines(job).items()}
    assert (bodies["a"]["model"], bodies["b"]["model"]) == ("claude-haiku-4-5", "claude-sonnet-4-5")
    assert bodies["a"]["content"] == [{"type": "text", "text": "An answer."}]
    assert batch_server.creates == (1 if lane == "batch" else 0)


def test_what_the_provider_gets_is_what_was_handed_in(batch_server: BatchProvider) -> None:
    body = {**asking("Grüße\u2028an\nalle"), "metadata": {"k": "\0\x01"}, "seed": 9007199254740993, "model": "gpt-5"}
    asked: list[dict[str, Any]] = []
    batch_server.line_plan = lambda given: asked.append(given.body) or Line()
    job = own_job()
    add(job, line("odd", body))
    finish(job)
    assert asked == [body]


def test_a_caller_s_ids_never_leave_the_house(batch_server: BatchProvider) -> None:
    """They may be longer than a provider takes, hold anything, and come twice in two jobs of one provider."""
    ids: list[str] = []
    batch_server.line_plan = lambda given: ids.append(given.custom_id) or Line()
    name = 'ü" \\ \n' + "x" * 100
    job = own_job()
    add(job, line(name))
    finish(job)
    assert list(output_lines(job)) == [name]
    assert name not in ids[0]


def test_equal_requests_are_asked_once_unless_the_job_says_otherwise(batch_server: BatchProvider) -> None:
    job, alone = own_job(), own_job(reuse=False)
    for one in (job, alone):
        add(one, line("a"), line("b"))
        finish(one)
        assert states(one) == {"succeeded": 2}
    assert len(batch_server.bill) == 3
    add(again := own_job(), line("c"), line("d", asking("Another.")))
    assert own_requests.forecast(again, NOW).reused == 1
    first, second = output_lines(job).values()
    assert first["response"]["body"] == second["response"]["body"]


def test_the_canary_of_own_requests_goes_first_and_live(batch_server: BatchProvider) -> None:
    job = own_job(canary=1)
    add(job, line("a", asking("One.")), line("b", asking("Two.")))
    launch.start(job)
    run_batches(job, rounds=5)
    assert states(job) == {"succeeded": 1, "held": 1}
    assert rows("SELECT state FROM job") == [{"state": "paused"}]
    control.resume(job)
    run_batches(job)
    assert rows("SELECT custom_id, lane, state FROM request ORDER BY id") == [
        {"custom_id": "a", "lane": "live", "state": "succeeded"},
        {"custom_id": "b", "lane": "batch", "state": "succeeded"},
    ]


def test_the_output_has_a_line_for_all_that_ended(batch_server: BatchProvider) -> None:
    batch_server.line_plan = lambda asked: {
        "Cut.": Line(finish="length", content="Cut"),
        "Bad.": Line(status=400, message="No such parameter."),
    }.get(asked.document, Line(used=Used(100, output=10)))
    job = own_job()
    add(job, *(line(text, asking(text)) for text in ("Good.", "Cut.", "Bad.")))
    finish(job)
    found = output_lines(job)
    assert set(found["Good."]) == {"id", "custom_id", "response", "error"}
    assert (found["Good."]["response"]["status_code"], found["Good."]["error"]) == (200, None)
    assert found["Bad."]["response"] is None
    assert "No such parameter" in found["Bad."]["error"]["message"]
    assert found["Cut."]["error"]["code"] == "length"
    assert found["Cut."]["response"]["body"]["choices"][0]["message"]["content"] == "Cut"
    assert len({one["id"] for one in found.values()}) == 3


def test_the_output_of_a_cancelled_job_says_what_was_not_answered() -> None:
    job = own_job()
    add(job, line("a"))
    launch.start(job)
    assert list(output.lines(job)) == []
    control.cancel(job)
    assert output_lines(job)["a"]["error"] == {"code": "cancelled", "message": output.CANCELLED}


def test_the_output_of_a_template_s_job_has_the_raw_answers() -> None:
    documents = ready_documents(2)
    run_job(job := make_job(documents, params={"count": 1}))
    found = output_lines(job)
    assert sorted(found) == documents
    assert len(found[documents[0]]["response"]["body"]["points"]) == 1


def test_an_answer_of_many_lines_is_one_line_of_the_output(batch_server: BatchProvider) -> None:
    job = own_job(lane="live")
    add(job, *(line(str(number), asking(str(number))) for number in range(5)))
    finish(job)
    with db.transaction() as session:
        db.execute(session, "UPDATE response SET raw = CAST(:raw AS json)", raw='{\r\n "a": "b\\nc"\n}')
    assert [page.count(b"\n") for page in output.lines(job, page=2)] == [2, 2, 1]
    assert [one["response"]["body"] for one in output_lines(job).values()] == [{"a": "b\nc"}] * 5


def test_a_page_of_the_output_ends_where_it_is_full() -> None:
    run_job(job := make_job(ready_documents(5), params={"count": 1}))
    pages = list(output.lines(job, page_bytes=1))
    assert [page.count(b"\n") for page in pages] == [1] * 5
    assert b"".join(pages) == b"".join(output.lines(job))


def test_a_draft_is_dropped_with_its_requests() -> None:
    job = own_job()
    add(job, line("a"))
    deletion.delete(job)
    assert rows("SELECT 1 FROM request UNION ALL SELECT 1 FROM request_body") == []


def test_the_estimate_needs_a_job() -> None:
    with pytest.raises(NotFound):
        own_requests.forecast("job_gone", NOW)
    assert own_requests.forecast(own_job(), NOW).cost_live == Decimal(0)
