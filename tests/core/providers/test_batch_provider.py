"""The loopback provider keeps its own books as its originals do: what other tests prove rests on it."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import orjson
import pytest

from tests.batch_provider import BatchProvider, FileFault, Line, Used

CHAT = "/v1/chat/completions"


@pytest.fixture
def client(server: BatchProvider) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{server.anthropic_url}/v1", timeout=20) as client:
        yield client


def body(number: int, model: str = "m-1") -> dict[str, Any]:
    return {"model": model, "max_tokens": 5, "messages": [{"role": "user", "content": f"Document {number}."}]}


def openai_line(number: int, **changes: object) -> bytes:
    line = {"custom_id": f"n-{number}-1", "method": "POST", "url": CHAT, "body": body(number), **changes}
    return orjson.dumps(line) + b"\n"


def upload(client: httpx.Client, content: bytes) -> str:
    sent = client.post("/files", files={"file": ("in.jsonl", content)}, data={"purpose": "batch"})
    file_id: str = sent.raise_for_status().json()["id"]
    return file_id


def create(client: httpx.Client, file_id: str, nonce: str = "n") -> httpx.Response:
    asked = {"input_file_id": file_id, "endpoint": CHAT, "completion_window": "24h", "metadata": {"by": nonce}}
    return client.post("/batches", json=asked)


def openai_batch(client: httpx.Client, content: bytes | None = None, requests: int = 3, nonce: str = "n") -> str:
    lines = b"".join(map(openai_line, range(requests))) if content is None else content
    batch_id: str = create(client, upload(client, lines), nonce).raise_for_status().json()["id"]
    return batch_id


def anthropic_batch(client: httpx.Client, requests: int = 3) -> str:
    sent = [{"custom_id": f"n-{number}-1", "params": body(number)} for number in range(requests)]
    batch_id: str = client.post("/messages/batches", json={"requests": sent}).raise_for_status().json()["id"]
    return batch_id


def told(client: httpx.Client, batch_id: str) -> Any:
    path = "/messages/batches" if batch_id.startswith("msg") else "/batches"
    return client.get(f"{path}/{batch_id}").raise_for_status().json()


def content(client: httpx.Client, file_id: str | None) -> list[Any]:
    if not file_id:
        return []
    return [orjson.loads(line) for line in client.get(f"/files/{file_id}/content").raise_for_status().iter_lines()]


def ids(lines: list[Any]) -> list[str]:
    return sorted(line["custom_id"] for line in lines)


def test_openai_goes_through_its_states_and_bills_each_answer_once(server: BatchProvider, client: httpx.Client) -> None:
    server.line_plan = lambda asked: Line(status=500) if asked.document == "Document 1." else Line(used=Used(100, 30))
    batch_id = openai_batch(client)
    seen = [told(client, batch_id) for _ in range(4)]
    assert [batch["status"] for batch in seen] == ["in_progress", "finalizing", "completed", "completed"]
    last = seen[-1]
    assert last["request_counts"] == {"total": 3, "completed": 2, "failed": 1}
    assert last["usage"]["input_tokens"] == 200
    assert last["usage"]["input_tokens_details"] == {"cached_tokens": 60}
    assert last["metadata"] == {"by": "n"}
    assert ids(content(client, last["output_file_id"])) == ["n-0-1", "n-2-1"]
    (failed,) = content(client, last["error_file_id"])
    assert failed["error"] is None
    assert failed["response"]["status_code"] == 500
    assert [(billed.custom_id, billed.used) for billed in server.bill] == [
        ("n-0-1", Used(100, 30)),
        ("n-2-1", Used(100, 30)),
    ]
    assert server.creates_by("nonce") == {"n": 1}


def test_anthropic_counts_nothing_before_it_has_ended(server: BatchProvider, client: httpx.Client) -> None:
    server.line_plan = lambda asked: Line(status=529) if asked.document == "Document 1." else Line()
    server.auto = False
    batch_id = anthropic_batch(client)
    before = told(client, batch_id)
    assert before["processing_status"] == "in_progress"
    assert before["request_counts"] == {"processing": 3, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0}
    assert client.get(f"/messages/batches/{batch_id}/results").status_code == 400
    server.finish(batch_id)
    ended = told(client, batch_id)
    assert ended["request_counts"] == {"processing": 0, "succeeded": 2, "errored": 1, "canceled": 0, "expired": 0}
    lines = [orjson.loads(line) for line in client.get(ended["results_url"]).iter_lines()]
    assert {line["custom_id"]: line["result"]["type"] for line in lines} == {
        "n-0-1": "succeeded",
        "n-1-1": "errored",
        "n-2-1": "succeeded",
    }
    assert server.billed_documents() == {"Document 0.": 1, "Document 2.": 1}
    assert server.creates_by("nonce") == {"n": 1}


def test_what_was_answered_before_an_end_is_billed_and_handed_over(server: BatchProvider, client: httpx.Client) -> None:
    server.auto = False
    expired, quiet, cancelled = (openai_batch(client) for _ in range(3))
    server.expire(expired, done=1)
    server.expire(quiet, done=1, listed=False)
    client.post(f"/batches/{cancelled}/cancel")
    assert told(client, cancelled)["status"] == "cancelling"
    server.cancelled(cancelled, done=2)
    ends = [told(client, batch_id) for batch_id in (expired, quiet, cancelled)]
    assert [batch["status"] for batch in ends] == ["expired", "expired", "cancelled"]
    assert [ids(content(client, batch["output_file_id"])) for batch in ends] == [
        ["n-0-1"],
        ["n-0-1"],
        ["n-0-1", "n-1-1"],
    ]
    codes = [[line["error"]["code"] for line in content(client, batch["error_file_id"])] for batch in ends]
    assert codes == [["batch_expired"] * 2, [], ["batch_cancelled"]]
    assert len(server.bill) == 4


@pytest.mark.parametrize(
    ("line", "custom_ids"),
    [
        (Line(missing=True), []),
        (Line(duplicate=True), ["n-0-1", "n-0-1"]),
        (Line(extra="nobody"), ["n-0-1", "nobody"]),
    ],
)
def test_lines_that_are_too_few_or_too_many_are_billed_once(
    server: BatchProvider, client: httpx.Client, line: Line, custom_ids: list[str]
) -> None:
    server.polls_per_state = 0
    server.line_plan = lambda _asked: line
    batch = told(client, openai_batch(client, requests=1))
    assert ids(content(client, batch["output_file_id"])) == custom_ids
    assert batch["usage"]["total_tokens"] == 110
    assert len(server.bill) == 1


@pytest.mark.parametrize("line", [Line(not_json=True), Line(invalid_utf8=True)])
@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_lines_that_nobody_can_read(server: BatchProvider, client: httpx.Client, line: Line, kind: str) -> None:
    server.polls_per_state = 0
    server.line_plan = lambda _asked: line
    batch_id = openai_batch(client, requests=1) if kind == "openai" else anthropic_batch(client, 1)
    batch = told(client, batch_id)
    path = f"/files/{batch['output_file_id']}/content" if kind == "openai" else batch["results_url"]
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(client.get(path).content)


@pytest.mark.parametrize(
    ("spoilt", "code"),
    [
        (openai_line(0), "duplicate_custom_id"),
        (openai_line(1, body=body(1, "m-2")), "mismatched_model"),
        (openai_line(1, url="/v1/responses"), "invalid_url"),
        (b"{\n", "invalid_json_line"),
    ],
)
def test_a_file_that_is_not_valid_fails_and_bills_nothing(
    server: BatchProvider, client: httpx.Client, spoilt: bytes, code: str
) -> None:
    batch = told(client, openai_batch(client, openai_line(0) + spoilt))
    assert batch["status"] == "failed"
    assert [(error["code"], error["line"]) for error in batch["errors"]["data"]] == [(code, 2)]
    assert server.bill == []


def test_a_full_queue_is_told_of_after_create(server: BatchProvider, client: httpx.Client) -> None:
    server.queue_cap = 3
    first, second = openai_batch(client), openai_batch(client)
    assert told(client, first)["status"] == "in_progress"
    assert told(client, second)["errors"]["data"][0]["code"] == "token_limit_exceeded"


def test_listings_have_pages_newest_first_lag_and_break(server: BatchProvider, client: httpx.Client) -> None:
    server.listing_lag = 1
    made = [openai_batch(client, requests=1) for _ in range(3)]
    assert client.get("/batches").json()["data"] == []
    page = client.get("/batches", params={"limit": 2}).json()
    assert [batch["id"] for batch in page["data"]] == [made[2], made[1]]
    assert page["has_more"]
    rest = client.get("/batches", params={"after": page["last_id"]}).json()
    assert [batch["id"] for batch in rest["data"]] == [made[0]]
    assert not rest["has_more"]
    server.listing_fault = "second_page_fails"
    assert client.get("/batches", params={"after": page["last_id"]}).status_code == 500


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("after", [False, True])
def test_a_create_that_fails_is_carried_out_only_where_it_says_so(
    server: BatchProvider, client: httpx.Client, after: bool, reset: bool
) -> None:
    file_id = upload(client, openai_line(0))
    server.fail_next("create", 529, headers={"retry-after": "7"}, after=after, reset=reset)
    if reset:
        with pytest.raises(httpx.TransportError):
            create(client, file_id)
    else:
        assert create(client, file_id).headers["retry-after"] == "7"
    assert server.creates == int(after)
    assert create(client, file_id).status_code == 200
    assert server.creates_by("input_file_id") == {file_id: 1 + after}
    assert server.arrived("POST", "/v1/batches") == 2


@pytest.mark.parametrize(
    ("point", "even_if_gone", "created"), [("before", False, 0), ("before", True, 1), ("after", False, 1)]
)
def test_a_create_held_while_its_client_gives_up(
    server: BatchProvider, client: httpx.Client, point: str, even_if_gone: bool, created: int
) -> None:
    file_id = upload(client, openai_line(0))
    server.hold(f"create.{point}", even_if_gone=even_if_gone)
    with (
        httpx.Client(base_url=client.base_url, timeout=httpx.Timeout(20, read=0.5)) as hasty,
        pytest.raises(httpx.ReadTimeout),
    ):
        create(hasty, file_id)
    server.reached(f"create.{point}")
    server.release(f"create.{point}")
    told_of = client.get("/batches").json()["data"]
    assert len(told_of) == server.creates == created


POSTER = "import httpx, sys; httpx.post(sys.argv[1], content=sys.argv[2].encode(), timeout=60)"


@pytest.mark.kills
def test_a_create_held_while_its_client_is_killed_is_not_carried_out(
    server: BatchProvider, client: httpx.Client
) -> None:
    asked = orjson.dumps({"requests": [{"custom_id": "n-1-1", "params": body(1)}]}).decode()
    for point, created in (("create.before", 0), ("create.after", 1)):
        server.hold(point)
        poster = subprocess.Popen([sys.executable, "-c", POSTER, f"{client.base_url}messages/batches", asked])
        server.reached(point)
        poster.kill()
        poster.wait()
        server.release(point)
        client.get("/batches")
        assert server.creates == created


@pytest.mark.parametrize(
    ("fault", "length"),
    [
        (FileFault("cut", 100), None),
        (FileFault("reset", 100), None),
        (FileFault("silent", 100), 100),
        (FileFault("silent", 100, chunked=True), 100),
        (FileFault("gone"), 404),
    ],
)
def test_downloads_that_go_wrong_once(
    server: BatchProvider, client: httpx.Client, fault: FileFault, length: int | None
) -> None:
    server.polls_per_state = 0
    server.output_file = fault
    file_id = told(client, openai_batch(client))["output_file_id"]
    size = client.get(f"/files/{file_id}").json()["bytes"]
    if length is None:
        with pytest.raises(httpx.TransportError):
            client.get(f"/files/{file_id}/content")
    else:
        first = client.get(f"/files/{file_id}/content")
        assert length in (len(first.content), first.status_code)
    assert len(client.get(f"/files/{file_id}/content").content) == size
    client.delete(f"/files/{file_id}")
    assert client.get(f"/files/{file_id}/content").status_code == 404


def test_a_download_is_held_after_its_first_bytes(server: BatchProvider, client: httpx.Client) -> None:
    server.polls_per_state = 0
    server.output_file = FileFault("slow", after=10, delay=0)
    file_id = told(client, openai_batch(client))["output_file_id"]
    server.hold("content.middle")
    with ThreadPoolExecutor() as pool, client.stream("GET", f"/files/{file_id}/content") as response:
        chunks = response.iter_raw()
        assert len(next(chunks)) == 10
        server.reached("content.middle")
        rest = pool.submit(lambda: b"".join(chunks))
        server.release("content.middle")
        assert rest.result(20).endswith(b"}\n")


def test_fifty_thousand_lines(server: BatchProvider, client: httpx.Client) -> None:
    server.polls_per_state = 0
    batch = told(client, openai_batch(client, requests=50_000))
    assert batch["request_counts"]["completed"] == 50_000
    assert len(set(ids(content(client, batch["output_file_id"])))) == 50_000
    assert server.billed_total() == Used(5_000_000, 0, 500_000)
