"""Small real files of every format, made by the libraries that write them, and PDF by hand."""

import threading
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from email.message import EmailMessage
from importlib import import_module
from io import BytesIO
from pathlib import Path

import docx
import pptx
import xlsxwriter
from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.util import Inches

from core.documents.extraction import media_type_of
from core.documents.extraction.formats import FORMATS
from core.documents.extraction.limits import ExtractionLimits
from core.documents.extraction.pages import Pages
from core.documents.extraction.process import Extracted, extract
from core.errors import ExtractionError
from tests.pipeline import PATIENCE_S

Stage = tuple[str, int, int]


def read(
    path: Path,
    *,
    media_type: str | None = None,
    limits: ExtractionLimits | None = None,
    on_stage: Callable[[str, int, int], None] = lambda stage, done, total: None,
    stop: threading.Event | None = None,
) -> Extracted:
    known = media_type or media_type_of(path.name, path.read_bytes())
    assert known is not None
    return extract(path, known, limits or ExtractionLimits(), on_stage, stop=stop)


class Reading(threading.Thread):
    """An extraction that goes on until something ends it."""

    def __init__(self, path: Path, limits: ExtractionLimits | None = None, stop: threading.Event | None = None):
        super().__init__(daemon=True)
        self._path, self._limits, self._stop_event = path, limits or ExtractionLimits(), stop
        self.error: ExtractionError | None = None
        self.extracted: Extracted | None = None
        self.start()

    def run(self) -> None:
        try:
            self.extracted = extract(self._path, "text/plain", self._limits, lambda *stage: None, stop=self._stop_event)
        except ExtractionError as error:
            self.error = error

    def ended(self) -> ExtractionError:
        self.join(PATIENCE_S)
        assert self.error is not None
        return self.error


LeftOut = dict[str, tuple[int, list[int]]]


def read_here(path: Path) -> tuple[str, LeftOut]:
    """The text, and count and pages of what it lacks by code. In this process: what readers say does not depend on the
    child they run in."""
    known = media_type_of(path.name, path.read_bytes())
    assert known is not None
    pages = Pages(10_000_000, lambda done, total: None)
    import_module(f"core.documents.extraction.{FORMATS[known].reader}").read(path, pages)
    return pages.text(), {code: (count, numbers) for code, count, numbers in pages.left_out()}


def saved(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def pdf(pages: Sequence[str], *, picture: bool = False) -> bytes:
    """Lines of Helvetica on each page; with `picture` a black square in their place, as a scan has it."""
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"", b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
    kids = []
    for text in pages:
        lines = text.replace("\n", ") Tj 0 -14 Td (")
        drawn = "72 500 200 200 re f" if picture else f"BT /F 12 Tf 72 700 Td ({lines}) Tj ET"
        stream = zlib.compress(drawn.encode("latin-1"))
        objects.append(b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(stream), stream))
        page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents %d 0 R/Resources<</Font<</F 3 0 R>>>>>>"
        objects.append(page % len(objects))
        kids.append(b"%d 0 R" % len(objects))
    objects[1] = b"<</Type/Pages/Kids[%s]/Count %d>>" % (b" ".join(kids), len(kids))
    return with_index(objects)


def drawn_pdf(pages: Sequence[str], notes: str = "", catalog: str = "") -> bytes:
    """Pages by what draws them: /F is Helvetica, /Scan and /Logo are pictures. `notes` are annotations of each page."""
    objects = [f"<</Type/Catalog/Pages 2 0 R{catalog}>>".encode(), b""]
    objects.append(b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>")
    picture = b"<</Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceGray/BitsPerComponent 8/Length %d>>"
    for width, height in ((32, 40), (20, 20), (4, 4)):
        data = b"\x99" * (width * height)
        objects.append(picture % (width, height, len(data)) + b"stream\n%s\nendstream" % data)
    kids = []
    for drawn in pages:
        objects.append(b"<</Length %d>>stream\n%s\nendstream" % (len(drawn), drawn.encode("latin-1")))
        resources = "<</Font<</F 3 0 R>>/XObject<</Scan 4 0 R/Logo 5 0 R/Dot 6 0 R>>>>"
        page = f"/MediaBox[0 0 600 800]/Contents {len(objects)} 0 R/Annots[{notes}]/Resources{resources}"
        objects.append(f"<</Type/Page/Parent 2 0 R{page}>>".encode())
        kids.append(b"%d 0 R" % len(objects))
    objects[1] = b"<</Type/Pages/Kids[%s]/Count %d>>" % (b" ".join(kids), len(kids))
    return with_index(objects)


def with_index(objects: Sequence[bytes]) -> bytes:
    out, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        offsets.append(b"%010d 00000 n \n" % len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    index = b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, b"".join(offsets))
    trailer = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(out))
    return out + index + trailer


def word(folder: Path, body: str = "Body text.") -> Path:
    document = docx.Document()
    document.sections[0].header.paragraphs[0].text = "Annual report"
    document.sections[0].footer.paragraphs[0].text = "Confidential"
    document.add_heading("Results", 1)
    document.add_paragraph(body)
    table = document.add_table(2, 2)
    for cell, text in zip(
        [*table.rows[0].cells, *table.rows[1].cells], ("Plant", "Output", "North", "11 %"), strict=True
    ):
        cell.text = text
    document.add_paragraph("After the table.")
    path = folder / "report.docx"
    document.save(str(path))
    return path


def rewritten(path: Path, member: str, change: Callable[[bytes], bytes]) -> Path:
    """The zip with one member changed."""
    out = BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(old.read(name)) if name == member else old.read(name))
    path.write_bytes(out.getvalue())
    return path


W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_SPACES = f"""xmlns:w="{W}" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"
xmlns:w14="http://schemas.microsoft.com/office/word/2010/wordml" """
_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "application/vnd.openxmlformats-package."


def word_of(folder: Path, body: str, others: Mapping[str, tuple[str, str | bytes]] | None = None, **parts: str) -> Path:
    """A Word file by its XML. `parts`: the inside of numbering, styles, comments, footnotes and so on; `others`: type
    of relation and content by name, related as the name says."""
    named: dict[str, tuple[str, str | bytes]] = dict(others or {})
    named |= {f"{kind}.xml": (kind, f"<w:{kind} {_SPACES}>{inside}</w:{kind}>") for kind, inside in parts.items()}
    relations = "".join(
        f'<Relationship Id="{name.partition(".")[0]}" Type="{_RELATION}/{kind}" Target="{name}"/>'
        for name, (kind, _) in named.items()
    )
    kinds = f"""rels {_PACKAGE}relationships+xml xml application/xml html text/html txt text/plain
rtf application/rtf mht message/rfc822 docx application/x-docx""".split()
    types = "".join(
        f'<Default Extension="{one}" ContentType="{kind}"/>' for one, kind in zip(kinds[::2], kinds[1::2], strict=True)
    )
    around = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{}</Relationships>'
    main = f'<Relationship Id="a" Type="{_RELATION}/officeDocument" Target="word/document.xml"/>'
    path = folder / "made.docx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        types = f'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">{types}</Types>'
        file.writestr("[Content_Types].xml", types)
        file.writestr("_rels/.rels", around.format(main))
        file.writestr("word/_rels/document.xml.rels", around.format(relations))
        file.writestr("word/document.xml", f"<w:document {_SPACES}><w:body>{body}</w:body></w:document>")
        for name, (_, content) in named.items():
            file.writestr(f"word/{name}", content)
    return path


def said(text: str, properties: str = "") -> str:
    """A paragraph of Word."""
    return f'<w:p><w:pPr>{properties}</w:pPr><w:r><w:t xml:space="preserve">{text}</w:t></w:r></w:p>'


def slides(folder: Path) -> Path:
    deck = pptx.Presentation()
    first = deck.slides.add_slide(deck.slide_layouts[1])
    first.shapes.title.text = "Outlook"
    first.placeholders[1].text = "Growth of 4 %"
    for holder in first.notes_slide.placeholders:
        if holder.placeholder_format.type == PP_PLACEHOLDER.SLIDE_NUMBER:
            holder.text_frame.text = "1"
    first.notes_slide.notes_text_frame.text = "Say it slowly."
    second = deck.slides.add_slide(deck.slide_layouts[6])
    table = second.shapes.add_table(1, 2, 0, 0, Inches(4), Inches(1)).table
    table.cell(0, 0).text, table.cell(0, 1).text = "Plant", "North"
    group = second.shapes.add_group_shape()
    group.shapes.add_textbox(0, 0, Inches(1), Inches(1)).text_frame.text = "In a group"
    path = folder / "deck.pptx"
    deck.save(str(path))
    return path


def workbook(folder: Path) -> Path:
    path = folder / "figures.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sales = book.add_worksheet("Sales")
        sales.write_row(0, 0, ["Region", "Sum", "Paid"])
        sales.write_row(1, 0, ["North\nand west", 3.0, True])
        sales.write_row(3, 0, ["South", 0.1 + 0.2, False])
        book.add_worksheet("Blank")
        book.add_worksheet("Costs").write(2, 1, "48,000 euros")
    return path


def letter() -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Zoë Müller <zoe@example.org>"
    message["To"] = "bob@example.org"
    message["Subject"] = "Größere Pumpen"
    message["Date"] = "Mon, 02 Mar 2026 10:00:00 +0000"
    message.set_content("The pumps arrive in June.")
    message.add_alternative("<p>The pumps arrive in <b>June</b>, and this is HTML.</p>", subtype="html")
    message.add_attachment(b"%PDF-1.4 ...", maintype="application", subtype="pdf", filename="Übersicht.pdf")
    return message


def zipped(files: Mapping[str, str | bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", compression) as made:
        for name, content in files.items():
            made.writestr(zipfile.ZipInfo(name) if compression == zipfile.ZIP_STORED else name, content)
    return out.getvalue()
