"""Lines that were found in a picture become text in the order of a reader."""

from math import cos, radians, sin

import numpy as np

from core.documents.extraction.ocr_order import Words, straightened, text_of
from core.documents.extraction.ocr_spaces import with_spaces
from core.documents.extraction.spooling import Spooled, without_marks


def at(left: float, top: float, text: str, height: float = 20) -> Words:
    return Words(left, top, left + 10 * len(text), top + height, text)


def test_columns_of_running_text_are_read_one_after_the_other() -> None:
    heading = at(0, 0, "A heading across both of the columns of this page, which are")
    left = [at(0, 40 + 30 * n, f"The left side, line {n} of it") for n in range(5)]
    right = [at(330, 47 + 30 * n, f"The right side, line {n} of it") for n in range(5)]
    text = text_of([*right, heading, *left])
    assert [line[:9] for line in text.splitlines() if line] == ["A heading", *["The left "] * 5, *["The right"] * 5]


def test_rows_of_a_table_stay_rows_and_an_empty_cell_keeps_its_place() -> None:
    rows = [("Year", "Revenue", "Cost"), ("2023", "1,250", "980"), ("2024", "", "1,020"), ("2025", "1,410", "1,101")]
    words = [
        at(200 * column, 30 * row, cell) for row, cells in enumerate(rows) for column, cell in enumerate(cells) if cell
    ]
    assert text_of(words) == "\n".join("\t".join(cells) for cells in rows)


def test_paragraphs_are_apart_and_characters_of_chinese_are_not() -> None:
    assert text_of([at(0, 0, "One."), at(0, 24, "Two."), at(0, 90, "Three.")]) == "One.\nTwo.\n\nThree."
    assert text_of([at(0, 0, "第四条"), at(40, 0, "责任")]) == "第四条责任"


def test_a_page_that_lies_askew_keeps_its_lines() -> None:
    def turned(x: float, y: float) -> list[float]:
        angle = radians(4)
        return [x * cos(angle) - y * sin(angle), x * sin(angle) + y * cos(angle)]

    places = [(x, y) for y in (0, 30, 60) for x in (0, 500)]
    boxes = [[turned(x, y), turned(x + 300, y), turned(x + 300, y + 20), turned(x, y + 20)] for x, y in places]
    words = straightened(boxes[::-1], [f"{x}-{y}" for x, y in places][::-1])
    assert text_of(words) == "0-0\t500-0\n0-30\t500-30\n0-60\t500-60"


def test_marks_are_taken_out_and_pages_begin_where_they_did() -> None:
    pictures = [Spooled("PICTURES_UNREAD", 1, False, 0, 1)] * 2
    mark = "\ufdd0{}\ufdd1".format
    text = f"One.\n{mark(0)}\n\n{mark(1)}\n\nThree.{mark(7)}{mark(0)}"
    said, starts, placed = without_marks(text, [0, 10, 15], pictures)
    assert said == f"One.\n\n\n\nThree.{mark(7)}"
    assert [said[start : start + 5] for start in starts] == ["One.\n", "\n\nThr", "Three"]
    assert [at for at, _ in placed] == [4, 6]


def test_a_gap_as_wide_as_other_spaces_is_one_but_not_within_a_figure() -> None:
    drawn = "it arrives at 14:30 count them within 12 working days"
    picture = np.full((40, 10 * len(drawn), 3), 250, np.uint8)
    for number, character in enumerate(drawn):
        if character != " ":
            picture[8:32, 10 * number + 1 : 10 * number + 9] = 20
    room = 10 * drawn.index("12") + 10  # behind the 1
    picture = np.concatenate([picture[:, :room], np.full((40, 15, 3), 250, np.uint8), picture[:, room:]], axis=1)
    middles = [10 * n + 5 + (15 if 10 * n >= room else 0) for n, character in enumerate(drawn) if character != " "]
    columns = [middle / picture.shape[1] for middle in middles]
    overlooked = drawn.replace("14:30 count", "14:30count")
    assert with_spaces(overlooked, columns, picture) == drawn
    assert with_spaces(overlooked, columns, picture[:20]) == overlooked  # too low to tell
    assert with_spaces(overlooked, columns[:-1], picture) == overlooked
