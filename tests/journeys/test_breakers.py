"""An admin switches to another preset, stops a model by hand, watches a job wait, and lets it go on; or elsewhere."""

import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from core.providers import known_models
from tests import databases, local_provider
from tests.journeys.conftest import App, running_app, visit, wait_until
from tests.local_provider import LocalProvider

pytestmark = pytest.mark.browser
DOCUMENTS = 5
MODEL = known_models.default_model("openai")


@pytest.fixture
def model() -> Iterator[LocalProvider]:
    with local_provider.running() as server:
        yield server


@pytest.fixture
def app(data_dir: Path, postgres_url: str, model: LocalProvider) -> Iterator[App]:
    keys = {"OPENAI_API_KEY": "test", "ANTHROPIC_API_KEY": "test"}
    urls = {"OPENAI_BASE_URL": model.openai_url, "ANTHROPIC_BASE_URL": model.anthropic_url}
    with (
        databases.copy(postgres_url, "app") as url,
        running_app(data_dir, DATABASE_URL=url, **keys, **urls) as running,
    ):
        yield running


def upload(app: App, page: Any, directory: Path) -> None:
    files = []
    for number in range(DOCUMENTS):
        path = directory / f"note-{number}.txt"
        path.write_text(f"Note {number} of the northern plant. Pump {number} was replaced. It cost {number},000 euros.")
        files.append(path)
    visit(page, f"{app.url}/documents")
    page.locator("input[type=file]").first.set_input_files(files)

    def all_ready() -> bool:
        return len(json.loads(app.get("/api/v1/documents?state=ready")[1])["items"]) == DOCUMENTS

    wait_until(all_ready, "the documents were not read")


def open_by_hand(app: App, page: Any) -> None:
    visit(page, f"{app.url}/system")
    page.get_by_text("Stop a model that is not listed").click()
    page.get_by_role("button", name="Stop it").click()
    expect(page.get_by_role("dialog").get_by_text(f"Stop OpenAI {MODEL} by hand?")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Stop the model").click()
    expect(page.get_by_text("nothing is sent until someone resumes it")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)


def launch(app: App, page: Any) -> str:
    """The address of a job that waits."""
    visit(page, f"{app.url}/analyse?template=Summarize")
    expect(page.get_by_text("A live job will wait until then")).to_be_visible()
    page.get_by_role("button", name=f"Launch {DOCUMENTS} requests").click()
    expect(
        page.get_by_text(f"Live requests are on hold (none have failed): OpenAI {MODEL} stopped by hand")
    ).to_be_visible()
    expect(page.get_by_text(f"0 of {DOCUMENTS} requests ended: {DOCUMENTS} waiting")).to_be_visible()
    return str(page.url)


def test_a_model_is_stopped_and_let_go_on_and_its_job_waits_meanwhile(
    app: App, model: LocalProvider, browser_page: Any, tmp_path: Path
) -> None:
    page = browser_page
    upload(app, page, tmp_path)
    visit(page, f"{app.url}/settings")
    page.get_by_role("tab", name="When a provider fails").click()
    page.get_by_role("button", name="Use production").click()
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    page.get_by_role("tab", name="Changes").click()
    expect(page.get_by_text(re.compile("nothing set here → preset production"))).to_be_visible()
    open_by_hand(app, page)
    job = launch(app, page)
    assert model.asked == []
    visit(page, f"{app.url}/system")
    expect(page.get_by_text(f"{DOCUMENTS} live requests of 1 job waits behind it")).to_be_visible()
    page.get_by_role("button", name="Resume", exact=True).click()
    expect(page.get_by_role("dialog").get_by_text(f"These are sent at once: {DOCUMENTS} live requests")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Resume the model").click()
    expect(page.get_by_text("answers; ")).to_be_visible()
    expect(page.get_by_text(f"Resumed by hand: OpenAI {MODEL}, which was stopped")).to_be_visible()
    visit(page, job)
    expect(page.get_by_text("completed", exact=True).first).to_be_visible()
    assert len(model.asked) == DOCUMENTS


def test_a_job_that_waits_goes_on_with_another_model(
    app: App, model: LocalProvider, browser_page: Any, tmp_path: Path
) -> None:
    page = browser_page
    upload(app, page, tmp_path)
    address = f"{app.url}/api/v1/internal/resilience/circuit-breakers/openai/{MODEL}/open"
    urllib.request.urlopen(urllib.request.Request(address, b"")).close()
    launch(app, page)
    page.get_by_role("button", name="Move waiting requests").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("There, within 24 hours, about")).to_be_visible()
    dialog.get_by_text("On with another model").click()
    expect(dialog.get_by_text("Anthropic claude-haiku-4-5, about")).to_be_visible()
    dialog.get_by_role("button", name=f"Go on with {DOCUMENTS} documents").click()
    expect(page.get_by_text("completed", exact=True).first).to_be_visible()
    expect(dialog).to_have_count(0)
    expect(page.get_by_text(f"{MODEL}, then claude-haiku-4-5")).to_be_visible()
    page.get_by_role("tab", name="Timeline").click()
    expect(page.get_by_text(f"{DOCUMENTS} documents that waited")).to_be_visible()
    assert {asked.body["model"] for asked in model.asked} == {"claude-haiku-4-5"}
    assert len(model.asked) == DOCUMENTS
