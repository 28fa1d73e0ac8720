"""From the command to the title in a browser."""

import shutil
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.journeys.conftest import CHROMIUM, FLAGS, start_app


def measure(scratch: Path) -> dict[str, dict[str, Any]]:
    return {} if CHROMIUM is None else {"cold start": _cold_start(scratch)}


def _cold_start(scratch: Path) -> dict[str, Any]:
    """A first start on nothing, and a second one."""
    data = scratch / "cold"
    found: dict[str, Any] = {}
    for which in ("first", "second"):
        begun = time.perf_counter()
        app = start_app(data)
        found[f"{which}_ready_s"] = round(time.perf_counter() - begun, 2)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            page = browser.new_page()
            begun = time.perf_counter()
            page.goto(app.url)
            page.get_by_role("heading", name="Overview").wait_for()
            found[f"{which}_paint_s"] = round(time.perf_counter() - begun, 2)
            browser.close()
        begun = time.perf_counter()
        app.stop()
        found[f"{which}_stop_s"] = round(time.perf_counter() - begun, 2)
    shutil.rmtree(data, ignore_errors=True)
    return found
