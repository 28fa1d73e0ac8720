"""Script runs of each page against a trivial page, and the first paint after a cold start."""

import gc
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

from core.asking import templates
from core.runtime import engines, migrate
from core.runtime.embedded_postgres import EmbeddedPostgres
from tests.bench.measuring import p50_p95_ms
from tests.journeys.conftest import CHROMIUM, FLAGS, start_app
from tests.pages.seeing import opened

RUNS = 40
PAGES = ("overview", "documents", "analyse", "jobs", "insights", "templates", "costs", "health", "settings")


def measure(scratch: Path) -> dict[str, dict[str, Any]]:
    figures: dict[str, dict[str, Any]] = {}
    postgres = EmbeddedPostgres(scratch)
    engines.configure(postgres.start())
    migrate.upgrade()
    templates.sync_built_ins()
    try:
        figures |= pages({name: (name, {}) for name in PAGES})
    finally:
        engines.engine().dispose()
        postgres.stop()
    if CHROMIUM is not None:
        figures["cold start"] = _cold_start(scratch)
    return figures


def pages(opened_at: Mapping[str, tuple[str, Mapping[str, str]]]) -> dict[str, dict[str, Any]]:
    """Script runs of pages, each with what stands in its link, in the database that is there."""
    # As web does once it is up: without it a full collection walks over every import at some run or other.
    gc.collect()
    gc.freeze()
    trivial = _runs(AppTest.from_string("import streamlit as st\nst.title('trivial')"))
    return {"trivial page": _row(trivial, trivial)} | {
        name: _row(_runs(opened(page, **link)), trivial) for name, (page, link) in opened_at.items()
    }


def _runs(at: AppTest) -> list[float]:
    at.run()
    # A page that only says what went wrong is quick.
    assert not at.exception
    assert not at.error
    seconds = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        at.run()
        seconds.append(time.perf_counter() - begun)
    return seconds


def _row(seconds: list[float], trivial: list[float]) -> dict[str, Any]:
    p50, p95 = p50_p95_ms(seconds)
    return {"p50_ms": p50, "p95_ms": p95, "times_trivial": round(p50 / p50_p95_ms(trivial)[0], 1)}


def _cold_start(scratch: Path) -> dict[str, Any]:
    """From the command to the title in a browser: a first start on nothing, and a second one."""
    from playwright.sync_api import sync_playwright

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
