"""What a page shows in boxes and above its words."""

from pathlib import Path

import pytest

from tests.core.documents.extraction.making import read_here, saved


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ("<label><input type=checkbox checked> Insured</label> <input type=checkbox> Not", "☑ Insured ☐ Not"),
        ("<input type=radio name=a>by post<input type=RADIO name=a checked>by fax", "○ by post ◉ by fax"),
        ("Name:<input value='Ada L.'><input type=hidden value=token>", "Name: Ada L."),
        ("Pay <select><option>by card<option selected>by\n bill</select> now", "Pay by bill now"),
        ("Pay <select><option>by card<option>by bill</select>", "Pay by card"),
        ("a<select hidden><option>b</select><select multiple><option>c</select>", "a"),
        ("<ol><li><input type=checkbox checked>sent</ol>", "1. ☑ sent"),
        (
            "<p><ruby>大阪<rp>(</rp><rt>おおさか</rt><rp>)</rp></ruby>に支店</p><p>x",
            "大阪に支店|[Ruby: 大阪 おおさか]|x",
        ),
        ("<ruby>大<rt>おお</rt>阪<rt>さか</rt></ruby>に", "大阪に|[Ruby: 大阪 おおさか]"),
        ("<table><tr><td><ruby>東<rt>ひがし</rt></ruby><td>1</table>", "東 [Ruby: 東 ひがし]\t1"),
    ],
)
def test_what_a_page_shows_in_boxes_and_above_words(tmp_path: Path, html: str, shown: str) -> None:
    text, left_out = read_here(saved(tmp_path, "a.html", html))
    assert "|".join(line for line in text.split("\n") if line) == shown
    assert set(left_out) <= {"HIDDEN_UNREAD"}
