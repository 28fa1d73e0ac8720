"""The pictures of the README, from a real run: `python -m tests.pictures` draws docs/*.png anew.

Notes of a plant are uploaded, a batch job is launched at a server on loopback that stands in OpenAI's place, and the
pages are looked at in Chromium before, while and after it answers; then a fresh Cairn with the samples, and no key.
"""

import json
import tempfile
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.batch_provider.lines import AskedLine, Line, Used
from tests.batch_provider.server import BatchProvider
from tests.journeys.conftest import CHROMIUM, FLAGS, ROOT, App, start_app, visit, wait_until

NOTES, DONE = 200, 128
SAMPLES, QUOTED = 7, "sqlite-how-it-is-tested.html"
COLLECTION = "weekly notes"
WHAT = (
    ("Two pumps failed in hall {hall}, and output fell by {share} percent", "pump"),
    ("The supplier delivered the gaskets {days} days late", "supply"),
    ("The audit of hall {hall} found {days} open points, and all were closed within the month", "audit"),
    ("Scrap rose to {share} percent after the change of the coating", "scrap"),
    ("The new shift plan saved {days},200 euros of overtime", "shifts"),
)
THEN = (
    "Repairs took {days} days and cost {cost},000 euros",
    "The supplier agreed to replace the parts before the end of June",
    "Management expects hall {hall} back at full output in July",
)


def note(number: int) -> str:
    """Of several weeks some say the same, as real ones do."""
    given = {"hall": 1 + number % 4, "share": 3 + number % 9, "days": 2 + number % 7, "cost": 12 + number % 11}
    first, second = WHAT[number % len(WHAT)][0], THEN[number % len(THEN)]
    return f"Week {1 + number % 52} of the northern plant. {first.format(**given)}. {second.format(**given)}."


def answer(asked: AskedLine) -> Line:
    """What a good model finds: each sentence but the heading, quoted word for word."""
    sentences = [f"{one.strip()}." for one in asked.document.strip().rstrip(".").split(". ")[1:]]
    points = [{"statement": one, "quote": one} for one in sentences]
    return Line(json.dumps({"points": points}), used=Used(input=511, output=180))


def post(app: App, path: str, body: bytes, kind: str) -> Any:
    asked = urllib.request.Request(f"{app.url}/api/v1{path}", body, {"content-type": kind})
    with urllib.request.urlopen(asked) as reply:
        return json.loads(reply.read())


def get(app: App, path: str) -> Any:
    return json.loads(app.get(f"/api/v1{path}")[1])


def upload(app: App) -> None:
    for begin in range(0, NOTES, 50):
        edge = uuid.uuid4().hex
        parts = [f'--{edge}\r\ncontent-disposition: form-data; name="collection"\r\n\r\n{COLLECTION}\r\n']
        parts += [
            f'--{edge}\r\ncontent-disposition: form-data; name="files"; filename="week-{number:03}.txt"\r\n'
            f"content-type: text/plain\r\n\r\n{note(number)}\r\n"
            for number in range(begin, begin + 50)
        ]
        post(app, "/documents", f"{''.join(parts)}--{edge}--\r\n".encode(), f"multipart/form-data; boundary={edge}")
    wait_until(lambda: len(get(app, "/documents?state=ready&limit=500")["items"]) == NOTES, "they were not read")


def take(page: Page, app: App, address: str, name: str, press: str = "", *, height: int = 860) -> None:
    page.set_viewport_size({"width": 1300, "height": height})
    visit(page, f"{app.url}/{address}")
    if press:
        page.get_by_text(press).click()
    # Grids and charts load their code and draw a moment after the run has ended.
    page.wait_for_timeout(2500)
    page.screenshot(path=ROOT / "docs" / f"{name}.png")


def draw(app: App, provider: BatchProvider, page: Page) -> None:
    upload(app)
    analyse = "analyse?collection=weekly+notes&template=Key+points"
    take(page, app, analyse, "batch-before", "Batch, overnight", height=1000)
    spec = {"template": "key_points", "provider": "openai", "collection": COLLECTION, "lane": "batch"}
    job = post(app, "/jobs/", json.dumps({**spec, "name": f"Key points: {COLLECTION}"}).encode(), "application/json")
    wait_until(lambda: provider.batches, "no batch arrived")
    batch = provider.batches[0]
    provider.set_state(batch.id, "in_progress")
    with provider.lock:
        batch.outcomes["succeeded"] = DONE
    at = f"/jobs/{job['id']}"
    wait_until(lambda: str(DONE) in str(get(app, f"{at}/batches")), "its progress was not seen")
    take(page, app, f"job?id={job['id']}&tab=Provider+batches", "batch-running")
    with provider.lock:
        batch.outcomes["succeeded"] = 0
    provider.finish(batch.id)
    wait_until(lambda: get(app, at)["state"] == "completed", "it did not end")
    take(page, app, f"job?id={job['id']}", "batch-done")


def draw_samples(app: App, page: Page) -> None:
    visit(page, app.url)
    page.get_by_role("button", name="Load sample documents").click()
    wait_until(lambda: len(get(app, "/documents?state=ready")["items"]) >= SAMPLES, "the samples were not read")
    spec = {"template": "key_points", "provider": "offline", "collection": "samples"}
    job = post(app, "/jobs/", json.dumps(spec).encode(), "application/json")
    wait_until(lambda: get(app, f"/jobs/{job['id']}")["state"] == "completed", "it did not end")
    take(page, app, "", "overview")
    found = [one["evidence"][0] for one in get(app, "/insights?limit=100")["items"]]
    (document,) = [one["id"] for one in get(app, "/documents?limit=100")["items"] if one["name"] == QUOTED]
    quote = next(one for one in found if one["supported"] and one["document"] == document)
    take(page, app, f"document?id={quote['document']}&start={quote['start']}&end={quote['end']}", "quote")


def main() -> None:
    provider = BatchProvider()
    provider.line_plan = answer
    provider.auto = False
    provider.start()
    with tempfile.TemporaryDirectory(prefix="cairn-pictures-") as scratch, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        given = {"OPENAI_API_KEY": "test", "OPENAI_BASE_URL": provider.openai_url, "BATCH_POLL_SECONDS": "1"}
        with _running(Path(scratch) / "batch", **given) as app:
            draw(app, provider, browser.new_page(color_scheme="light"))
        with _running(Path(scratch) / "samples") as app:
            draw_samples(app, browser.new_page(color_scheme="light"))
        browser.close()
    provider.stop()


@contextmanager
def _running(data: Path, **given: str) -> Iterator[App]:
    app = start_app(data, **given)
    try:
        yield app
    finally:
        app.stop()


if __name__ == "__main__":
    main()
