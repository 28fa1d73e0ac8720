"""Words in pictures are recognized: where they stand in the text, which pages were read so, and what is said where they
cannot be read. All pictures are small: each takes the processor some tenths of a second."""

import base64
import io
import threading
from contextlib import suppress
from email.message import EmailMessage
from pathlib import Path

import docx
import pptx
import psutil
import pytest
from docx.shared import Cm
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from pptx.util import Inches

from core.documents.extraction import recognizing, starting
from core.documents.extraction.limits import ExtractionLimits
from core.documents.extraction.process import Extracted
from core.documents.extraction.received import Found, PictureFound
from core.documents.extraction.recognizing import Words, pages_of
from core.tables.documents import DocumentWarning
from tests.core.documents.extraction.making import read, saved, with_index
from tests.core.documents.extraction.watching import parents
from tests.pipeline import PATIENCE_S, until_now

MODELS_BYTES = 150 << 20
ONE, TWO, THREE = "The penalty is 2.5 percent", "Delivered on 14 March 2026", "Signed by Anna Berger"
# Darker than paper by so much that a page is looked at where the picture stands, and not as a whole.
GROUND, FAINT = 220, 200
TYPED = "BT /F 12 Tf 72 760 Td (A typed heading.) Tj ET "
# Over the picture, beside its words.
OVER = "BT /F 9 Tf 470 610 Td (Typed over it.) Tj ET "
SCAN = "q 500 0 0 100 50 600 cm /Scan Do Q "


def drawn(words: str, *, turned: int = 0, ink: int = 20) -> Image.Image:
    image = Image.new("L", (500, 100), GROUND)
    lines = words.split("\n")
    font = ImageFont.load_default(size=28 if len(lines) == 1 else 22)
    for number, line in enumerate(lines):
        ImageDraw.Draw(image).text((20, 12 + number * 40), line, font=font, fill=ink)
    return image.rotate(turned, expand=True)


def png(words: str, *, ink: int = 20) -> bytes:
    out = io.BytesIO()
    drawn(words, ink=ink).save(out, "PNG")
    return out.getvalue()


def scans(*pages: tuple[str, str | None]) -> bytes:
    """A PDF of pages by what draws them, and the words of their picture /Scan."""
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"", b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
    kids = []
    for content, words in pages:
        picture = drawn(words or "").tobytes()
        head = b"<</Subtype/Image/Width 500/Height 100/ColorSpace/DeviceGray/BitsPerComponent 8/Length %d>>"
        objects.append(head % len(picture) + b"stream\n%s\nendstream" % picture)
        objects.append(b"<</Length %d>>stream\n%s\nendstream" % (len(content), content.encode()))
        known = b"/Resources<</Font<</F 3 0 R>>/XObject<</Scan %d 0 R>>>>" % (len(objects) - 1)
        page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents %d 0 R%s>>"
        objects.append(page % (len(objects), known))
        kids.append(b"%d 0 R" % len(objects))
    objects[1] = b"<</Type/Pages/Kids[%s]/Count %d>>" % (b" ".join(kids), len(kids))
    return with_index(objects)


def warned(got: Extracted) -> list[tuple[str, int, tuple[int, ...]]]:
    return [(one.code, one.count, one.pages) for one in got.warnings]


def recognized(got: Extracted) -> list[str]:
    return [got.text[start:end] for start, end in got.recognized]


def test_pages_of_a_pdf_that_are_pictures_are_read_between_those_that_are_not(tmp_path: Path) -> None:
    pages = scans((TYPED, None), (SCAN, ONE), (TYPED + SCAN + OVER, TWO), (SCAN, None), (TYPED, None))
    stages: list[tuple[str, int, int]] = []
    got = read(saved(tmp_path, "a.pdf", pages), on_stage=lambda *stage: stages.append(stage))
    texts = [got.text[a:b].strip() for a, b in zip(got.page_starts, [*got.page_starts[1:], None], strict=True)]
    assert texts == ["A typed heading.", ONE, f"A typed heading.\nTyped over it.\n{TWO}", "", "A typed heading."]
    assert recognized(got) == [ONE, TWO]
    assert pages_of(got.recognized, got.page_starts) == (2, 3)
    assert warned(got) == [("PAGES_WITHOUT_TEXT", 1, (4,))]
    told = [(done, total) for stage, done, total in stages if stage == recognizing.STAGE]
    assert (told[0], told[-1]) == ((0, 3), (3, 3))


def test_a_picture_of_word_stands_below_its_paragraph_and_one_of_a_slide_on_its_page(tmp_path: Path) -> None:
    document, deck = docx.Document(), pptx.Presentation()
    document.add_paragraph("Before.")
    document.add_picture(io.BytesIO(png(ONE)), width=Cm(10))
    document.add_picture(io.BytesIO(png(ONE)), width=Cm(10))
    document.add_paragraph("After.")
    document.save(str(tmp_path / "a.docx"))
    got = read(tmp_path / "a.docx")
    assert (got.text, warned(got)) == (f"Before.\n\n{ONE}\n\nAfter.", [])
    deck.slides.add_slide(deck.slide_layouts[5]).shapes.title.text = "First"
    deck.slides.add_slide(deck.slide_layouts[6]).shapes.add_picture(io.BytesIO(png(TWO, ink=FAINT)), 0, 0, Inches(5))
    deck.save(str(tmp_path / "a.pptx"))
    got = read(tmp_path / "a.pptx")
    assert (got.text, warned(got)) == (f"First\n\n{TWO}", [])
    assert pages_of(got.recognized, got.page_starts) == (2,)


def test_what_came_with_a_mail_and_a_broken_picture_beside_it(tmp_path: Path) -> None:
    mail = EmailMessage()
    mail["Subject"] = "Contract"
    mail.set_content("See below.")
    mail.add_attachment(scans((SCAN, ONE)), maintype="application", subtype="pdf", filename="contract.pdf")
    mail.add_attachment(png(TWO), maintype="image", subtype="png", filename="photo.png")
    for data, name in ((png(THREE), "seal.png"), (png(THREE)[:200], "broken.png")):
        mail.add_attachment(data, maintype="image", subtype="png", filename=name, disposition="inline")
    got = read(saved(tmp_path, "a.eml", mail.as_bytes()))
    for name, words in (("contract.pdf", ONE), ("photo.png", TWO), ("seal.png", THREE)):
        assert f"Attachment: {name}\n\n{words}" in got.text
    assert warned(got) == [("PICTURES_UNREAD", 1, ())]


def test_a_picture_that_a_page_of_html_holds(tmp_path: Path) -> None:
    held = f"<img src='data:image/png;base64,{base64.encodebytes(png(ONE)).decode()}'>"
    broken = "<img src='data:image/png;base64,%%%'>"
    page = f"<p>Before {held} after.</p><p hidden>{held}</p>{held}{broken}<img src='http://x.org/a.png'>"
    got = read(saved(tmp_path, "a.html", page))
    assert got.text == f"Before\n{ONE}\nafter."
    assert warned(got) == [("PICTURES_UNREAD", 2, ())]
    mail = EmailMessage()
    mail.set_content("See the figure.")
    mail.add_alternative(f"<p>See the figure.</p>{held}", subtype="html")
    got = read(saved(tmp_path, "a.eml", mail.as_bytes()))
    assert (got.text.split("\n"), warned(got)) == (["See the figure.", "", ONE], [])


def test_a_picture_file_is_pages_that_may_lie_on_their_side(tmp_path: Path) -> None:
    lines = f"{ONE}\n{TWO}"
    # Blurred, this is said to stand on its head, and is not.
    upright = Image.new("L", (500, 100), 240)
    ImageDraw.Draw(upright).text((20, 20), "pseudo apes spade", font=ImageFont.load_default(size=20), fill=20)
    upright = upright.filter(ImageFilter.GaussianBlur(1.6))
    frames = [drawn(THREE), drawn(lines, turned=90), upright, upright.rotate(180)]
    frames[0].save(tmp_path / "a.tiff", save_all=True, append_images=frames[1:])
    got = read(tmp_path / "a.tiff")
    assert got.text.split("\n\n") == [THREE, lines, *["pseudo apes spade"] * 2]
    assert (len(got.page_starts), warned(got)) == (4, [])


def test_without_memory_for_it_pictures_are_named_and_the_rest_is_there(tmp_path: Path) -> None:
    path = saved(tmp_path, "a.pdf", scans((TYPED, None), (SCAN, ONE)))
    got = read(path, limits=ExtractionLimits(recognizing_memory_bytes=100_000_000))
    assert (got.text.strip(), warned(got)) == ("A typed heading.", [("PAGES_WITHOUT_TEXT", 1, (2,))])
    assert got.recognized == ()


def test_a_picture_that_takes_too_long_is_not_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recognizing, "SECONDS_EACH", 0.0)
    stop = threading.Event()
    hang = threading.Timer(PATIENCE_S, stop.set)  # it would be tried for an hour
    hang.start()
    try:
        got = read(saved(tmp_path, "a.pdf", scans((TYPED, None), (SCAN, ONE), (SCAN, TWO))), stop=stop)
    finally:
        hang.cancel()
    assert (got.text.strip(), warned(got)) == ("A typed heading.", [("PAGES_WITHOUT_TEXT", 2, (2, 3))])


def test_it_may_be_switched_off_and_says_so(tmp_path: Path) -> None:
    path = saved(tmp_path, "a.pdf", scans((TYPED, None), (SCAN, ONE)))
    got = read(path, limits=ExtractionLimits(pictures=0))
    assert warned(got) == [("PAGES_WITHOUT_TEXT", 1, (2,)), ("OCR_OFF", 1, (2,))]
    with pytest.raises(Exception, match="switched off by EXTRACTION_OCR"):
        read(saved(tmp_path, "a.png", png(ONE)), limits=ExtractionLimits(pictures=0))
    few = read(saved(tmp_path, "b.pdf", scans((SCAN, ONE), (SCAN, TWO))), limits=ExtractionLimits(pictures=1))
    assert (recognized(few), warned(few)) == ([ONE], [("PAGES_WITHOUT_TEXT", 1, (2,))])


def test_its_children_have_one_thread_in_the_sandbox_and_a_killed_one_costs_its_picture(tmp_path: Path) -> None:
    path = saved(tmp_path, "a.pdf", scans((SCAN, ONE), (SCAN, TWO), (SCAN, THREE)))
    killed: list[list[str]] = []

    def kill() -> bool:
        """False as long as there is none to be killed."""
        with suppress(psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
            for child in at_work():
                child.suspend()
                killed.append([line for task in Path(f"/proc/{child.pid}/task").iterdir() for line in secured(task)])
                child.kill()
                return True
        return False

    killer = threading.Thread(target=lambda: until_now(kill), daemon=True)
    killer.start()
    got = read(path)
    killer.join()
    assert killed == [["NoNewPrivs:\t1", "Seccomp:\t2"]]  # of one thread
    # None where its models were not all there yet.
    missing = 3 - len(recognized(got))
    assert missing in (0, 1)
    assert [(code, count) for code, count, _ in warned(got)] == [("PAGES_WITHOUT_TEXT", 1)] * missing


def at_work() -> list[psutil.Process]:
    """Children that recognize words, once they have their models in memory."""
    children = (child for one in parents(kind="ocr_child") for child in one.children())
    return [child for child in children if memory(child) > MODELS_BYTES]


def memory(child: psutil.Process) -> int:
    with suppress(psutil.NoSuchProcess):
        return int(child.memory_info().rss)
    return 0


def secured(task: Path) -> list[str]:
    lines = (task / "status").read_text().splitlines()
    return [line for line in lines if line.startswith(("NoNewPrivs:", "Seccomp:"))]


def test_words_are_put_in_their_places_and_what_is_missing_is_named() -> None:
    pictures = [(0, True), (4, False), (4, False), (9, True), (11, True)]
    found = Found(
        (0, 2, 9, 11),
        (DocumentWarning("PAGES_WITHOUT_TEXT", 1, (7,)),),
        "\n\nTwo.\n\n\n\n\n",
        tuple(PictureFound(at, "PICTURES_UNREAD", 3, alone, 0, 1) for at, alone in pictures),
    )
    words = {0: Words("a", doubtful=False), 1: Words("bb", doubtful=True), 2: Words("", doubtful=False), 3: None}
    got = recognizing._put_in(found, words | {4: Words("", doubtful=False)}, 100)
    assert got.text == "a\n\nTw\nbb\no.\n\n\n\n\n"
    assert [got.text[start:end] for start, end in got.spans] == ["a", "bb"]
    assert got.page_starts == (0, 3, 14, 16)
    assert set(got.warnings) == {
        DocumentWarning("PAGES_WITHOUT_TEXT", 2, (4, 7)),
        DocumentWarning("PICTURES_UNREAD", 3, (3,)),
        DocumentWarning("WORDS_UNSURE", 1, (2,)),
    }


@pytest.mark.parametrize(
    "said",
    [
        b"no JSON\n",
        b'{"seen": "a", "lines": -1, "doubtful": 0}\n',
        b'{"seen": "a\\u0000", "lines": 1, "doubtful": 0}\n',
        b'{"seen": 7, "lines": 1, "doubtful": 0}\n',
        b'{"failed": true}\n' * 3,
        b" " * (recognizing.LINE_BYTES + 1),
    ],
    ids=lambda said: said[:40].decode(),
)
def test_what_no_child_says_is_no_answer(said: bytes) -> None:
    with pytest.raises(Exception, match="no answer that can be used"):
        recognizing._Said(2).out(said)


@pytest.fixture(scope="module", autouse=True)
def _end_parents() -> object:
    yield
    starting.end_shared()
