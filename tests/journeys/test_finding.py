"""From a search over a facet to a saved view, to a matrix with its quotes, and to files that leave Cairn."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests import databases, local_provider
from tests.journeys.conftest import App, app_on, visit, wait_until
from tests.local_provider import Asked, Reply

pytestmark = pytest.mark.browser
TEXTS = {
    "plants": "The pump of the northern plant failed. It cost 300 euros to mend.",
    "offices": "The pump of the heating failed. It cost 90 euros to mend.",
}
FIELDS = [{"name": "cost", "type": "number", "quote": True}, {"name": "mended", "type": "boolean"}]


def answer(asked: Asked) -> Reply:
    text = next(one for one in TEXTS.values() if one in asked.document)
    first, second = (f"{part}." for part in text.removesuffix(".").split(". "))
    if "cost" in json.dumps(asked.body["response_format"]):
        cost = next(int(word) for word in second.split() if word.isdecimal())
        return Reply(content=json.dumps({"cost": cost, "mended": True, "quotes": {"cost": second}}))
    return Reply(content=json.dumps({"points": [{"statement": one, "quote": one} for one in (first, second)]}))


@pytest.fixture
def asked(data_dir: Path, postgres_url: str) -> Iterator[App]:
    with local_provider.running() as model, databases.copy(postgres_url, "found") as url:
        model.plan = answer
        key = {"OPENAI_API_KEY": "test", "OPENAI_BASE_URL": model.openai_url}
        with app_on(url, data_dir, **key) as running:
            yield running


def items(app: App, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(app.get(f"/api/v1/{path}")[1])["items"]
    return found


def ask(app: App, request: Any) -> str:
    """Two documents, asked for key points and by a template of one's own. Its id."""
    template = {"name": "Repairs", "prompt": "What did the repair cost?", "fields": FIELDS}
    made = request.post(f"{app.url}/api/v1/templates", data=template)
    assert made.status == 201, made.text()
    for collection, text in TEXTS.items():
        file = {"name": f"{collection}.txt", "mimeType": "text/plain", "buffer": text.encode()}
        request.post(f"{app.url}/api/v1/documents", multipart={"files": file, "collection": collection})
    documents = [one["id"] for one in items(app, "documents")]
    for template_id in ("key_points", made.json()["id"]):
        spec = {"template": template_id, "provider": "openai", "model": "gpt-5-mini", "documents": documents}
        assert request.post(f"{app.url}/api/v1/jobs/", data=spec).status == 201
    wait_until(lambda: [one["state"] for one in items(app, "jobs/")] == ["completed"] * 2, "the jobs did not end")
    wait_until(lambda: len(items(app, "insights")) == 4, "there are no insights")
    return str(made.json()["id"])


def type_a_template(app: App, page: Any) -> None:
    """In its grid, as few cells as will do: the others stay as the editor has them."""
    visit(page, f"{app.url}/templates")
    page.get_by_role("button", name="New template").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Name").fill("Dates")
    dialog.get_by_role("textbox", name="Prompt").fill("When was it mended?")
    dialog.get_by_text("Makes insights").click()
    expect(dialog.get_by_text("Fields of the answer")).to_be_visible()

    def saved() -> bool:
        """The grid is drawn, and told what was typed, when it has the time: typed before its editor is there, the first
        letters would be lost."""
        dialog.get_by_test_id("stDataFrame").locator(".dvn-scroller").click(position={"x": 80, "y": 50})
        page.keyboard.press("Enter")
        editor = page.locator("#portal textarea")
        page.wait_for_timeout(500)
        if not editor.is_visible():
            return False
        editor.fill("mended_on")
        page.keyboard.press("Enter")
        page.wait_for_timeout(500)
        dialog.get_by_role("button", name="Save").click()
        refused = dialog.get_by_text("Add at least one field")
        done = page.get_by_text("Fields: mended_on (text)")
        expect(refused.or_(done)).to_be_visible()
        return bool(done.is_visible())

    wait_until(saved, "the template was not saved")


def test_from_a_search_over_a_facet_to_a_view_a_matrix_and_files(asked: App, browser_page: Any) -> None:
    app, page = asked, browser_page
    template = ask(app, page.request)
    visit(page, f"{app.url}/insights")
    expect(page.get_by_text("1 to 4 of 4")).to_be_visible()
    page.get_by_role("searchbox").fill("failing pumps")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 to 2 of 2")).to_be_visible()
    page.get_by_text("Narrow down", exact=True).click()
    page.get_by_role("button", name="plants · 1").click()
    expect(page.get_by_text("1 to 1 of 1")).to_be_visible()

    page.get_by_role("button", name="Views").click()
    page.get_by_label("Save what is listed now as").fill("Pumps of plants")
    page.get_by_role("button", name="Save", exact=True).click()
    wait_until(lambda: len(items(app, "views")) == 1, "the view was not saved")
    visit(page, f"{app.url}/insights")
    page.get_by_role("button", name="Views").click()
    page.get_by_role("button", name="Pumps of plants").click()
    expect(page.get_by_text("1 to 1 of 1")).to_be_visible()

    page.keyboard.press("Escape")
    page.get_by_role("button", name="Export").click()
    link = page.get_by_role("link", name="Export all 1 that match")
    file = page.request.get(f"{app.url}/{link.get_attribute('href').removeprefix(app.url).lstrip('/')}")
    assert "The pump of the northern plant failed." in file.text()
    assert "heating" not in file.text()

    visit(page, f"{app.url}/matrix?template=Repairs&order=cost")
    grid = page.get_by_test_id("stDataFrame").locator(".dvn-scroller")
    expect(page.get_by_text("1 to 2 of 2")).to_be_visible()
    grid.click(position={"x": 300, "y": 80})  # the first row's second column
    drawer = page.get_by_role("dialog")
    expect(drawer.locator("mark")).to_have_text("It cost 90 euros to mend.")
    table = page.request.get(f"{app.url}/api/v1/templates/{template}/matrix?format=csv&sort=cost").text()
    assert table.index("offices.txt") < table.index("plants.txt")
    assert "It cost 300 euros to mend." in table
    type_a_template(app, page)
