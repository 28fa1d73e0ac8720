"""A page of a PDF as a picture: by whom it is drawn, and what is refused."""

import io
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from PIL import Image
from structlog.testing import capture_logs

from api import api
from core import samples
from core.documents import extract, page_images, upload
from core.documents.extraction import drawing, page_child, starting
from core.documents.extraction.limits import ExtractionLimits
from core.errors import Conflict, ExtractionError, NotFound
from core.runtime import scratch, worker_lease
from tests.core.documents.extraction.watching import parents
from tests.pipeline import add_document

FORM = Path(__file__).parents[2] / "fixtures" / "form.pdf"
SAMPLE = next(one.path for one in samples.files() if one.name.endswith(".pdf"))


def add(path: Path) -> str:
    with path.open("rb") as file:
        document = upload.add(path.name, file).document.id
    extract.extract_document(document, worker_lease.register("test"), threading.Event())
    return document


def ink(jpeg: bytes) -> float:
    """The share of dark pixels."""
    grey = Image.open(io.BytesIO(jpeg)).convert("L")
    dark = sum(grey.histogram()[:128])
    return dark / (grey.width * grey.height)


def test_each_page_is_drawn_as_it_looks_and_bounded(database: str) -> None:
    document = add(SAMPLE)
    first, second = page_images.of_page(document, 1), page_images.of_page(document, 2)
    assert first != second
    for jpeg in (first, second):
        assert max(Image.open(io.BytesIO(jpeg)).size) <= page_child.LONGEST_SIDE
        assert 0.001 < ink(jpeg) < 0.5
        assert len(jpeg) < drawing.MOST_BYTES
    assert not list(scratch.root().glob(f"{document}*"))
    # By a child of a parent of its own, not here.
    assert len(parents(kind="page_child")) == 1


def test_the_api_sends_the_picture_and_says_what_there_is_none_of(database: str) -> None:
    document, text = add(SAMPLE), add_document()
    client = TestClient(api, base_url="http://localhost")
    answer = client.get(f"/documents/{document}/pages/1/image")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert "private" in answer.headers["cache-control"]
    assert [
        client.get(f"/documents/{path}/image").status_code
        for path in (f"{document}/pages/999", f"{document}/pages/0", f"{text}/pages/1", "doc_gone/pages/1")
    ] == [404, 422, 409, 404]


def test_what_was_filled_into_a_form_is_drawn() -> None:
    import pypdfium2

    with pypdfium2.PdfDocument(FORM) as document:
        empty = document[0].render(scale=page_child.DOTS_PER_INCH / 72, may_draw_forms=False).to_pil()
    out = io.BytesIO()
    empty.save(out, "PNG")
    assert ink(drawing.draw(FORM, 0, ExtractionLimits())) > ink(out.getvalue())


def test_a_page_or_a_file_that_is_none_is_refused_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(ExtractionError, match="does not allow it"):
        drawing.draw(FORM, 99, ExtractionLimits())
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.7 no more")
    with pytest.raises(ExtractionError, match="Download the original"):
        drawing.draw(broken, 0, ExtractionLimits())


# A library of pdfium's name: what a file could make of the one that draws.
PLACE = """
import os
from pathlib import Path
def attack():
    for name in ({secret!r}, "/etc/hostname"):
        try:
            Path(name).read_bytes()
            return b"OPEN"
        except PermissionError:
            pass
    try:
        Path({made!r}).write_text("x")
        return b"OPEN"
    except PermissionError:
        return b"refused"
class PdfDocument:
    def __init__(self, path):
        os.write(1, attack() + Path(path).read_bytes()[:4])
        {then}
"""


@pytest.fixture
def in_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "libraries"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(folder))
    starting.end_shared()
    yield folder / "pypdfium2.py"
    starting.end_shared()


def test_code_in_its_place_reads_nothing_but_the_file(in_its_place: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.key"
    secret.write_text("secret")
    in_its_place.write_text(PLACE.format(secret=str(secret), made=str(tmp_path / "made"), then="os._exit(0)"))
    with capture_logs() as logged, pytest.raises(ExtractionError, match="does not allow it"):
        drawing.draw(FORM, 0, ExtractionLimits())
    assert logged[0]["complaint"] == "refused%PDF"


def test_one_that_does_not_end_is_ended(in_its_place: Path, tmp_path: Path) -> None:
    in_its_place.write_text(PLACE.format(secret="", made="", then="import time; time.sleep(600)"))
    with pytest.raises(ExtractionError, match="takes too long"):
        drawing.draw(FORM, 0, ExtractionLimits(seconds=1))
    assert not [child for one in parents(kind="page_child") for child in one.children()]


def test_more_than_a_picture_is_not_taken() -> None:
    received = drawing.Drawn()
    received.out(b"x" * drawing.MOST_BYTES)
    with pytest.raises(ExtractionError, match="too large"):
        received.out(b"x")


def test_what_is_not_read_or_no_pdf_has_no_picture(database: str) -> None:
    with pytest.raises(Conflict):
        page_images.of_page(add_document(), 1)
    with pytest.raises(NotFound):
        page_images.of_page(add(FORM), 99)
