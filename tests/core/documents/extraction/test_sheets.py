"""A spreadsheet is read as a person sees it: what is shown, not what is stored."""

import re
import zipfile
from datetime import date
from pathlib import Path

import pytest
import xlsxwriter

from core.documents.extraction import sheets
from core.documents.extraction.number_digits import general
from core.documents.extraction.number_formats import BUILT_IN, number_format
from core.documents.extraction.pages import Pages
from core.errors import ExtractionError
from tests.core.documents.extraction.making import read, rewritten

PART = "xl/worksheets/sheet1.xml"


@pytest.mark.parametrize(
    ("code", "value", "shown"),
    [
        ("0.00%", 0.0425, "4.25%"),
        ("0%", -0.5, "-50%"),
        ('#,##0.00 "€"', 1234.5, "1,234.50 €"),
        ("[$$-409]#,##0.00", 1234.5, "$1,234.50"),
        ("_-* #,##0.00 [$€-407]_-", -1234.5, "-1,234.50 €"),
        ("_-* #,##0.00 €_-;-* #,##0.00 €_-", -1234.5, "-1,234.50 €"),
        (BUILT_IN[44], -1234.5, "$ (1,234.50)"),
        (BUILT_IN[44], 0, "$ -"),
        (BUILT_IN[37], -500, "(500)"),
        ("00000", 1067, "01067"),
        ("(000) 000-0000", 5551234567, "(555) 123-4567"),
        ("0.00", 1.005, "1.01"),
        ("0.0#", 5, "5.0"),
        ("#", 0, ""),
        ('#,##0,"k"', 1234567, "1,235k"),
        ('0.0,,"M"', 2_500_000, "2.5M"),
        ("0.00E+00", 12345.678, "1.23E+04"),
        ("##0.0E+0", 12345.678, "12.3E+3"),
        ("0.00E+00", 9.999, "1.00E+01"),
        ("# ?/?", 0.3, "2/7"),
        ("# ??/??", 1.25, "1 1/4"),
        ("# ?/8", 3.75, "3 6/8"),
        ("?/?", 3.75, "15/4"),
        ("0;[Red]-0", -3, "-3"),
        ('0;(0);"none"', 0, "none"),
        ('[>=1000]0.0,"k";[<0]"under";0', 1500, "1.5k"),
        ('[>=1000]0.0,"k";[<0]"under";0', -2, "under"),
        ('[=1]0 "day";0 "days"', 1, "1 day"),
        ('"yes";"yes";"no"', 0, "no"),
        (";;;", 7, ""),
        ("DD.MM.YYYY", 46085, "04.03.2026"),
        ("mmm yyyy", 46082, "Mar 2026"),
        ("dddd, mmmm d, yyyy", 46085, "Wednesday, March 4, 2026"),
        ("[$-407]D. MMMM YYYY", 46085, "4. März 2026"),
        ("yyyy\\-mm\\-dd hh:mm", 46085.645833333, "2026-03-04 15:30"),
        (BUILT_IN[14], 46085, "2026-03-04"),
        ("yyyy-mm-dd", 60, "1900-02-29"),
        ("yyyy-mm-dd", -1, "-1"),
        ("h:mm AM/PM", 0.6458333333, "3:30 PM"),
        ("[h]:mm", 1.253472222222222, "30:05"),
        ("[hh]:mm:ss", 2.5, "60:00:00"),
        ("[mm]:ss", 90 / 86400, "01:30"),
        ("[h]:mm", -0.0625, "-1:30"),
        ("mm:ss.000", 0.5000001, "00:00.009"),
        ("%" * 900 + "0", 1e300, "1E+300"),
    ],
)
def test_a_number_in_its_format(code: str, value: float, shown: str) -> None:
    found = number_format(code)
    assert found is not None
    assert found.number(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (3.0, "3"),
        (0.1 + 0.2, "0.3"),
        (0.1234567890123457, "0.123456789"),
        (-100 / 3, "-33.33333333"),
        (4006381333931, "4006381333931"),
        (1.234567890123457e19, "1.23457E+19"),
        (0.000012345678, "1.23457E-05"),
    ],
)
def test_a_number_without_a_format(value: float, shown: str) -> None:
    assert general(value) == shown


def test_texts_and_the_other_calendar() -> None:
    found = number_format('0;0;0;"No. "@')
    assert found is not None
    assert found.text("A7") == "No. A7"
    day = number_format("yyyy-mm-dd")
    assert day is not None
    assert day.number(0, date1904=True) == "1904-01-01"


def test_what_is_hidden_is_marked_and_what_stands_beside_cells_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("Regions")
        sheet.merge_range("A1:C1", "Sales by region")
        sheet.write_row(1, 0, ["Region", "Margin", "Due"])
        sheet.write_row(2, 0, ["North", 0.5])
        sheet.write_datetime(2, 2, date(2026, 3, 4), book.add_format({"num_format": "d mmm yy"}))
        sheet.write_row(3, 0, ["South", 0.25])
        sheet.write_formula(3, 2, "=1/0", None, "#DIV/0!")
        sheet.write_blank(4, 0, None)
        sheet.write(4, 1, 7, book.add_format({"num_format": ";;;"}))
        sheet.set_column(1, 1, None, None, {"hidden": True})
        sheet.set_row(3, None, None, {"hidden": True})
        sheet.write_comment(1, 1, "Provisional,\nsays Ann")
        sheet.insert_textbox(6, 1, "Read me\nfirst")
        chart = book.add_chart({"type": "line"})
        chart.add_series({"values": "=Regions!$B$3:$B$4"})
        chart.set_title({"name": "Margins by region"})
        chart.set_y_axis({"name": "=Regions!$B$2"})
        sheet.insert_chart(20, 0, chart)
        sheet.set_header('&L&"Arial,Bold"&12Internal && secret&RPage &P of &N')
        book.add_worksheet("Notes").write(0, 0, "margin 61")
        book.get_worksheet_by_name("Notes").hide()
        alone = book.add_chart({"type": "pie"})
        alone.add_series({"name": "Share", "values": "={3,4}"})
        alone.set_title({"name": "Shares"})  # its figures are in no cell, and XlsxWriter keeps none in it
        book.add_chartsheet("Pie").set_chart(alone)
    got = read(path)
    assert got.text == (
        "Regions\nSales by region\nRegion\tMargin [Hidden column]\tDue\nNorth\t0.5\t4 Mar 26\n"
        "[Hidden row] South\t0.25\t#DIV/0!\nChart: Margins by region | Margin\nText box: Read me first\n"
        "[Comment on B2: Provisional, says Ann]\n"
        "Header: Internal & secret Page of\n\nNotes [Hidden sheet]\nmargin 61\n\n"
    )
    assert [(one.code, one.count) for one in got.warnings] == [("CHARTS_UNREAD", 1), ("HIDDEN_UNREAD", 1)]


def test_controls_are_read_with_their_state_and_lists_of_text_boxes_with_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("Form")
        for row, words in enumerate(("Insured", "Fire", "Send", "Region", "Gone")):
            sheet.insert_button(row, 27, {"caption": words})
        sheet.insert_textbox(6, 1, "First\nThen")
        sheet.insert_textbox(20, 1, "Copy of a control")
    # XlsxWriter knows buttons alone.
    kinds = iter((b"Checkbox", b"Radio", b"Button", b"Drop", b"Checkbox"))
    states = iter((b"<x:Checked>1</x:Checked>", b"", b"", b"", b"<x:Checked>0</x:Checked>"))

    def drawn(vml: bytes) -> bytes:
        vml = re.sub(rb'ObjectType="Button">', lambda _: b'ObjectType="%s">%s' % (next(kinds), next(states)), vml)
        return vml.replace(b"Send", b"Send<br>it").replace(b"z-index:5", b"z-index:5;visibility:hidden")

    counts = b'<a:pPr><a:buAutoNum type="arabicPeriod"/></a:pPr>'
    rewritten(path, "xl/drawings/vmlDrawing1.vml", drawn)
    rewritten(
        path,
        "xl/drawings/drawing1.xml",
        lambda xml: re.sub(rb"<a:p>(?=<a:r>.{0,200}(?:First|Then))", b"<a:p>" + counts, xml).replace(
            b'name="TextBox 2"/>', b'name="TextBox 2"><a:compatExt/></xdr:cNvPr>'
        ),
    )
    linked = b'<controls><control r:id="c1"/><control r:id="c2"/></controls></worksheet>'
    rewritten(path, PART, lambda xml: xml.replace(b"</worksheet>", linked))
    kind = b'<Relationship Id="c%d" Type="http://x.org/%s" Target="x.xml"/>'
    more = kind % (1, b"ctrlProp") + kind % (2, b"control") + b"</Relationships>"
    rewritten(path, "xl/worksheets/_rels/sheet1.xml.rels", lambda xml: xml.replace(b"</Relationships>", more))
    got = read(path)
    assert sorted(got.text.split("\n")) == sorted(
        [
            *("Form", "[Box on AB1: \u2611 Insured]", "[Box on AB2: \u25cb Fire]", "[Box on AB3: Send it]"),
            *("[Box on AB5, hidden: \u2610 Gone]", "Text box: 1. First 2. Then"),
        ]
    )
    assert [(one.code, one.count) for one in got.warnings] == [("PARTS_UNREAD", 2)]


def test_cells_under_merged_ones_and_rows_without_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("S")
        sheet.merge_range("B2:C3", "Title")
        sheet.write(1, 2, "under it")
        sheet.write(2, 1, "under it, too")
        sheet.write(4, 1, "kept")
    pages = Pages(1_000, lambda done, total: None)
    sheets.read(path, pages)
    assert (pages.text(), pages.left_out()) == ("S\nTitle\nkept", [("HIDDEN_UNREAD", 2, [1])])
    rows = b'<row><c t="inlineStr"><is><t>a</t></is></c><c><v>2</v></c></row><row><c><v>3</v></c></row></sheetData>'
    rewritten(path, PART, lambda old: old.replace(b"</sheetData>", rows))
    assert read(path).text.endswith("\n\tkept\na\t2\n3")


def formulas(folder: Path, *written: str) -> Path:
    """In B, as XlsxWriter stores them: each with the result 0; 25 and 5 stand in A."""
    path = folder / "f.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("Sums")
        sheet.write_column(0, 0, [25, 5])
        money = book.add_format({"num_format": "0.00 €"})
        for row, formula in enumerate(written):
            sheet.write_formula(row, 1, formula, money)
    return path


def test_formulas_that_nobody_has_calculated_are(tmp_path: Path) -> None:
    path = formulas(tmp_path, "=SUM(A1:A2)", "=B1*2", '=IF(A1>A2,"more","less")', "=A1/A9", "=A1-25", "=NOW()", "=B6+1")
    got = read(path)
    assert got.text == "Sums\n25\t30.00 €\n5\t60.00 €\n\tmore\n\t#DIV/0!\n\t0.00 €\n\t=NOW()\n\t=B6+1"
    assert [(one.code, one.count) for one in got.warnings] == [("CELLS_WITHOUT_VALUE", 2)]
    rewritten(path, PART, lambda old: old.replace(b"<v>0</v>", b""))
    assert read(path).text == got.text


def test_a_formula_that_cannot_be_calculated_stands_there_itself(tmp_path: Path) -> None:
    """NOSUCHTHING is no function of the engine: IFERROR would make a 0 of it, which Excel does not show."""
    got = read(formulas(tmp_path, "=NOSUCHTHING(A1)", "=IFERROR(NOSUCHTHING(A1),0)"))
    assert got.text == "Sums\n25\t=NOSUCHTHING(A1)\n5\t=IFERROR(NOSUCHTHING(A1),0)"
    assert [(one.code, one.count) for one in got.warnings] == [("CELLS_WITHOUT_VALUE", 2)]
    path = tmp_path / "array.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        book.add_worksheet("A").write_array_formula("A1:A3", "{=B1:B3*2}")
    assert read(path).text == "A\n=B1:B3*2\n[Not calculated]\n[Not calculated]"


def test_a_file_that_the_engine_does_not_take_is_read_all_the_same(tmp_path: Path) -> None:
    path = formulas(tmp_path, "=SUM(A1:A2)", "=[1]Prices!A1+1", "=A1+", "=A2*2")
    assert read(path).text == "Sums\n25\t30.00 €\n5\t=[1]Prices!A1+1\n\t=A1+\n\t10.00 €"
    rewritten(path, PART, lambda old: old.replace(b"<v>25</v>", b"<v>2,5</v>"))
    assert read(path).text.startswith("Sums\n2,5\t")


def test_a_stored_result_is_not_calculated_again(tmp_path: Path) -> None:
    path = formulas(tmp_path, "=SUM(A1:A2)")
    rewritten(path, PART, lambda old: old.replace(b"<v>0</v>", b"<v>31</v>"))
    assert read(path).text == "Sums\n25\t31.00 €\n5"
    rewritten(path, PART, lambda old: old.replace(b"<v>31</v>", b"<v>0</v>"))
    rewritten(path, "xl/workbook.xml", lambda old: old.replace(b' fullCalcOnLoad="1"', b""))
    assert read(path).text == "Sums\n25\t0.00 €\n5"


def test_a_sheet_that_breaks_off_is_no_sheet_and_a_far_cell_takes_no_more_than_is_allowed(tmp_path: Path) -> None:
    path = formulas(tmp_path)
    rewritten(path, PART, lambda old: old.replace(b"</row>", b'<c r="XFD1"><v>1</v></c></row>', 1))
    pages = Pages(1_000, lambda done, total: None)
    with pytest.raises(ExtractionError, match="too large"):
        sheets.read(path, pages)
    rewritten(path, PART, lambda old: old[: old.index(b"</sheetData>")])
    with pytest.raises(ExtractionError, match="not well formed"):
        read(path)


def test_dates_stored_as_text_and_escaped_characters(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("S")
        sheet.write_datetime(0, 0, date(2026, 3, 4), book.add_format({"num_format": "dd/mm/yyyy"}))
    with zipfile.ZipFile(path) as archive:
        assert b"<v>46085</v>" in archive.read(PART)
    cell = b'<c r="B1" t="d"><v>2026-03-04T10:00:00</v></c><c r="C1" t="inlineStr"><is><t>a_x000D_b</t></is></c>'
    rewritten(
        path,
        PART,
        lambda old: (
            old.replace(b"</row>", cell + b"</row>")
            .replace(b'<c r="A1" s="1">', b'<c r="A1" s="1" t="d">')
            .replace(b"<v>46085<", b"<v>2026-03-04<")
        ),
    )
    assert read(path).text == "S\n04/03/2026\t2026-03-04T10:00:00\ta b"
