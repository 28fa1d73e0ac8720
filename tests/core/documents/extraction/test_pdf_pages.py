"""What stands on a page of a PDF, in the order in which a person reads it, with what lies on it."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from core.documents.extraction.pdf_hyphens import Hyphens, Line
from core.documents.extraction.pdf_raised import with_raised
from core.documents.extraction.pdf_words import rising
from tests.core.documents.extraction.making import LeftOut, drawn_pdf, read_here, saved

Said = tuple[float, float, str]
LEFT = (
    "The supplier was late by|three days because of a|strike at the port. The|contract allows a penalty|of 2 % a day."
)
RIGHT = "Management decided not|to claim the penalty, as|the relationship is old|and the goods were in|good order."
COLUMNS = f"{LEFT}|{RIGHT}".replace("|", "\n")


def drawn(said: Iterable[Said], size: float = 10) -> str:
    return "".join(f"BT /F {size} Tf 1 0 0 1 {x} {y} Tm ({text}) Tj ET " for x, y, text in said)


def lines(x: float, y: float, text: str, pitch: float = 12) -> list[Said]:
    return [(x, y - number * pitch, line) for number, line in enumerate(text.split("|"))]


def cells(rows: str, xs: tuple[float, ...] = (50, 150, 250, 350), y: float = 700, pitch: float = 14) -> list[Said]:
    """Of rows a line each: `_` is an empty cell."""
    return [
        (x, y - number * pitch, cell)
        for number, row in enumerate(rows.splitlines())
        for x, cell in zip(xs, row.split("|"), strict=False)
        if cell != "_"
    ]


def on_page(folder: Path, page: str, notes: str = "", catalog: str = "") -> tuple[str, LeftOut]:
    return read_here(saved(folder, "a.pdf", drawn_pdf([page], notes, catalog)))


TABLE = "Region|2025|2026\nNorth|1,200|1,450\nSouth|_|980\nWest|310|_"
TABBED = "Region\t2025\t2026\nNorth\t1,200\t1,450\nSouth\t\t980\nWest\t310"
ACROSS = "A heading that goes across both of the columns that stand below it on this page"
AFTER = "What comes after both of the columns goes across the whole of the page, so it comes last"


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (cells(TABLE), TABBED),
        (cells(TABLE)[::-1], TABBED),
        (cells("_|Q1|Q2\nPlan|10|_\n_|_|12\nActual|_|9"), "\tQ1\tQ2\nPlan\t10\n\t\t12\nActual\t\t9"),
        # Line by line across both columns, as some programs write; then with lines at other heights; then backwards.
        (sorted(lines(50, 700, LEFT) + lines(320, 700, RIGHT), key=lambda one: -one[1]), COLUMNS),
        (lines(50, 700, LEFT) + lines(320, 693, RIGHT, 11.5), COLUMNS),
        ((lines(50, 700, LEFT) + lines(320, 693, RIGHT, 11.5))[::-1], COLUMNS),
        (
            [(50, 600, AFTER), *lines(320, 697, RIGHT, 13), *lines(50, 700, LEFT), (50, 730, ACROSS)],
            f"{ACROSS}\n{COLUMNS}\n{AFTER}",
        ),
        (
            lines(50, 700, LEFT) + lines(220, 700, RIGHT) + lines(390, 700, LEFT),
            f"{COLUMNS}\n{LEFT}".replace("|", "\n"),
        ),
        (
            [*lines(50, 700, f"{LEFT}|{RIGHT}"), *cells(TABLE, (320, 380, 440)), *lines(320, 630, LEFT)],
            f"{COLUMNS}\n{TABBED}\n{LEFT}".replace("|", "\n"),
        ),
        (cells("1.|the first\n2.|the second", (50, 70)), "1. the first\n2. the second"),
        (cells("North|-|12\nSouth|7|-", (50, 150, 200)), "North\t-\t12\nSouth\t7\t-"),
        (
            cells(
                "Term|The contract runs for two|Legal\n_|years and then ends.|_\nPrice|_|Sales",
                (50, 100, 350),
                pitch=12,
            ),
            "Term\tThe contract runs for two years and then ends.\tLegal\nPrice\t\tSales",
        ),
        # A word is broken at the end of a cell, in a row of one cell, and where it does not go on below.
        (
            cells(
                "The supplier was late by three days be-|_\ncause of a strike at the port.|4\nA long-|7\nTerm|9",
                (50, 350),
            ),
            "The supplier was late by three days because of a strike at the port.\t4\nA long-\t7\nTerm\t9",
        ),
        (lines(50, 700, "First.|Second.|Third.")[::-1], "First.\nSecond.\nThird."),
        # A wide space after a sentence makes no column.
        (
            [
                *lines(50, 700, "breaks within one element.|for all of them, too."),
                (190, 700, "This can be"),
                (50, 676, "End."),
            ],
            "breaks within one element. This can be\nfor all of them, too.\nEnd.",
        ),
    ],
)
def test_order_of_reading(tmp_path: Path, said: list[Said], text: str) -> None:
    assert on_page(tmp_path, drawn(said)) == (text, {})


def test_a_table_whose_cells_are_wrapped_is_read_row_by_row(tmp_path: Path) -> None:
    said = [
        *cells("Item|Description|Supplier", (55, 155, 305), 700),
        *lines(55, 680, "Pump for long-|term use at the plant", 11),
        *lines(155, 685, "Centrifugal, with a casing of|steel and a flow of forty|metres an hour", 11),
        *lines(305, 680, "Mueller and Sons|of Hamburg", 11),
        *cells("Valve|Gate valve of brass|_", (55, 155, 305), 645),
    ]
    ruled = "".join(f"50 {y} m 420 {y} l S " for y in (715, 696, 656, 638))
    text, _ = on_page(tmp_path, ruled + drawn(said))
    assert text.splitlines() == [
        "Item\tDescription\tSupplier",
        "Pump for long-term use at the plant\t"
        "Centrifugal, with a casing of steel and a flow of forty metres an hour\tMueller and Sons of Hamburg",
        "Valve\tGate valve of brass",
    ]


def test_a_page_that_lies_on_its_side(tmp_path: Path) -> None:
    upright = drawn(cells(TABLE, y=500))
    page = drawn_pdf([f"0 1 -1 0 600 0 cm {upright}"]).replace(b"/MediaBox", b"/Rotate 90/MediaBox", 1)
    assert read_here(saved(tmp_path, "a.pdf", page))[0] == TABBED


PAGE = drawn([(50, 700, "Name: ______"), (50, 650, "The cap is five percent.")])
MARK = "/Rect[50 645 300 665]/QuadPoints[50 662 88 662 50 648 88 648]"


@pytest.mark.parametrize(
    ("note", "line"),
    [
        ("/Subtype/FreeText/Rect[120 695 300 715]/Contents(Anna, 4711)", "Name: ______ Anna, 4711\nThe cap"),
        (
            "/Subtype/Text/Rect[9 9 20 20]/T(Anna)/Contents(Legal\nobjects.)",
            "percent.\n[Comment by Anna: Legal objects.]",
        ),
        (f"/Subtype/Highlight{MARK}/Contents(Ten?)", 'percent.\n[Comment on "The cap": Ten?]'),
        (f"/Subtype/StrikeOut{MARK}", "percent.\n[Struck out: The cap]"),
        ("/Subtype/Stamp/Rect[400 700 500 720]/Contents(APPROVED)", "percent.\n[Stamp: APPROVED]"),
        ("/Subtype/Text/F 2/Rect[9 9 20 20]/Contents(hidden)", "percent."),
        (f"/Subtype/Highlight{MARK}", "percent."),
        ("/Subtype/Popup/Rect[9 9 20 20]/Contents(the note's own)", "percent."),
    ],
)
def test_what_lies_on_a_page(tmp_path: Path, note: str, line: str) -> None:
    text, left_out = on_page(tmp_path, PAGE, f"<</Type/Annot{note}>>")
    assert f"{text}\n".endswith(f"{line}\n") or line in text
    assert left_out == {}
    assert text.startswith("Name:")
    assert len(text.splitlines()) == 2 + line.count("[")


FIELD = "<</Type/Annot/Subtype/Widget/F 4/T({name})/Rect[{place}]{more}>>"


def test_a_form_has_its_values_beside_their_labels(tmp_path: Path) -> None:
    labels = [
        (50, 700, "Insured:"),
        (300, 700, "Excess:"),
        (50, 670, "Smoker:"),
        (75, 640, "Diabetic"),
        (50, 610, "Class:"),
    ]
    ticked = "/FT/Btn/AS/Yes/V/Yes/AP<</N<</Yes null/Off null>>>>"
    fields = [
        FIELD.format(name="n", place="150 690 280 735", more="/FT/Tx/Ff 4096/V(Anna Example)/DA(/F 10 Tf)"),
        FIELD.format(name="e", place="350 690 400 715", more="/FT/Tx/V(500)/DA(/F 10 Tf)"),
        FIELD.format(name="s", place="150 665 165 680", more=ticked),
        FIELD.format(name="d", place="50 635 65 650", more=ticked.replace("AS/Yes/V/Yes", "AS/Off/V/Off")),
        FIELD.format(name="p", place="150 605 200 620", more="/FT/Tx/Ff 8192/V(secret)/DA(/F 10 Tf)"),
    ]
    form = f"/AcroForm<</Fields[{''.join(fields)}]/DR<</Font<</F 3 0 R>>>>/DA(/F 10 Tf)>>"
    text, left_out = on_page(tmp_path, drawn(labels), "".join(fields), form)
    assert text.replace("\t", " ").splitlines() == [
        "Insured: Anna Example Excess: 500",
        "Smoker: \u2611",
        "\u2610 Diabetic",
        "Class: ******",
    ]
    assert left_out == {}


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("under this agree-|ment", "under this agreement"),
        ("a long-|term view", "a long-term view"),
        ("a short-|age of", "a shortage of"),
        ("a high-|risk case", "a high-risk case"),
        ("the well-|known state-of-|the-art", "the well-known state-of-the-art"),
        ("by e-|mail and S-|Plus", "by e-mail and S-Plus"),
        ("of 12-|page sheets", "of 12-page sheets"),
        ("Haupt-|und Nebenkosten", "Haupt-\nund Nebenkosten"),
        ("the co-|operation. Our cooperation", "the cooperation. Our cooperation"),
        ("an on-|site visit, on-site", "an on-site visit, on-site"),
        ("ends here -|and there", "ends here -\nand there"),
        ("the last-", "the last-"),
    ],
)
def test_hyphens_at_the_end_of_a_line(text: str, joined: str) -> None:
    for broken in (False, True):
        hyphens = Hyphens()
        hyphens.see(text.replace("-|", "\ufffe"))
        parts = text.split("|")
        cut = [
            Line(one[:-1], broken=True) if broken and one.endswith("-") and one[-2] != " " else Line(one)
            for one in parts
        ]
        assert hyphens.joined(cut) == joined


def test_a_glyph_without_a_character_ends_no_line(tmp_path: Path) -> None:
    assert on_page(tmp_path, drawn([(50, 700, "Copyright \\015c 1990")]))[0] == "Copyright  c 1990"


@pytest.mark.parametrize(("size", "rise", "below"), [(13, -2, 692), (20, -4, 690)])  # one word of the line or apart
def test_a_sign_taller_than_its_line_takes_no_other_line_in(tmp_path: Path, size: int, rise: int, below: int) -> None:
    sign = f"BT /F {size} Tf {rise} Ts 1 0 0 1 50 700 Tm (*) Tj /F 10 Tf 0 Ts ( The cap is) Tj ET "
    page = sign + drawn([(65, below, "five percent.")])
    assert on_page(tmp_path, page)[0] == "* The cap is\nfive percent."


def test_figures_above_the_line_run_into_none(tmp_path: Path) -> None:
    def line(*runs: str) -> str:
        shown = (f"{at % 2 * 5} Ts /F {7 if at % 2 else 12} Tf ({run}) Tj " for at, run in enumerate(runs))
        return f"BT 72 700 Td {''.join(shown)}ET "

    upright = line("The cap is EUR 50,000", "1", " a year, 1 x 10", "-12", " m on 1", "st", " May, as said", "2,3")
    numbered = "BT 5 Ts /F 7 Tf 72 650 Td (12) Tj 0 Ts /F 12 Tf (He) Tj ET "
    below = "BT /F 12 Tf 0 Ts 72 600 Td (H) Tj -3 Ts /F 7 Tf (2) Tj ET"
    text = "The cap is EUR 50,000¹ a year, 1 x 10⁻¹² m on 1st May, as said²,³"
    assert read_here(saved(tmp_path, "a.pdf", drawn_pdf([upright + numbered + below]))) == (f"{text}\n¹²He\nH2", {})
    turned = f"q 0 1 -1 0 772 0 cm {upright}Q"
    assert read_here(saved(tmp_path, "b.pdf", drawn_pdf([turned]))) == (text, {})


def test_a_word_runs_up_the_page_or_ends_in_a_raised_figure() -> None:
    begin = np.array([(0, 12, 5, 0)] * 3, dtype=np.float32)
    end = np.array([(0, 52, 5, 40), (20, 11, 23, 7), (20, 12, 25, 0)], dtype=np.float32)
    assert rising(begin, end).tolist() == [True, False, False]


@pytest.mark.parametrize(("lines", "text"), [((0, 0, 0), "917"), ((4, 4, 0), "⁹¹7"), ((0, 0, 4), "917")])
def test_old_style_figures_are_not_above_the_line(lines: tuple[int, ...], text: str) -> None:
    """Of a font that does not say how tall it is: 9 and 7 hang below the line, 1 does not."""
    boxes = np.array([(0, 5, 3, 2), (3, 5, 6, 2), (6, 5, 9, 0)], dtype=np.float32)
    whole = np.array([0]), np.array([3]), boxes[:1], boxes[2:]
    assert with_raised("917", *whole, boxes.__getitem__, lines.__getitem__) == text
