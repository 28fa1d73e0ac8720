"""An admin switches to another preset, stops a model by hand, watches a job wait, and lets it go on; or elsewhere."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from core.providers import known_models
from tests import databases, local_provider
from tests.journeys.conftest import App, app_on, upload, visit
from tests.local_provider import LocalProvider

pytestmark = pytest.mark.browser
DOCUMENTS = 5
NOTES = {f"note-{n}.txt": f"Note {n}. Pump {n} was replaced. It cost {n},000 euros." for n in range(DOCUMENTS)}
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
        app_on(url, data_dir, **keys, **urls) as running,
    ):
        yield running


def open_by_hand(app: App, page: Any) -> None:
    visit(page, f"{app.url}/system")
    page.get_by_text("Stop a model that is not listed").click()
    page.get_by_role("button", name="Stop it").click()
    expect(page.get_by_role("dialog").get_by_text(f"Stop OpenAI {MODEL} by hand?")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Stop the model").click()
    expect(page.get_by_text("nothing is sent until someone resumes it")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)


def launch(app: App, page: Any, template: str) -> str:
    """The address of a job that waits."""
    visit(page, f"{app.url}/analyse?template={template}")
    expect(page.get_by_text("A live job will wait until then")).to_be_visible()
    page.get_by_role("button", name=f"Launch {DOCUMENTS} requests").click()
    expect(
        page.get_by_text(f"Live requests are on hold (none have failed): OpenAI {MODEL} stopped by hand")
    ).to_be_visible()
    expect(page.get_by_text(f"0 of {DOCUMENTS} requests ended: {DOCUMENTS} waiting")).to_be_visible()
    return str(page.url)


def test_a_model_is_stopped_and_its_job_waits_until_it_goes_on_or_elsewhere(
    app: App, model: LocalProvider, browser_page: Any
) -> None:
    upload(app, NOTES)
    stopped_and_let_go_on(app, model, browser_page)
    model.asked.clear()
    on_with_another_model(app, model, browser_page)


def stopped_and_let_go_on(app: App, model: LocalProvider, page: Any) -> None:
    visit(page, f"{app.url}/settings")
    page.get_by_role("tab", name="When a provider fails").click()
    page.get_by_role("button", name="Use production").click()
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    page.get_by_role("tab", name="Changes").click()
    expect(page.get_by_text(re.compile("nothing set here → preset production"))).to_be_visible()
    open_by_hand(app, page)
    job = launch(app, page, "Summarize")
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


def on_with_another_model(app: App, model: LocalProvider, page: Any) -> None:
    httpx.post(f"{app.url}/api/v1/internal/resilience/circuit-breakers/openai/{MODEL}/open").raise_for_status()
    launch(app, page, "Key+points")
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
