"""An admin at the Settings page in a real browser: a preset with its preview and its undo, a key, a connection."""

import json
import stat
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import App, visit, wait_until
from tests.local_provider import Asked, LocalProvider, Reply, error
from tests.pipeline import PATIENCE_S

pytestmark = pytest.mark.browser
RIGHT, WRONG = "sk-right-7431", "sk-wrong-7431"


def tab(page: Any, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def sent(app: App, path: str, body: bytes, kind: str = "application/json") -> Any:
    request = urllib.request.Request(f"{app.url}/api/v1{path}", body, {"Content-Type": kind})
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
        return json.load(answer)


def ask_a_document(app: App) -> None:
    """A live job at OpenAI, until it is completed."""
    part = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\nPumps failed.\r\n--x--\r\n'
    sent(app, "/documents", part, "multipart/form-data; boundary=x")
    spec = {"name": "A job", "template": "summarize", "collection": "default", "provider": "openai", "lane": "live"}
    job = sent(app, "/jobs/", json.dumps(spec).encode())["id"]

    def completed() -> bool:
        return bool(json.loads(app.get(f"/api/v1/jobs/{job}")[1])["state"] == "completed")

    wait_until(completed, app.log.read_text())


def test_a_preset_is_previewed_used_and_undone(web_alone: App, browser_page: Any) -> None:
    page = browser_page
    dialog = page.get_by_role("dialog")
    visit(page, f"{web_alone.url}/settings?part=When+a+provider+fails")
    expect(page.get_by_text("In force: a call that keeps failing gives up after 3.5 s.")).to_be_visible()
    page.get_by_role("button", name="Use production").click()
    expect(dialog.get_by_text("a call that keeps failing gives up after 31 s (now 3.5 s)")).to_be_visible()
    # Dismissed, it changes nothing and comes back as it was.
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.get_by_role("button", name="Use production").click()
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("In force: a call that keeps failing gives up after 31 s.")).to_be_visible()
    page.reload()
    expect(page.get_by_text("In force: a call that keeps failing gives up after 31 s.")).to_be_visible()
    tab(page, "Changes")
    expect(page.get_by_text("nothing set here → preset production")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("preset production → nothing set here")).to_be_visible()
    tab(page, "When a provider fails")
    expect(page.get_by_text("In force: a call that keeps failing gives up after 3.5 s.")).to_be_visible()


def test_a_key_is_set_tested_and_removed(app: App, browser_page: Any, provider: LocalProvider, data_dir: Path) -> None:
    page = browser_page
    dialog = page.get_by_role("dialog")

    def plan(asked: Asked) -> Reply:
        return Reply() if asked.headers.get("authorization") == f"Bearer {RIGHT}" else error(401, "invalid_api_key")

    provider.plan = plan
    key, address = (dialog.get_by_role("textbox", name=name) for name in ("Key", "Address"))
    visit(page, f"{app.url}/settings")
    page.get_by_role("button", name="Set key").first.click()
    expect(key).to_have_attribute("type", "password")
    key.fill(WRONG)
    address.fill(provider.openai_url)
    dialog.get_by_role("button", name="Test and save").click()
    expect(dialog.get_by_text("The key was refused")).to_be_visible()
    # Dismissed, it forgets what was typed.
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.get_by_role("button", name="Set key").first.click()
    expect(key).to_have_value("")
    expect(dialog.get_by_role("button", name="Save anyway")).to_have_count(0)
    key.fill(RIGHT)
    address.fill(provider.openai_url)
    dialog.get_by_role("button", name="Test and save").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("key set here")).to_be_visible()
    assert RIGHT not in page.content()
    page.get_by_role("button", name="Test connection").click()
    # The toast of having saved it says so, too, as long as it stands.
    expect(page.get_by_test_id("stAlertContentSuccess").get_by_text("It answers and offers 2 models")).to_be_visible()
    # It is sealed with a file that only this account can read.
    assert stat.S_IMODE((data_dir / "secret.key").stat().st_mode) == 0o600
    visit(page, f"{app.url}/own_requests")
    expect(page.get_by_test_id("stFileUploader")).to_be_visible()
    # The jobs process, which ran all the time, opens it and calls with it.
    ask_a_document(app)
    assert {asked.headers["authorization"] for asked in provider.asked} == {f"Bearer {RIGHT}"}
    visit(page, f"{app.url}/settings")
    page.get_by_role("button", name="Remove key").click()
    dialog.get_by_role("button", name="Remove").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("key set here")).to_have_count(0)
    tab(page, "Changes")
    expect(page.get_by_text("key of OpenAI removed")).to_be_visible()
    log = app.log.read_text()
    assert RIGHT not in log
    assert WRONG not in log
