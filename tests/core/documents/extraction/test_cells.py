"""Cells that hold several paragraphs, and figures above the line, in every format that has them."""

from pathlib import Path

import docx
import pptx
import pytest
import xlsxwriter
from pptx.util import Inches

from core.documents.extraction.cells import LONG, lines_of
from core.documents.extraction.raised import raised
from tests.core.documents.extraction.making import read_here, said, saved, word_of

SENTENCE = "The supplier pays a penalty of two percent for each day of delay. " * 2
ROW = ["Income\nTax\nTotal", "\u20ac\n90\n10\n100\n", "a\nb\nc"]


@pytest.mark.parametrize(
    ("cells", "lines"),
    [
        ([["Income", "Tax", ""], ["90", "10"], ["x"]], ["Income\t90\tx", "Tax\t10"]),
        ([["", "Income", "Tax"], ["EUR", "90", "10"]], ["\tEUR", "Income\t90", "Tax\t10"]),
        ([["\u2610", "\u2611"], [SENTENCE, "Other"]], [f"\u2610\t{SENTENCE.strip()}", "\u2611\tOther"]),
        # Which line belongs to which is not known.
        ([["Income", "Tax"], ["90", "", "10"]], ["Income Tax\t90 10"]),
        ([[SENTENCE, "b"], [SENTENCE, "d"]], [f"{SENTENCE.strip()} b\t{SENTENCE.strip()} d"]),
        # A table that lays out a page, with a table inside.
        ([["", ""], ["North\t1", "South\t2"]], ["\tNorth\t1", "\tSouth\t2"]),
        ([["a "], [""]], ["a \t"]),
        ([[""], [""]], ["\t"]),
    ],
)
def test_lines_of_a_row(cells: list[list[str]], lines: list[str]) -> None:
    assert lines_of(cells) == lines
    assert len(SENTENCE) > LONG


def test_labels_and_figures_in_a_row_of_word_and_of_a_slide(tmp_path: Path) -> None:
    document, deck = docx.Document(), pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    frame = slide.shapes.add_table(1, 2, 0, 0, Inches(4), Inches(1))
    for table in (document.add_table(1, 2), frame.table):
        table.cell(0, 0).text, table.cell(0, 1).text = "Income\nTax", "90\n10"
    document.save(str(tmp_path / "a.docx"))
    deck.save(str(tmp_path / "a.pptx"))
    assert read_here(tmp_path / "a.docx") == ("Income\t90\nTax\t10", {})
    assert read_here(tmp_path / "a.pptx") == ("Income\t90\nTax\t10", {})


def test_figures_stand_below_the_heading_of_their_column(tmp_path: Path) -> None:
    def cell(text: str, wide: int = 1) -> str:
        return f"<w:tc><w:tcPr><w:gridSpan w:val='{wide}'/></w:tcPr>{said(text)}</w:tc>"

    head = f"<w:tr>{cell('Region')}{cell('Sales', 2)}{cell('Cost', 2)}</w:tr>"
    row = f"<w:tr><w:trPr><w:gridBefore w:val='1'/></w:trPr>{cell('5')}{cell('6')}{cell('7')}</w:tr>"
    text, _ = read_here(word_of(tmp_path, f"<w:tbl>{head}{row}</w:tbl>"))
    assert text == "Region\tSales\t\tCost\n\t5\t6\t7"
    page = """<table><tr><th rowspan=2>Region<th colspan=2>Sales<th rowspan=x>Cost<tr><td>2025<td>2026<td>2026
<tr><td>North<td>1<td>2<td>3<tr><td colspan=2><table><tr><td>a<td>b</table><td rowspan=2>c<td>d
<tr><td>e<td>f<td>g</table><table><tr><td>Income<br>Tax<td>EUR<td>90<br>10</table><table><tr><td>one<br>two<td>1<br>2<br>3</table>"""
    text, _ = read_here(saved(tmp_path, "a.html", page))
    assert [line for line in text.split("\n") if line] == [
        *("Region\tSales\t\tCost", "\t2025\t2026\t2026", "North\t1\t2\t3"),
        *("a\tb\t\tc\td", "e\tf\t\tg"),
        *("Income\tEUR\t90", "Tax\t\t10"),
        *("one", "two\t1", "2", "3"),
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [("7", "⁷"), (" -2 ", " ⁻² "), ("2,3", "^2,3"), ("st", "st"), ("[4]", "[4]"), ("(a)", "(a)"), ("", "")],
)
def test_what_stands_above_the_line(text: str, shown: str) -> None:
    assert raised(text) == shown


def test_exponents_run_into_no_figure(tmp_path: Path) -> None:
    document, deck = docx.Document(), pptx.Presentation()
    style = document.styles.add_style("Small", docx.enum.style.WD_STYLE_TYPE.CHARACTER)  # type: ignore[attr-defined]
    style.font.superscript = True
    paragraph = document.add_paragraph("1 × 10")
    paragraph.add_run("7").font.superscript = True
    paragraph.add_run(" m")
    paragraph.add_run("2", style="Small")
    paragraph.add_run(" H")
    paragraph.add_run("2").font.subscript = True
    document.save(str(tmp_path / "a.docx"))
    box = deck.slides.add_slide(deck.slide_layouts[6]).shapes.add_textbox(0, 0, Inches(3), Inches(1))
    line = box.text_frame.paragraphs[0]
    for text, shift in (("10", None), ("7", "30000"), (" H", "0"), ("2", "-25000")):
        run = line.add_run()
        run.text = text
        if shift:
            run._r.get_or_add_rPr().set("baseline", shift)
    deck.save(str(tmp_path / "a.pptx"))
    with xlsxwriter.Workbook(str(tmp_path / "a.xlsx")) as book:
        book.add_worksheet("S").write_rich_string("A1", "10", book.add_format({"font_script": 1}), "7", " m")
    page = saved(tmp_path, "a.html", "<p>10<sup>7</sup> m<sup><a>2</a></sup> on 1<sup>st</sup> May<sup>[3]</sup>")
    assert read_here(tmp_path / "a.docx") == ("1 × 10⁷ m² H2", {})
    assert read_here(tmp_path / "a.pptx") == ("10⁷ H2", {})
    assert read_here(tmp_path / "a.xlsx") == ("S\n10⁷ m", {})
    assert read_here(page) == ("10⁷ m² on 1st May[3]", {})
