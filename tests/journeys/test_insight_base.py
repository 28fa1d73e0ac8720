"""From two jobs to one body of knowledge: corroborated, in conflict, merged, decided, and each of it undone."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests import databases, local_provider
from tests.journeys.conftest import App, app_on, visit, wait_until
from tests.local_provider import Asked, Reply

pytestmark = pytest.mark.browser
SAID = {
    "spring": ("The hall was painted.", "The pump costs 300 euros.", "The turbine manifold cracked at the weld."),
    "autumn": (
        "The hall was painted.",
        "The pump costs 500 euros.",
        "At its weld the manifold of the turbine has cracked.",
    ),
}


def quote(season: str, number: int) -> str:
    return f"In {season} page {number} of the report was written."


def points(asked: Asked) -> Reply:
    season = next(name for name in SAID if f"In {name}" in asked.document)
    found = [{"statement": one, "quote": quote(season, number)} for number, one in enumerate(SAID[season])]
    return Reply(content=json.dumps({"points": found}))


@pytest.fixture
def with_a_model(data_dir: Path, postgres_url: str) -> Iterator[App]:
    with local_provider.running() as model, databases.copy(postgres_url, "known") as url:
        model.plan = points
        key = {"OPENAI_API_KEY": "test", "OPENAI_BASE_URL": model.openai_url}
        with app_on(url, data_dir, **key) as running:
            yield running


def listed(app: App, path: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads(app.get(f"/api/v1/{path}")[1])["items"]
    return items


def pair_of(app: App, kind: str) -> str:
    (pair,) = listed(app, f"review?kind={kind}")
    return str(pair["id"])


def strike(page: Any, key: str, button: str) -> None:
    """A key counts from when its button is there."""
    expect(page.locator(f".st-key-{button}").get_by_role("button")).to_be_visible()
    page.keyboard.press(key)


def asked_of(app: App, page: Any, season: str) -> None:
    """A document of its own, and a job that asks it for its key points."""
    text = " ".join(quote(season, number) for number in range(9))
    file = {"name": f"{season}.txt", "mimeType": "text/plain", "buffer": text.encode()}
    made = page.request.post(f"{app.url}/api/v1/documents", multipart={"files": file, "collection": "plant"})
    document = made.json()["items"][0]["id"]
    spec = {"template": "key_points", "provider": "openai", "model": "gpt-5-mini", "documents": [document]}
    assert page.request.post(f"{app.url}/api/v1/jobs/", data=spec).status == 201


def test_from_two_jobs_to_decisions_and_back(with_a_model: App, browser_page: Any) -> None:
    app, page = with_a_model, browser_page
    for season in SAID:
        asked_of(app, page, season)
    wait_until(lambda: len(listed(app, "review")) == 2, "nothing was proposed")
    both = next(one["id"] for one in listed(app, "insights?sort=support"))
    visit(page, f"{app.url}/insight?id={both}")
    expect(page.get_by_role("heading", name="The hall was painted.")).to_be_visible()
    expect(page.get_by_text("2 of 2 documents support it")).to_be_visible()

    visit(page, f"{app.url}/insights")
    page.get_by_role("link", name="To review: 1 conflict, 1 pair that is alike").click()
    expect(page).to_have_url(re.compile("/review"))
    strike(page, "s", f"same-{pair_of(app, 'merge')}")
    expect(page.get_by_text("1 pair settled: the same.")).to_be_visible()
    (merge,) = listed(app, "insights/merges?undone=false")
    assert json.loads(app.get(f"/api/v1/insights/{merge['head']}")[1])["support"] == 2
    strike(page, "u", "undo-review")
    expect(page.get_by_text("stands alone again")).to_be_visible()
    assert listed(app, "insights/merges?undone=false") == []

    page.get_by_text("Conflicts (1)").click()
    expect(page.locator("mark").get_by_text("300 euros")).to_be_visible()
    strike(page, "x", f"conflict-{pair_of(app, 'conflict')}")
    expect(page.get_by_text("1 pair settled: a conflict.")).to_be_visible()
    assert [pair["kind"] for pair in listed(app, "review")] == ["merge"]

    page.get_by_role("link", name="Insights", exact=True).click()
    page.get_by_text("All 5 that match").click()
    page.get_by_role("button", name=re.compile(r"Confirm \(?5")).click()
    expect(page.get_by_text("5 insights confirmed")).to_be_visible()
    assert len(listed(app, "insights?state=confirmed")) == 5
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("All 5 that match")).to_be_visible()
    wait_until(lambda: len(listed(app, "insights?state=new")) == 5, "it was not undone")
