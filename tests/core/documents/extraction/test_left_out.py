"""Whatever a reader meets and leaves out, it names; where it names nothing, all of it is there."""

import zipfile
from email.message import EmailMessage
from pathlib import Path

import docx
import pptx
import pytest
import xlsxwriter
from docx.shared import Cm
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from core.documents.extraction import pdf_annotations
from core.documents.extraction.pages import MOST_PAGES, Pages
from tests.core.documents.extraction.making import (
    LeftOut,
    drawn_pdf,
    letter,
    pdf,
    read_here,
    rewritten,
    saved,
    slides,
    with_index,
    word,
    workbook,
)

TEXT = "BT /F 12 Tf 72 700 Td (Typed words.) Tj ET "
LONG = "BT /F 6 Tf 10 700 Td (" + "A sentence that goes on and on. " * 8 + ") Tj ET "
SCAN = "q 600 0 0 800 0 0 cm /Scan Do Q "
LOGO = "q 40 0 0 40 20 740 cm /Logo Do Q "
DOT = "q 4 0 0 4 20 740 cm /Dot Do Q "
INVISIBLE = "BT 3 Tr /F 12 Tf 72 700 Td (What OCR has read.) Tj ET "


def left_out(path: Path) -> LeftOut:
    """Count and pages by code."""
    return read_here(path)[1]


def of_pdf(folder: Path, pages: list[str], notes: str = "", catalog: str = "") -> LeftOut:
    return left_out(saved(folder, "a.pdf", drawn_pdf(pages, notes, catalog)))


def test_nothing_is_named_where_all_of_it_is_there(tmp_path: Path) -> None:
    for path in (
        saved(tmp_path, "a.pdf", pdf(["One.", "", "Three."])),
        *(word(tmp_path), slides(tmp_path), workbook(tmp_path)),
        saved(tmp_path, "a.html", "<h1>Heading</h1><p>Words.<ul><li>x</ul><script>no()</script>"),
        saved(tmp_path, "a.md", "# Title"),
    ):
        assert left_out(path) == {}, path.name


def test_a_pdf_of_ten_pages_of_which_eight_are_pictures_says_so(tmp_path: Path) -> None:
    assert of_pdf(tmp_path, [TEXT, *[SCAN] * 8, TEXT]) == {"PAGES_WITHOUT_TEXT": (8, list(range(2, 10)))}


@pytest.mark.parametrize(
    ("page", "named"),
    [
        (SCAN + TEXT, {"PAGES_WITHOUT_TEXT": (1, [1])}),  # a scan with a typed header
        (SCAN + INVISIBLE, {}),
        (SCAN + LONG, {"PICTURES_UNREAD": (1, [1])}),
        (LOGO, {"PAGES_WITHOUT_TEXT": (1, [1])}),
        (TEXT + LOGO, {"PICTURES_UNREAD": (1, [1])}),
        (TEXT + DOT, {}),
        ("0 0 0 rg 72 500 200 200 re f", {"PAGES_WITHOUT_TEXT": (1, [1])}),  # letters that are drawn
        (TEXT + "10 10 m 20 20 l S " * 300, {"PAGES_WITHOUT_TEXT": (1, [1])}),  # below a typed header, too
        (LONG + "10 10 m 20 20 l S " * 300, {}),
        ("1 1 1 rg 0 0 600 800 re f", {}),  # white ground
        ("", {}),
    ],
)
def test_pages_of_a_pdf(tmp_path: Path, page: str, named: LeftOut) -> None:
    assert of_pdf(tmp_path, [page]) == named


def test_a_letterhead_is_named_once(tmp_path: Path) -> None:
    assert of_pdf(tmp_path, [TEXT + LOGO] * 5) == {"PICTURES_UNREAD": (1, [1])}


@pytest.mark.parametrize(
    ("note", "code"),
    [
        ("/Subtype/Text/Contents(Legal does not accept this.)", None),
        ("/Subtype/Highlight/Contents()", None),
        ("/Subtype/Link", None),
        ("/Subtype/FileAttachment", "ATTACHMENTS_UNREAD"),
    ],
)
def test_notes_on_a_pdf(tmp_path: Path, note: str, code: str | None) -> None:
    found = of_pdf(tmp_path, [TEXT, TEXT], f"<</Type/Annot{note}/Rect[10 10 90 90]>>")
    assert found == ({code: (2, [1, 2])} if code else {})


def test_files_in_a_pdf_and_boxes_of_its_form(tmp_path: Path, fixtures: Path) -> None:
    names = "/Names<</EmbeddedFiles<</Names[(a.csv)<</Type/Filespec/F(a.csv)/EF<</F 3 0 R>>>>]>>>>"
    assert of_pdf(tmp_path, [TEXT], catalog=names) == {"ATTACHMENTS_UNREAD": (1, [])}
    assert left_out(fixtures / "form.pdf") == {}
    many = "<</Type/Annot/Subtype/Text/Contents(a)>>" * (pdf_annotations.MOST + 2)
    assert of_pdf(tmp_path, [TEXT], many) == {"COMMENTS_UNREAD": (2, [1])}


def test_glyphs_of_which_a_pdf_does_not_tell_the_character(tmp_path: Path) -> None:
    """A font of its own making: two glyphs whose names say nothing."""
    glyph, shown = b"10 0 0 0 10 10 d1 0 0 10 10 re f", b"BT /F 12 Tf 72 700 Td <0102010201> Tj ET"
    kind = b"/Subtype/Type3/FontBBox[0 0 10 10]/FontMatrix[.1 0 0 .1 0 0]/FirstChar 1/LastChar 2/Widths[10 10]"
    names = b"/CharProcs<</g1 6 0 R/g2 6 0 R>>/Encoding<</Type/Encoding/Differences[1/g1/g2]>>/Resources<<>>"
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 5 0 R/Resources<</Font<</F 3 0 R>>>>>>"
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[4 0 R]/Count 1>>"]
    objects += [b"<</Type/Font" + kind + names + b">>", page]
    objects += [b"<</Length %d>>stream\n%s\nendstream" % (len(one), one) for one in (shown, glyph)]
    assert left_out(saved(tmp_path, "a.pdf", with_index(objects))) == {"CHARACTERS_UNREAD": (5, [1])}


def test_single_glyphs_of_a_font_within_words(tmp_path: Path) -> None:
    """Two ligatures under names that pdfium does not know, at the places of a capital and of a small letter."""
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Made/FirstChar 32/LastChar 126/Widths[" + b"500 " * 95 + b"]"
    font += (
        b"/Encoding<</Type/Encoding/Differences[85/f_f 117/f_k]>>/FontDescriptor<</Type/FontDescriptor/FontName/Made"
    )
    font += b"/Flags 4/FontBBox[0 0 500 700]/ItalicAngle 0/Ascent 700/Descent 0/CapHeight 700/StemV 80>>>>"
    known = b"/MediaBox[0 0 9000 800]/Resources<</Font<</F 3 0 R>>>>"
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[4 0 R 6 0 R 8 0 R]/Count 3%s>>" % known, font]
    long = b"a long line of plain words " * 20
    for said in (long + b"goes on to huge", long + b"an oUence", long + b"to huge"):
        shown = b"BT /F 9 Tf 72 700 Td (%s) Tj ET" % said
        objects.append(b"<</Type/Page/Parent 2 0 R/Contents %d 0 R>>" % (len(objects) + 2))
        objects.append(b"<</Length %d>>stream\n%s\nendstream" % (len(shown), shown))
    # Of the first page it is not known: within a word, beyond the page's beginning, a small letter is taken for one.
    assert left_out(saved(tmp_path, "a.pdf", with_index(objects))) == {"CHARACTERS_UNREAD": (2, [2, 3])}


def in_word(folder: Path, xml: str) -> LeftOut:
    path = word(folder, "HERE")
    rewritten(path, "word/document.xml", lambda old: old.replace(b"<w:r><w:t>HERE</w:t></w:r>", xml.encode()))
    return left_out(path)


A = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
CHART = f'<w:r><w:drawing><a:graphic {A}><a:graphicData uri="http://x.org/2006/chart"/></a:graphic></w:drawing></w:r>'
VML = 'xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office"'
TWICE = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'


@pytest.mark.parametrize(
    ("xml", "code"),
    [
        ('<w:r><w:sym w:font="Wingdings" w:char="F0FE"/></w:r>', None),
        ('<w:r><w:fldChar w:fldCharType="begin"/><w:instrText> LISTNUM </w:instrText></w:r>', "NUMBERS_UNREAD"),
        ('<w:del w:id="1" w:author="a"><w:r><w:delText>deleted</w:delText></w:r></w:del>', "HIDDEN_UNREAD"),
        ('<w:pPr><w:pStyle w:val="ListNumber"/></w:pPr><w:r><w:t>first</w:t></w:r>', None),
        ('<w:pPr><w:pStyle w:val="ListBullet"/></w:pPr><w:r><w:t>first</w:t></w:r>', None),
        (CHART, "CHARTS_UNREAD"),
        (CHART.replace("/chart", "/diagram"), "CHARTS_UNREAD"),
        (f'<w:r><w:object {VML}><v:imagedata/><o:OLEObject Type="Embed"/></w:object></w:r>', "ATTACHMENTS_UNREAD"),
        (f'<w:r><w:pict {VML}><v:textpath string="DRAFT"/></w:pict></w:r>', None),
        (f"<w:r><mc:AlternateContent {TWICE}><mc:Fallback>{CHART}</mc:Fallback></mc:AlternateContent></w:r>", None),
    ],
)
def test_what_word_holds(tmp_path: Path, xml: str, code: str | None) -> None:
    assert in_word(tmp_path, xml) == ({code: (1, [])} if code else {})


def test_pictures_comments_and_merged_parts_of_word(tmp_path: Path) -> None:
    document = docx.Document()
    picture = str(saved(tmp_path, "logo.png", PNG))
    for width in (Cm(4), Cm(3), Cm(0.3)):  # the same one twice, and a line
        document.add_picture(picture, width, Cm(2))
    document.sections[0].header.paragraphs[0].add_run().add_picture(picture, Cm(2))
    run = document.add_paragraph("Liability is capped.").runs[0]
    document.add_comment(run, "Legal does not accept this.", "Reviewer")
    path = tmp_path / "a.docx"
    document.save(str(path))
    merged = b'<w:altChunk xmlns:r="http://x.org" r:id="a"/><w:sectPr'
    rewritten(path, "word/document.xml", lambda old: old.replace(b"<w:sectPr", merged, 1))
    assert left_out(path) == {"PICTURES_UNREAD": (1, []), "PARTS_UNREAD": (1, [])}


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8ffff3f0005fe02fe"
    "dccc59e70000000049454e44ae426082"
)


def test_what_slides_hold(tmp_path: Path) -> None:
    deck = pptx.Presentation()
    picture = str(saved(tmp_path, "logo.png", PNG))
    for number in range(3):
        slide = deck.slides.add_slide(deck.slide_layouts[5 if number else 6])
        slide.shapes.add_picture(picture, 0, 0, Inches(2), Inches(2))
        if number:
            slide.shapes.title.text = f"Slide {number}"
    data = CategoryChartData()
    data.categories = ["North"]
    data.add_series("Sales", (19.2,))
    slide.shapes.add_chart(XL_CHART_TYPE.PIE, 0, 0, Inches(2), Inches(2), data)
    body = slide.shapes.add_textbox(0, 0, Inches(1), Inches(1)).text_frame
    body.text = "numbered"
    deck.slide_masters[0].shapes._spTree.append(body._txBody.getparent().__copy__())
    path = tmp_path / "deck.pptx"
    deck.save(str(path))
    assert left_out(path) == {
        "PAGES_WITHOUT_TEXT": (1, [1]),
        "PICTURES_UNREAD": (1, [1]),
        "PARTS_UNREAD": (1, []),
    }


def test_what_a_workbook_holds(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        book.add_worksheet("Whole").write_formula(0, 0, "=1+1", None, 2)
        sheet = book.add_worksheet("Invoice")
        sheet.write_formula(0, 0, "=NOW()")  # XlsxWriter stores 0 for what Excel is to calculate
        sheet.write_formula(2, 0, "=1/0", None, "#DIV/0!")
        sheet.write_comment(0, 1, "Is this net or gross?")
        sheet.insert_textbox(5, 5, "A box with text")
        sheet.insert_image(9, 9, str(saved(tmp_path, "logo.png", PNG)), {"x_scale": 99, "y_scale": 99})
        sheet.set_header("&CConfidential")
        chart = book.add_chart({"type": "line"})
        chart.add_series({"values": "=Invoice!$A$1:$A$3"})
        sheet.insert_chart(20, 0, chart)
        alone = book.add_chart({"type": "pie"})
        alone.add_series({"values": "=Invoice!$A$1:$A$3"})
        book.add_chartsheet("Chart").set_chart(alone)
    assert left_out(path) == {
        "CELLS_WITHOUT_VALUE": (1, [2]),
        "PICTURES_UNREAD": (1, [2]),
    }


def test_formulas_without_any_result(tmp_path: Path) -> None:
    path = workbook(tmp_path)
    cell = b'<c r="F9"><f>RAND()</f><v></v></c><c r="G9"><f>F9</f></c><c r="H9" t="str"><f>""</f><v></v></c>'
    rewritten(path, "xl/worksheets/sheet1.xml", lambda old: old.replace(b"</row>", cell + b"</row>"))
    with zipfile.ZipFile(path) as archive:
        rows = archive.read("xl/worksheets/sheet1.xml").count(b"</row>")
    assert left_out(path) == {"CELLS_WITHOUT_VALUE": (2 * rows, [1])}


def test_what_is_looked_at_again_and_again_would_take_hours(tmp_path: Path) -> None:
    path = workbook(tmp_path)
    cells = b'<c r="A9" t="inlineStr"><is><t><![CDATA[' + b"<c " * 300_000 + b"]]></t></is></c>"
    rewritten(path, "xl/worksheets/sheet1.xml", lambda old: old.replace(b"</row>", cells + b"<f/></row>", 1))
    assert left_out(path) == {}
    path = word(tmp_path, "HERE")
    chain = "".join(
        f'<w:style w:type="paragraph" w:styleId="s{n}"><w:basedOn w:val="s{n + 1}"/></w:style>' for n in range(20_000)
    )
    rewritten(path, "word/styles.xml", lambda old: old.replace(b"</w:styles>", chain.encode() + b"</w:styles>"))
    styled = b'<w:p><w:pPr><w:pStyle w:val="s0"/></w:pPr><w:r><w:t>HERE</w:t></w:r></w:p>' * 5_000
    rewritten(path, "word/document.xml", lambda old: old.replace(b"<w:body>", b"<w:body>" + styled))
    assert left_out(path) == {}


@pytest.mark.parametrize(
    ("html", "named"),
    [
        ('<p>a<img src="x.png"><img src="x.png"><img src="y.png" alt="A plan">', {"PICTURES_UNREAD": (2, [])}),
        ('<p>a<img src="x.gif" width="1" height="1"><img src="y.png" alt=""><img src="cid:1">', {}),
        ("<p>a<svg><path/></svg><svg><text>North</text></svg>", {"PICTURES_UNREAD": (1, [])}),
        ('<p>a<iframe src="b.html"></iframe><select><option>b</select><input value="c">', {"PARTS_UNREAD": (1, [])}),
        ('<p>a<div hidden><p>b<p>c</div><div style="display:none"> </div>', {"HIDDEN_UNREAD": (1, [])}),
        ("<ol><li>a<li>b</ol><ul><li>c</ul>", {}),
        ("<p>TOP" + "<div>" * 2100 + "DEEP" + "</div>" * 2100 + "AFTER", {}),
        ("<svg>" * 2100 + "</svg>" * 2100 + "AFTER", {}),
        (b"<p>utf-8 that lost a byte: " + "größer ".encode() * 40 + b"\xc3 end", {"CHARACTERS_UNREAD": (1, [1])}),
    ],
)
def test_what_a_page_shows(tmp_path: Path, html: str | bytes, named: LeftOut) -> None:
    assert left_out(saved(tmp_path, "a.html", html)) == named


def of_mail(folder: Path, message: EmailMessage) -> LeftOut:
    return left_out(saved(folder, "a.eml", message.as_bytes()))


def test_what_came_with_a_mail(tmp_path: Path) -> None:
    message = letter()
    message.add_attachment(b"x", maintype="application", subtype="ms-tnef", filename="winmail.dat")
    message.add_attachment(PNG, maintype="image", subtype="png", disposition="inline", cid="<1>")
    assert of_mail(tmp_path, message) == {"ATTACHMENTS_UNREAD": (2, []), "PICTURES_UNREAD": (1, [])}


def test_page_numbers_are_bounded_and_counts_are_not() -> None:
    pages = Pages(100, lambda done, total: None)
    for number in range(MOST_PAGES + 5, 0, -1):
        pages.leave_out("PAGES_WITHOUT_TEXT", number)
    pages.leave_out("PICTURES_UNREAD", count=0)
    ((code, count, numbers),) = pages.left_out()
    assert (code, count, len(numbers), numbers[0]) == ("PAGES_WITHOUT_TEXT", MOST_PAGES + 5, MOST_PAGES, 6)
