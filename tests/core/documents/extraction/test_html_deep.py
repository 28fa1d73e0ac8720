"""HTML that is nested deeper than its parser goes is read to its end."""

from pathlib import Path

import pytest

from tests.core.documents.extraction.making import LeftOut, read_here, saved

DEEP = 3_000


def read_html(folder: Path, html: str) -> tuple[list[str], LeftOut]:
    text, left_out = read_here(saved(folder, "a.html", html))
    return [line for line in text.split("\n") if line], left_out


@pytest.mark.parametrize(
    ("opened", "closed", "lines"),
    [
        ("<div>", "</div>", ["first", "inside", "outside", "last"]),
        ("<DIV class='a'>", "</DIV>", ["first", "inside", "outside", "last"]),
        ("<span>", "</span>", ["firstinsideoutside", "last"]),
        ("<font>", "", ["firstinsideoutside", "last"]),  # never closed
        ("<section><div>", "</div></section>", ["first", "inside", "outside", "last"]),
        ("<blockquote>", "</blockquote>", ["first", "inside", "outside", "last"]),
    ],
)
def test_all_of_it_is_there(tmp_path: Path, opened: str, closed: str, lines: list[str]) -> None:
    html = f"<body><p>first{opened * DEEP}inside{closed * DEEP}outside<p>last</body>"
    assert read_html(tmp_path, html) == (lines, {})


def test_cells_and_items_stay_apart(tmp_path: Path) -> None:
    table = "<table><tr><td>a<td>" * DEEP + "b<td>c" + "</table>" * DEEP
    lines, left_out = read_html(tmp_path, table + "<p>last")
    words = [word for line in lines for word in line.split()]
    assert (words, left_out) == (["a"] * DEEP + ["b", "c", "last"], {})


def test_what_is_hidden_stays_out(tmp_path: Path) -> None:
    unseen = "<div hidden>secret<div>too</div></div><script>if (a < b) '<div>x</div>'</script><style>p {}</style>"
    html = "<div>" * DEEP + unseen + "seen" + "</div>" * DEEP + "last"
    assert read_html(tmp_path, html) == (["seen", "last"], {"HIDDEN_UNREAD": (1, [])})
    html = "<div hidden>" * DEEP + "secret" + "</div>" * DEEP + "last"
    assert read_html(tmp_path, html) == (["last"], {"HIDDEN_UNREAD": (1, [])})


@pytest.mark.parametrize(
    "odd", ['<a "' * 50_000, "<!--" * 50_000, "<a '" + '<a "' * 50_001, "</b>" * 50_000, "<br>" * 200_000]
)
def test_odd_markup_in_it_takes_no_hours(tmp_path: Path, odd: str) -> None:
    lines, _ = read_html(tmp_path, "first" + "<div>" * DEEP + "inside" + odd)
    assert lines[:2] == ["first", "inside"]


def test_twenty_thousand_levels(tmp_path: Path) -> None:
    html = "first" + "<div>" * 20_000 + "inside" + "</div>" * 20_000 + "last"
    assert read_html(tmp_path, html) == (["first", "inside", "last"], {})
