"""What a slide shows: its boxes as they are read, figures of charts, numbers of lists, what is hidden, comments."""

import zipfile
from pathlib import Path

import pptx
import pytest
from lxml import etree
from pptx.chart.data import BubbleChartData, CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from core.documents.extraction import graphics
from core.documents.extraction.slide_numbers import written
from tests.core.documents.extraction.making import read_here, rewritten

DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"


def box(shapes, text: str, left: float, top: float, width: float = 1, height: float = 0.5):  # type: ignore[no-untyped-def]
    frame = shapes.add_textbox(Inches(left), Inches(top), Inches(width), Inches(height))
    frame.text_frame.text = text
    return frame


def saved_deck(deck, folder: Path) -> Path:  # type: ignore[no-untyped-def]
    path = folder / "deck.pptx"
    deck.save(str(path))
    return path


def test_boxes_are_read_as_they_stand(tmp_path: Path) -> None:
    """Two columns of unequal boxes below a line, a group among them; drawn from the bottom."""
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    box(slide.shapes, "footnote", 1, 6, 8)
    box(slide.shapes, "right below", 5, 4.2, 3)
    box(slide.shapes, "right above", 5, 2, 3, 2.1)
    box(slide.shapes, "left below", 1, 3.2, 3, 2)
    box(slide.shapes, "left above", 1, 2, 3, 1)
    group = slide.shapes.add_group_shape()
    box(group.shapes, "second", 4, 1.5)
    box(group.shapes, "first", 1, 1.5)
    slide.shapes.title.text = "Title"
    slide.shapes._spTree.append(slide.shapes.title._element)  # drawn last
    text, left_out = read_here(saved_deck(deck, tmp_path))
    lines = ["Title", "first", "second", "left above", "left below", "right above", "right below", "footnote"]
    assert (text.split("\n"), left_out) == (lines, {})


def test_boxes_upon_boxes_end(tmp_path: Path) -> None:
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    for number in range(300):  # a staircase that no line cuts
        box(slide.shapes, str(number), number / 100, (300 - number) / 100, 2, 2)
    text, _ = read_here(saved_deck(deck, tmp_path))
    assert text.split("\n") == [str(number) for number in reversed(range(300))]


def test_charts_tell_their_titles_and_figures(tmp_path: Path) -> None:
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = "Sales"
    data = CategoryChartData(number_format="#,##0")
    north = data.add_category("2026")
    north.add_sub_category("Q1")
    north.add_sub_category("Q2")
    data.add_category("2027").add_sub_category("Q1")
    data.add_series("Pumps", (1200, None, 7.6))
    data.add_series("Valves", (4, 5, 6))
    chart = slide.shapes.add_chart(XL_CHART_TYPE.LINE, 0, Inches(2), Inches(4), Inches(3), data).chart
    chart.has_title = True
    chart.chart_title.text_frame.text = "Sold by quarter"
    chart.value_axis.has_title = True
    chart.value_axis.axis_title.text_frame.text = "pieces"
    bubbles = BubbleChartData()
    bubbles.add_series("Plants").add_data_point(1, 2, 3)
    slide.shapes.add_chart(XL_CHART_TYPE.BUBBLE, 0, Inches(5), Inches(4), Inches(2), bubbles)
    text, left_out = read_here(saved_deck(deck, tmp_path))
    assert text == (
        "Sales\nSold by quarter\npieces\n\tPumps\tValves\n2026 / Q1\t1,200\t4\n2026 / Q2\t\t5\n2027 / Q1\t8\t6\n"
        "\tPlants\t\n1\t2\t3"
    )
    assert left_out == {}


def test_a_chart_without_figures_is_named(tmp_path: Path) -> None:
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    box(slide.shapes, "words", 0, 0)
    data = CategoryChartData()
    data.categories = ["a"]
    data.add_series("b", (1,))
    slide.shapes.add_chart(XL_CHART_TYPE.PIE, 0, 0, Inches(2), Inches(2), data)
    path = saved_deck(deck, tmp_path)
    with zipfile.ZipFile(path) as file:
        chart = next(name for name in file.namelist() if "charts/chart" in name and name.endswith(".xml"))
    rewritten(path, chart, lambda old: old.replace(b"numCache", b"gone").replace(b"<c:v>b<", b"<c:v><"))
    assert read_here(path) == ("words", {"CHARTS_UNREAD": (1, [1])})


@pytest.mark.parametrize(
    ("value", "code", "seen"),
    [
        ("0.192", "0.0%", "19.2%"),
        ("0.30000000000000004", "General", "0.3"),
        ("46023", "yyyy\\-mm\\-dd", "2026-01-01"),
        ("1234567.891", "#,##0.00", "1,234,567.89"),
        ("12.5", '"EUR" 0.0', "EUR 12.5"),
        ("37261", "m/d/yyyy", "2002-01-05"),
        ("nan", "0.0", "nan"),
        ("none", "0", "none"),
        ("1e300", "d/m/yyyy", "1E+300"),
    ],
)
def test_figures_as_they_are_shown(value: str, code: str, seen: str) -> None:
    assert graphics.shown(value, code) == seen


def test_dates_of_a_chart_from_a_macintosh() -> None:
    numbers = "<c:numCache><c:formatCode>d.m.yy</c:formatCode><c:pt idx='0'><c:v>44561</c:v></c:pt></c:numCache>"
    series = (
        f"<c:ser><c:cat>{numbers}</c:cat><c:val><c:numLit><c:pt idx='0'><c:v>7</c:v></c:pt></c:numLit></c:val></c:ser>"
    )
    root = f'<c:chartSpace xmlns:c="http://x.org/c"><c:date1904 val="1"/>{series}</c:chartSpace>'
    assert graphics.lines(etree.fromstring(root)) == ["1.1.26\t7"]


def test_newer_charts() -> None:
    space = 'xmlns:cx="http://schemas.microsoft.com/office/drawing/2014/chartex"'
    dimensions = """<cx:strDim type="cat"><cx:lvl><cx:pt idx="0">Start</cx:pt><cx:pt idx="1">End</cx:pt></cx:lvl>
</cx:strDim><cx:numDim type="val"><cx:lvl formatCode="General"><cx:pt idx="0">7</cx:pt><cx:pt idx="1">9</cx:pt>
</cx:lvl></cx:numDim>"""
    series = "<cx:series><cx:tx><cx:txData><cx:v>Cash</cx:v></cx:txData></cx:tx></cx:series>"
    root = etree.fromstring(f'<cx:chartSpace {space}><cx:data id="0">{dimensions}</cx:data>{series}</cx:chartSpace>')
    assert graphics.lines(root) == ["Cash", "Start\t7", "End\t9"]


def test_what_is_hidden_is_marked(tmp_path: Path) -> None:
    deck = pptx.Presentation()
    for number in range(3):
        slide = deck.slides.add_slide(deck.slide_layouts[6])
        if number < 2:
            box(slide.shapes, f"price {number}", 0, 0)
        secret = box(slide.shapes, "cost", 0, 1) if not number else None
        if secret is not None:
            secret._element.nvSpPr.cNvPr.set("hidden", "1")
        else:
            slide._element.set("show", "0")
    text, _ = read_here(saved_deck(deck, tmp_path))
    assert text == "price 0\n[Hidden: cost]\n\n[Hidden slide]\nprice 1\n\n"


def test_numbers_of_lists(tmp_path: Path) -> None:
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    frame = box(slide.shapes, "\n".join("abcdefg"), 0, 0).text_frame
    kinds = "arabicPeriod alphaLcParenBoth alphaLcParenBoth arabicPeriod - romanUcPeriod bahtText".split()
    for paragraph, kind in zip(frame.paragraphs, kinds, strict=True):
        properties = paragraph._p.get_or_add_pPr()
        properties.set("lvl", "1" if kind.startswith("alpha") else "0")
        if kind != "-":
            start = {"startAt": "4"} if kind.startswith("roman") else {}
            etree.SubElement(properties, f"{DRAWING}buAutoNum", type=kind, **start)
    text, left_out = read_here(saved_deck(deck, tmp_path))
    assert text.split("\n") == ["1. a", "(a) b", "(b) c", "2. d", "e", "IV. f", "g"]
    assert left_out == {"NUMBERS_UNREAD": (1, [1])}
    assert [written(3, kind) for kind in ("circleNumDbPlain", "arabicParenR", "alphaUcPeriod")] == ["③", "3)", "C."]


def test_numbers_that_layout_and_master_give_a_list(tmp_path: Path) -> None:
    deck = pptx.Presentation()
    layout, master = deck.slide_layouts[1], deck.slide_masters[0]
    (style,) = layout.placeholders[1]._element.iter(f"{DRAWING}lstStyle")
    etree.SubElement(etree.SubElement(style, f"{DRAWING}lvl1pPr"), f"{DRAWING}buAutoNum", type="arabicPeriod")
    (style,) = (one for one in master._element.iter() if str(one.tag).endswith("}bodyStyle"))
    second = style.find(f"{DRAWING}lvl2pPr")
    second.remove(second.find(f"{DRAWING}buChar"))
    second.insert(0, etree.Element(f"{DRAWING}buAutoNum", type="alphaLcParenR"))
    slide = deck.slides.add_slide(layout)
    slide.shapes.title.text = "Steps"
    frame = slide.placeholders[1].text_frame
    frame.text = "first\nthus\nsecond\nnote"
    frame.paragraphs[1].level = 1
    etree.SubElement(frame.paragraphs[3]._p.get_or_add_pPr(), f"{DRAWING}buNone")
    box(slide.shapes, "below", 0, 7)
    other = deck.slides.add_slide(deck.slide_layouts[3])  # two areas, of which the layout says nothing
    for holder in (other.placeholders[1], other.placeholders[2]):
        holder.text_frame.text = "so"
        holder.text_frame.paragraphs[0].level = 1
    text, left_out = read_here(saved_deck(deck, tmp_path))
    assert text == "Steps\n1. first\na) thus\n2. second\nnote\nbelow\n\na) so\na) so"
    assert left_out == {}


def test_signs_of_a_symbol_font(tmp_path: Path) -> None:
    deck = pptx.Presentation()
    frame = box(deck.slides.add_slide(deck.slide_layouts[6]).shapes, "\uf0fe insured þ", 0, 0).text_frame
    properties = frame.paragraphs[0].runs[0]._r.get_or_add_rPr()
    etree.SubElement(properties, f"{DRAWING}sym", typeface="Wingdings")
    assert read_here(saved_deck(deck, tmp_path)) == ("☑ insured þ", {})


def test_comments(tmp_path: Path) -> None:
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    box(slide.shapes, "words", 0, 0)
    path = saved_deck(deck, tmp_path)
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    space = 'xmlns:p="http://x.org/p" xmlns:a="http://x.org/a"'
    newer = (
        '<p:cm authorId="0"><p:replyLst><p:reply authorId="9"><p:txBody><a:p><a:r><a:t>No.</a:t></a:r></a:p></p:txBody>'
    )
    newer += "</p:reply></p:replyLst><p:txBody><a:p><a:r><a:t>Why so?</a:t></a:r></a:p></p:txBody></p:cm>"
    added = {
        "ppt/comments/c.xml": f'<p:l {space}><p:cm authorId="0"><p:text>Source?</p:text></p:cm>{newer}</p:l>',
        "ppt/authors.xml": f'<p:l {space}><p:a id="0" name="Ada"/></p:l>',
    }
    with zipfile.ZipFile(path, "a") as file:
        for name, content in added.items():
            file.writestr(name, content)
    for member, target, one in (
        ("ppt/slides/_rels/slide1.xml.rels", "../comments/c.xml", "comments"),
        ("ppt/_rels/presentation.xml.rels", "authors.xml", "commentAuthors"),
    ):
        link = f'<Relationship Id="c" Type="{kind}/{one}" Target="{target}"/></Relationships>'.encode()
        rewritten(path, member, lambda old, link=link: old.replace(b"</Relationships>", link))  # type: ignore[misc]
    text, left_out = read_here(path)
    assert text.split("\n") == ["words", "[Comment by Ada: Source?]", "[Comment by Ada: Why so?]", "[Comment: No.]"]
    assert left_out == {}
