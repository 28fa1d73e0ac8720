"""What a newcomer does, in a real browser, from a fresh start."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from core import samples
from tests.journeys import page_run
from tests.journeys.conftest import AT_REST, App, turn_to, visit, wait_until

pytestmark = pytest.mark.browser


def all_ready(app: App) -> bool:
    items = json.loads(app.get("/api/v1/documents")[1])["items"]
    return len(items) == len(samples.files()) and all(item["state"] == "ready" for item in items)


def test_from_the_samples_to_a_highlighted_quote(app: App, browser_page: Any) -> None:
    page = browser_page
    visit(page, app.url)
    page.get_by_role("button", name="Load sample documents").click()
    wait_until(lambda: all_ready(app), "the samples were not read")
    visit(page, f"{app.url}/documents")
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Analyse").click()
    expect(page.get_by_text("The most important statements")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Launch")).click()
    expect(page.get_by_text("completed", exact=True).first).to_be_visible()
    page.get_by_test_id("stMain").get_by_role("link", name="Insights").click()
    grid = page.get_by_test_id("stDataFrame")
    expect(grid).to_be_visible()
    # Cells are drawn on a canvas: the first row is clicked by its place.
    grid.click(position={"x": 200, "y": 65})
    quote = page.get_by_role("link", name=re.compile("Open in"))
    expect(quote.first).to_be_visible()
    quote.first.click()
    # What stands around the quote is marked in the drawer, too.
    expect(page).to_have_url(re.compile(r"/document\?.*start=\d+"))
    mark = page.get_by_title("The open quote").first
    expect(mark).to_be_in_viewport()
    start, end = (int(re.search(rf"{name}=(\d+)", page.url)[1]) for name in ("start", "end"))  # type: ignore[index]
    document = re.search(r"id=([^&]+)", page.url)[1]  # type: ignore[index]
    text = app.get(f"/api/v1/documents/{document}/text")[1]
    assert " ".join(mark.inner_text().split()) == " ".join(text[start:end].split())
    # Read again, the same text has the same quote at the same place.
    page.get_by_role("button", name="Read again").click()
    wait_until(
        lambda: json.loads(app.get(f"/api/v1/documents/{document}")[1])["read_again"] is None, "it was not read again"
    )
    expect(page.get_by_role("button", name="Read again")).to_be_enabled()
    expect(mark).to_be_visible()
    page.get_by_test_id("stMain").get_by_role("link", name="Insights").click()
    expect(page).to_have_url(re.compile(r"/insights\?job=job_"))
    expect(grid).to_be_visible()
    # What Back restored is a filter of its own page alone.
    filtered = f"{app.url}/jobs?state=completed"
    visit(page, filtered)
    grid.click(position={"x": 200, "y": 55})
    expect(page).to_have_url(re.compile(r"/job\?id="))
    page.locator(AT_REST).wait_for()
    for _ in range(2):
        page.go_back()
        expect(page.get_by_role("heading", level=1)).to_have_text("Jobs")
        expect(page).to_have_url(filtered)
        page.locator(AT_REST).wait_for()
        turn_to(page, "Insights")
        expect(page).to_have_url(f"{app.url}/insights")


def test_a_broken_pdf_says_what_to_do(app_on_a_server: App, browser_page: Any, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.7\nthis is no more than a beginning")
    page = browser_page
    visit(page, f"{app_on_a_server.url}/documents")
    page.locator("input[type=file]").set_input_files(broken)
    wait_until(lambda: "broken.pdf" in app_on_a_server.get("/api/v1/documents?state=failed")[1], "it did not fail")
    visit(page, f"{app_on_a_server.url}/documents?state=failed")
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    page.get_by_test_id("stDataFrame").click(position={"x": 150, "y": 55})
    expect(page).to_have_url(re.compile(r"/document\?id=doc_"))
    expect(page.get_by_role("heading", name="broken.pdf")).to_be_visible()
    expect(page.get_by_text(re.compile("cannot be read.*upload it again")).first).to_be_visible()
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Documents")
    expect(page).to_have_url(f"{app_on_a_server.url}/documents?state=failed")


def test_a_cold_server_runs_the_entry_script_first(web_alone: App, browser_page: Any) -> None:
    """The first hit of a server's life on a page's address goes through navigation.py: its menu and frame are there."""
    page = browser_page
    page.goto(f"{web_alone.url}/documents")
    expect(page.get_by_role("link", name="Overview")).to_be_visible()
    expect(page.get_by_role("heading").first).to_be_visible()
    expect(page).to_have_title(re.compile(". · Cairn$"))
    # Filters of both have the same names, and one of the first page is empty at first.
    page.get_by_role("link", name="Insights").click()
    title = page.get_by_role("heading", level=1)
    expect(title).to_have_text("Insights")
    page.go_back()
    expect(title).to_have_text("Documents")
    page.go_forward()
    expect(title).to_have_text("Insights")
    expect(page.get_by_text("No insights yet")).to_be_visible()
    # What was chosen there is there again, and is nothing that the other page takes over.
    filtered = f"{web_alone.url}/documents?state=failed"
    visit(page, filtered)
    for _ in range(2):
        turn_to(page, "Insights")
        expect(page).to_have_url(f"{web_alone.url}/insights")
        page.go_back()
        expect(title).to_have_text("Documents")
        expect(page.get_by_label("State", exact=True)).to_have_value("failed")
        expect(page).to_have_url(filtered)
        page.locator(AT_REST).wait_for()


@pytest.mark.parametrize("address", ["costs", "job"])
def test_so_it_does_on_another_address(address: str, web_alone: App) -> None:
    seen = page_run.shown(web_alone.url, address)
    assert len(seen.titles) == 1
    assert "documents" in seen.menu


def test_the_page_about_the_api_shows_without_the_internet(web_alone: App, browser_page: Any) -> None:
    asked: list[str] = []
    browser_page.on("request", lambda request: asked.append(request.url))
    browser_page.goto(f"{web_alone.url}/api/v1/docs")
    expect(browser_page.get_by_text("/documents/{document_id}/original")).to_be_visible()
    assert [url for url in asked if not url.startswith((web_alone.url, "data:"))] == []


def test_an_upload_says_how_far_it_is_and_what_became_of_it(
    app_on_a_server: App, browser_page: Any, tmp_path: Path
) -> None:
    page, app = browser_page, app_on_a_server
    files = [tmp_path / f"note {number}.txt" for number in range(60)]
    for number, file in enumerate(files):
        file.write_text(f"Note {number}. " + "Two pumps failed. " * 2_000)
    asked: list[str] = []

    def answer(dialog: Any) -> None:
        asked.append(dialog.type)
        dialog.dismiss() if dialog.type == "confirm" else dialog.accept()

    page.on("dialog", answer)
    visit(page, f"{app.url}/documents")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 200_000}
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", slow)
    page.locator("input[type=file]").set_input_files(files)
    expect(page.get_by_text("of 60 files have arrived")).to_be_visible()
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Jobs").click()
    expect(page).to_have_url(re.compile("/documents"))
    page.reload()
    assert asked == ["confirm", "beforeunload"]
    expect(page.get_by_text("of its 60 files none was stored")).to_be_visible()
    assert stored(app) == 0
    # Once all have arrived, nothing is lost any more.
    session.send("Network.emulateNetworkConditions", slow | {"uploadThroughput": -1})
    page.locator("input[type=file]").set_input_files(files)
    wait_until(lambda: stored(app), "nothing was stored")
    page.reload()
    wait_until(lambda: stored(app) == len(files), "not all of what had arrived was stored")


def stored(app: App) -> int:
    return len(json.loads(app.get("/api/v1/documents?limit=100")[1])["items"])
