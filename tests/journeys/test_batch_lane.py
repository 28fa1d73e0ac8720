"""The batch lane in a real browser, with no key: from upload to insights, and a page that lives while it is used."""

import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import App, upload, visit

pytestmark = pytest.mark.browser
# More than the offline engine takes in one batch; and as few as a job needs, as each is read by a process of its own.
DOCUMENTS, FEW = 104, 12


@pytest.fixture
def app(app_on_a_server: App) -> App:
    return app_on_a_server


def notes(count: int) -> dict[str, str]:
    text = "Note {0} of the northern plant. Pump {0} was replaced. It cost {0},000 euros."
    return {f"note-{number:03}.txt": text.format(number) for number in range(count)}


def test_from_upload_to_insights_in_the_batch_lane(app: App, browser_page: Any) -> None:
    page = browser_page
    upload(app, notes(DOCUMENTS))
    visit(page, f"{app.url}/analyse?template=Key+points")
    page.get_by_text("Batch, overnight").click()
    expect(page.get_by_text("No batch of this model has been through here yet")).to_be_visible()
    page.get_by_role("button", name=f"Launch {DOCUMENTS} requests").click()
    expect(page.get_by_text("completed", exact=True).first).to_be_visible()
    expect(page.get_by_text(f"{DOCUMENTS} of {DOCUMENTS} requests ended: {DOCUMENTS} answered")).to_be_visible()
    page.get_by_role("tab", name="Timeline").click()
    expect(page.get_by_text("has ended: 100 answered")).to_be_visible()
    expect(page.get_by_text("has ended: 4 answered")).to_be_visible()
    page.get_by_test_id("stMain").get_by_role("link", name="Insights").click()
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    expect(page.get_by_text(re.compile(r"1 to 100 of \d+"))).to_be_visible()
    visit(page, f"{app.url}/analyse?template=Summarize")
    page.get_by_text("Batch, overnight").click()
    expect(page.get_by_text("The last 2 batches of this model here")).to_be_visible()


def canary(app: App) -> str:
    """A job of which two requests go first."""
    upload(app, notes(FEW))
    job = {"name": "A canary", "template": "summarize", "collection": "default", "provider": "offline", "canary": 2}
    return str(httpx.post(f"{app.url}/api/v1/jobs/", json={**job, "lane": "batch"}).json()["id"])


def test_each_dialog_of_a_job_stays_open_meanwhile_does_what_it_says_and_closes(app: App, browser_page: Any) -> None:
    page = browser_page
    dialog = page.get_by_role("dialog")
    visit(page, f"{app.url}/job?id={canary(app)}")
    expect(page.get_by_role("button", name=f"Release {FEW - 2} requests")).to_be_visible()
    page.get_by_role("button", name="Rename").click()
    name = page.get_by_role("textbox", name="Name")
    name.fill("Notes of the northern plant")
    # Behind it the page looks again.
    since = page.get_by_text(re.compile(r"started \d+ s ago"))
    for _ in range(2):
        before = since.inner_text()
        expect(since).not_to_have_text(before)
    expect(name).to_have_value("Notes of the northern plant")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Notes of the northern plant")).to_be_visible()
    expect(dialog).to_have_count(0)
    page.get_by_role("button", name="Cancel the rest").click()
    dialog.get_by_role("button", name="Cancel job").click()
    expect(page.get_by_text("cancelled", exact=True).first).to_be_visible()
    expect(dialog).to_have_count(0)
    page.get_by_role("button", name="Send again").click()
    dialog.get_by_role("button", name=f"Send {FEW - 2} again").click()
    expect(page.get_by_text("completed", exact=True).first).to_be_visible()
    expect(dialog).to_have_count(0)
    page.get_by_role("button", name="Delete").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No jobs yet")).to_be_visible()
    expect(dialog).to_have_count(0)
