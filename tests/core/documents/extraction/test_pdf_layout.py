"""Which way a page is read: pages of typewriter letters, 5 points wide and 10 high, lines 12 points apart."""

import itertools
import re
from textwrap import dedent

import pytest

from core.documents.extraction import pdf_layout
from core.documents.extraction.pdf_hyphens import Hyphens
from core.documents.extraction.pdf_rulings import Rulings
from core.documents.extraction.pdf_words import Piece

WIDTH, HEIGHT, PITCH = 5.0, 10.0, 12.0
# Three blanks or more are a gap between two pieces, two are a gap within one.
PIECE, WORD = re.compile(r"\S+(?: {1,2}\S+)*"), re.compile(r"\S+")


def pieces(page: str, pitch: float = PITCH) -> list[Piece]:
    return [
        Piece(
            found[0].removesuffix("-"),
            found.start() * WIDTH,
            found.end() * WIDTH,
            -number * pitch,
            HEIGHT - number * pitch,
            found[0].endswith("-"),
            [
                ((found.start() + word.start()) * WIDTH, (found.start() + word.end()) * WIDTH, word.start(), word.end())
                for word in WORD.finditer(found[0])
            ],
        )
        for number, line in enumerate(dedent(page).strip("\n").split("\n"))
        for found in PIECE.finditer(line)
    ]


def read(page: str, rulings: Rulings | None = None, pitch: float = PITCH) -> str:
    def drawn() -> Rulings:
        assert rulings is not None, "Nothing stands side by side"
        return rulings

    return Hyphens().joined(pdf_layout.lines_of(pieces(page, pitch), drawn))


COLUMNS = """\
the supplier was late by three     management decided not to claim
days because of a strike at the    the penalty, as the goods which
port, and the contract allows a    were in good order and all were
penalty of two percent each day    paid before the end of the year
"""
LEFT, RIGHT = ("\n".join(line[at : at + 35].strip() for line in COLUMNS.splitlines()) for at in (0, 35))
ACROSS = "what stands across both of the columns is read where it stands"
# Its words stand apart where the columns do.
PARTED = f"{'x' * 33}. and both of the columns end here"


@pytest.mark.parametrize(
    "page",
    [
        "First line.\nSecond line.\nThird line.",
        "Chapter one          19\nThe text goes on.\nAnd on.\nTo its end.",
        "Chapter one          19\na\nb\nc\nd\nNotes                20",
        "The cap is long-       19\nTerm.",
    ],
)
def test_a_gap_in_a_line_by_itself_makes_no_columns(page: str) -> None:
    assert read(page) == re.sub(" {3,}", "\t", page)


@pytest.mark.parametrize(("blanks", "between"), [(6, " "), (7, "\t")])
def test_a_wide_space_is_no_gap(blanks: int, between: str) -> None:
    assert read(f"Price{' ' * blanks}450\nis due.") == f"Price{between}450\nis due."


def test_wide_spaces_of_several_lines_are_no_gap() -> None:
    page = "breaks within one element.    This can be\nfor all of them, too.\nand on.    It is so for all\nof them."
    assert read(page, Rulings()) == re.sub(" {3,}", " ", page)


def test_lines_that_stand_close_are_no_columns() -> None:
    assert read("The supplier was late.\nThe penalty is due.\nNothing was paid.", pitch=7) == (
        "The supplier was late.\nThe penalty is due.\nNothing was paid."
    )


def test_columns_whose_lines_stand_at_other_heights() -> None:
    pairs = zip(LEFT.split("\n"), RIGHT.split("\n"), strict=True)
    assert read("\n".join(f"{left}\n{' ' * 35}{right}" for left, right in pairs), Rulings(), 6) == f"{LEFT}\n{RIGHT}"


def beside(left: str, right: str, at: int = 35) -> str:
    lines = itertools.zip_longest(left.split("\n"), right.split("\n"), fillvalue="")
    return "\n".join(f"{one:{at}}{other}".rstrip() for one, other in lines)


SHORT = "Term\nPrice\nPlace\nLaw"
NOTES = "See annex A\nSigned 2031"
FIGURES = "1,200  3.5\n1,450  2.5\n1,980  7.0\n1,310  0.5"
NAMES = """\
Anna Petersen of Hamburg Altona
Bela Kovacs, living in Budapest
Carla Neri from Rome and Naples
Dora Lund of Oslo and Stavanger"""
GOODS = """\
the supplier of all goods in it
pump for cellars
valve for steams
pipes for waters"""
HAN = "\n".join(["「供应商因港口罢工迟到了三天而合同规定的罚金为每天百分之二"] * 4)


@pytest.mark.parametrize(
    ("page", "text"),
    [
        (COLUMNS, f"{LEFT}\n{RIGHT}"),
        # Across the columns, between two blocks of them; also where its own words stand apart at the gutter.
        (f"{COLUMNS}{ACROSS}\n{COLUMNS}", f"{LEFT}\n{RIGHT}\n{ACROSS}\n{LEFT}\n{RIGHT}"),
        (f"{COLUMNS}{PARTED}\n{COLUMNS}", f"{LEFT}\n{RIGHT}\n{PARTED}\n{LEFT}\n{RIGHT}"),
        (f"{COLUMNS}{ACROSS}   19\n{COLUMNS}", f"{LEFT}\n{RIGHT}\n{ACROSS} 19\n{LEFT}\n{RIGHT}"),
        # Near one another in one line.
        (COLUMNS.replace("a    were", "all  were"), f"{LEFT.replace('allows a', 'allows all')}\n{RIGHT}"),
        # No two lines begin at one place.
        (
            f"{ACROSS}\n" + beside(LEFT, "\n".join(" " * at + line for at, line in enumerate(RIGHT.split("\n")))),
            f"{ACROSS}\n{LEFT}\n{RIGHT}",
        ),
        # Header and footer.
        (
            f"Report of 2031{' ' * 34}Page 3\n\n{COLUMNS}\nAcme Ltd{' ' * 40}Draft",
            f"Report of 2031\tPage 3\n{LEFT}\n{RIGHT}\nAcme Ltd\tDraft",
        ),
        # What stands by itself above the right column comes first, what stands below the left one comes last.
        (f"{' ' * 50}4 May 2031\n\n{COLUMNS}\nA note.", f"4 May 2031\n{LEFT}\n{RIGHT}\nA note."),
        # But not a column's own first line that is a line higher.
        (f"{' ' * 35}the board met on the third day;\n{COLUMNS}", f"{LEFT}\nthe board met on the third day;\n{RIGHT}"),
        # Notes in the margin of a text, and a text that has a table in it, beside others.
        (beside(LEFT, NOTES), f"{LEFT}\n{NOTES}"),
        (
            beside(f"{LEFT}\nNorth{' ' * 10}1,200\nSouth{' ' * 10}1,450", f"{RIGHT}\n{RIGHT}"),
            f"{LEFT}\nNorth\t1,200\nSouth\t1,450\n{RIGHT}\n{RIGHT}",
        ),
        (beside(HAN, HAN), f"{HAN}\n{HAN}"),
    ],
)
def test_columns(page: str, text: str) -> None:
    assert read(page, Rulings()) == text


@pytest.mark.parametrize(
    ("left", "right", "drawn"),
    [
        (SHORT, RIGHT, ()),
        (LEFT, FIGURES, ()),
        (FIGURES, RIGHT, ()),
        (NAMES, NAMES, ()),
        (GOODS, GOODS, ()),
        ("\n".join(LEFT.split("\n")[:2]), "See annex A", ()),
        (LEFT, RIGHT, tuple((0.0, 400.0, -1 - PITCH * row) for row in range(3))),
    ],
)
def test_tables(left: str, right: str, drawn: tuple[tuple[float, float, float], ...]) -> None:
    lines = itertools.zip_longest(left.split("\n"), right.split("\n"), fillvalue="")
    assert read(beside(left, right, 45), Rulings(drawn)) == "\n".join("\t".join(line).rstrip("\t") for line in lines)


@pytest.mark.parametrize("limit", ["MOST_PIECES", "MOST_DEPTH"])
def test_what_is_too_much_is_read_line_by_line(monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setattr(pdf_layout, limit, -1)
    assert read(COLUMNS, Rulings()) == re.sub(" {3,}", " ", COLUMNS.strip())
