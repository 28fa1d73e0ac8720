"""From a click to the DOM, in a real browser over a small database: `python -m tests.bench.clicks [directory]`.

`first`: until what was asked for stands there; `whole`: until nothing more changes. The clock is the browser's, from
its own event of the click.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Page, sync_playwright

from core.runtime.embedded_postgres import EmbeddedPostgres
from tests.bench import users
from tests.bench.measuring import by_hand, p50_p95_ms
from tests.journeys.conftest import CHROMIUM, FLAGS

TIMES = 10
QUIET_MS = 250
# `seen`: what is looked for after each change of the DOM, as a function of the document.
WATCH = """
(seen) => {
  const is_there = new Function('return ' + seen);
  window.cairn = {clicked: null, first: null, last: null};
  document.addEventListener('click', () => { window.cairn.clicked ??= performance.now() }, {capture: true, once: true});
  window.cairn.observer?.disconnect();
  const observer = new MutationObserver(() => {
    const now = performance.now(), of = window.cairn;
    if (of.clicked === null) return;
    of.last = now;
    if (of.first === null && is_there()) of.first = now;
  });
  observer.observe(document.body, {subtree: true, childList: true, characterData: true, attributes: true});
  window.cairn.observer = observer;
}
"""
ENDED = f"() => window.cairn.first !== null && performance.now() - window.cairn.last > {QUIET_MS}"
TOOK = "() => { const c = window.cairn; c.observer.disconnect(); return [c.first - c.clicked, c.last - c.clicked] }"


def measure(scratch: Path, *, keep: bool = False) -> dict[str, dict[str, Any]]:
    if CHROMIUM is None:
        return {}
    postgres = EmbeddedPostgres(scratch)
    url = postgres.start()
    try:
        opened = users._house(url, scratch / "house.json" if keep else None)
        with users._server(scratch, "cairn", url) as app, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM, args=FLAGS[:-1]
            )  # with optimized code, as people have it
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            try:
                return _all(page, app.url, opened)
            finally:
                browser.close()
    finally:
        postgres.stop()


@dataclass(frozen=True)
class Click:
    """There and back again, as a newcomer sees what was asked for: JavaScript that is true once it stands there."""

    there: Callable[[], None]
    seen: str
    back: Callable[[], None]
    seen_again: str


def _all(page: Page, url: str, opened: Mapping[str, tuple[str, Mapping[str, str]]]) -> dict[str, dict[str, Any]]:
    def menu(title: str) -> Callable[[], None]:
        return page.get_by_test_id("stSidebarNavLink").filter(has_text=title).first.click

    def heading(title: str) -> str:
        return f"document.querySelector('h1')?.textContent.startsWith({title!r})"

    def tab(name: str) -> Callable[[], None]:
        return page.get_by_role("tab", name=name).click

    def choice(name: str) -> Callable[[], None]:
        return page.get_by_role("radio", name=name).click

    def has(text: str) -> str:
        return f"document.body.textContent.includes({text!r})"

    def open_(name: str) -> None:
        address, link = opened[name]
        page.goto(f"{url}/{users.ADDRESSES.get(address, address)}?{urlencode(link)}")
        page.get_by_test_id("stApp").and_(page.locator("[data-test-script-state=notRunning]")).wait_for()
        page.locator("h1").wait_for()

    rows = {}
    open_("overview")
    for title in ("Documents", "Analyse", "Jobs", "Insights", "Matrix", "Review", "Templates", "Costs", "Health"):
        click = Click(menu(title), heading(title), menu("Overview"), heading("Overview"))
        rows[f"to {title}"] = _measured(page, click)
    open_("insight")
    click = Click(
        tab("Documents"), "document.querySelector('[data-testid=stDataFrame]')", tab("Evidence"), has("Open in")
    )
    rows["a tab of an insight"] = _measured(page, click)
    open_("review")
    click = Click(choice("settled"), f"!{has('this wording stays')}", choice("open"), has("this wording stays"))
    rows["what is settled"] = _measured(page, click)
    return rows


def _measured(page: Page, click: Click) -> dict[str, Any]:
    found: list[list[float]] = []
    for _ in range(TIMES + 2):
        found.append(_one(page, click.there, click.seen))
        _one(page, click.back, click.seen_again)
    first, whole = (p50_p95_ms([one[at] / 1000 for one in found[2:]]) for at in (0, 1))
    return dict(zip(("first_p50_ms", "first_p95_ms", "whole_p50_ms", "whole_p95_ms"), (*first, *whole), strict=True))


def _one(page: Page, click: Callable[[], None], seen: str) -> list[float]:
    page.evaluate(WATCH, seen)
    click()
    page.wait_for_function(ENDED)
    took: list[float] = page.evaluate(TOOK)
    return took


if __name__ == "__main__":
    by_hand(measure)
