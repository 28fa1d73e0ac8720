"""The page of custom requests: what a person reads of a bad file, and a good one from its price to the job."""

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.jobs import launch, own_requests
from core.jobs.launch import JobSpec
from pages.common.formats import utc_now
from tests.batch_provider import BatchProvider, Line
from tests.pages.seeing import show
from tests.pipeline import rows, run_batches

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def providers(setting: Any) -> None:
    setting(OPENAI_API_KEY="test", ANTHROPIC_API_KEY="test")


def line(custom_id: str, text: str = "Hello.", **body: Any) -> bytes:
    said = {"messages": [{"role": "user", "content": text}], **body}
    whole = {"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": said}
    return json.dumps(whole).encode() + b"\n"


def page(**query: str) -> AppTest:
    at = show("own_requests", **query)
    assert not at.exception
    return at


def press(at: AppTest, label: str) -> AppTest:
    next(button for button in at.button if button.label.partition(" · ")[0] == label).click().run()
    return at


def check(at: AppTest, content: bytes) -> AppTest:
    at.file_uploader[0].set_value([("in.jsonl", content, "")]).run()
    press(at, "Check the file")
    assert not at.exception
    return at


def words(at: AppTest) -> str:
    kinds = (at.header, at.markdown, at.caption, at.info, at.error)
    return "\n".join([element.value for kind in kinds for element in kind] + [button.label for button in at.button])


def figures(at: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in at.metric}


def test_without_a_language_model_the_page_says_how_to_get_one() -> None:
    assert "set the key of a provider" in words(page())


def test_the_example_is_a_line_that_is_taken(providers: None) -> None:
    at = page()
    for provider in ("openai", "anthropic"):
        at.selectbox[0].set_value(provider).run()
        job = launch.create(JobSpec(template=None, provider=provider), utc_now(), start=False)
        assert own_requests.add(job, [at.code[0].value.encode()], utc_now()) == 1


def test_a_bad_file_shows_its_lines_and_leaves_nothing(providers: None) -> None:
    bad = line("a") + line("a") + line("b", stream=True) + b"{\n" * 30
    at = check(page(), bad)
    assert "**Nothing was taken** of in\\.jsonl: 32 lines to correct" in words(at)
    shown = at.dataframe[0].value
    assert list(shown["Line"]) == list(range(2, 22))
    assert shown["Why"][0] == "The custom_id 'a' stands in line 1 already."
    assert "And 12 more" in words(at)
    assert rows("SELECT 1 FROM job") == []
    assert "Launch" not in words(at)


def test_an_empty_file_says_so(providers: None) -> None:
    assert "There is no request in it" in words(check(page(), b"\n"))
    assert rows("SELECT 1 FROM job") == []


def test_a_good_file_is_priced_in_both_lanes_and_launched(providers: None) -> None:
    at = page()
    at.text_input[0].set_value("Rivers")
    check(at, line("a") + line("b") + line("c", "Other."))
    (job,) = rows("SELECT id, name, lane, state FROM job")
    assert (job["name"], job["lane"], job["state"]) == ("Rivers", "batch", "draft")
    found = figures(at)
    assert (found["Requests"], found["Known already"], found["Output tokens"]) == ("3", "1", "~1,000")
    assert float(found["Live, about"][1:]) > float(found["Batch, about"][1:]) > 0
    assert next(metric.delta for metric in at.metric if metric.label == "Batch, about").endswith("(50% less)")
    assert "OpenAI · gpt\\-5\\.6\\-luna · Batch, overnight" in words(at)
    # It leads to the job's page, where AppTest cannot follow from a single page.
    press(page(job=job["id"]), "Launch 3 requests")
    assert rows("SELECT state FROM job") == [{"state": "queued"}]


def test_the_link_of_a_job_that_runs_offers_a_new_file(providers: None) -> None:
    check(page(), line("a"))
    (job,) = rows("SELECT id FROM job")
    launch.start(job["id"])
    for link in (job["id"], "job_gone"):
        assert "Check the file" in words(page(job=link))


def test_what_is_discarded_is_gone(providers: None) -> None:
    at = press(check(page(), line("a")), "Discard")
    assert not at.exception
    assert rows("SELECT 1 FROM job UNION ALL SELECT 1 FROM request_body") == []
    assert "Check the file" in words(at)


def test_a_model_without_a_price_is_not_called_free(providers: None) -> None:
    at = check(page(), line("a", model="our-own-model"))
    assert figures(at)["Batch, about"] == "no price known"


def test_the_job_page_shows_answers_under_the_callers_ids(batch_server: BatchProvider) -> None:
    batch_server.line_plan = lambda asked: (
        Line(status=400) if asked.document == "Bad." else Line(content=f"*{asked.document}* it was.")
    )
    check(page(), line("my-id", "A question.") + line("bad-id", "Bad."))
    (job,) = rows("SELECT id FROM job")
    launch.start(job["id"])
    run_batches(job["id"])
    at = show("job", id=job["id"])
    assert not at.exception
    assert "**my\\-id**" in words(at)
    assert "bad\\-id" in words(at)
    assert at.code[0].value == "*A question.* it was."
    assert "could not be used" not in "".join(element.value for element in at.warning)
    (link,) = at.get("link_button")
    assert link.proto.url == f"api/v1/jobs/{job['id']}/output"
    at.query_params["tab"] = "Requests"
    assert list(at.run().dataframe[0].value["Request"]) == ["bad-id", "my-id"]
