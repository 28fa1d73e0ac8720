"""Numbers that a program counts by itself stand in the text where a reader sees them."""

from pathlib import Path

import pytest

from core.documents.extraction import counted
from tests.core.documents.extraction.making import read_here, said, saved, word_of


def level(number: int, form: str, text: str, more: str = "") -> str:
    head = f'<w:lvl w:ilvl="{number}"><w:start w:val="1"/><w:numFmt w:val="{form}"/>'
    return f'{head}{more}<w:lvlText w:val="{text}"/></w:lvl>'


def lists(*levels: str, more: str = "") -> str:
    """Two lists of the same kind, 1 and 2; the second as `more` says."""
    one = f'<w:abstractNum w:abstractNumId="0">{"".join(levels)}</w:abstractNum>'
    return f"""{one}<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>
<w:num w:numId="2"><w:abstractNumId w:val="0"/>{more}</w:num>"""


def item(text: str, level: int = 0, number: int = 1) -> str:
    return said(text, f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>')


CLAUSES = (level(0, "decimal", "%1."), level(1, "decimal", "%1.%2"), level(2, "lowerLetter", "(%3)"))


def lines(folder: Path, body: str, **parts: str) -> list[str]:
    text, left_out = read_here(word_of(folder, body, None, **parts))
    assert left_out == {}
    return text.split("\n")


def test_clauses_of_a_contract(tmp_path: Path) -> None:
    body = [
        item("Term"),
        item("It runs for two years.", 1),
        item("It ends", 1),
        item("by letter, or", 2),
        item("by fax.", 2),
    ]
    body += [item("Price"), item("As clause 1.2 says.", 1), item("", 1), said("No number.", ""), item("Goes on.", 1)]
    assert lines(tmp_path, "".join(body), numbering=lists(*CLAUSES)) == [
        *("1. Term", "1.1 It runs for two years.", "1.2 It ends", "(a) by letter, or", "(b) by fax."),
        *("2. Price", "2.1 As clause 1.2 says.", "2.2", "No number.", "2.3 Goes on."),
    ]


@pytest.mark.parametrize(
    ("more", "shown"),
    [
        ("", "3."),  # two lists of one kind count on
        ('<w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride>', "1."),
        ('<w:lvlOverride w:ilvl="0"><w:startOverride w:val="7"/></w:lvlOverride>', "7."),
        (f'<w:lvlOverride w:ilvl="0">{level(0, "upperRoman", "Art. %1")}</w:lvlOverride>', "Art. III"),
    ],
)
def test_a_second_list(tmp_path: Path, more: str, shown: str) -> None:
    body = item("a") + item("b") + item("c", number=2) + item("d", number=2)
    got = lines(tmp_path, body, numbering=lists(*CLAUSES, more=more))
    assert got[:3] == ["1. a", "2. b", f"{shown} c"]
    assert got[3] != got[2]


@pytest.mark.parametrize(
    ("levels", "shown"),
    [
        ((level(0, "upperRoman", "%1."), level(1, "decimal", "%1.%2")), ["I.", "I.1", "II.", "II.1"]),
        ((level(0, "upperRoman", "%1."), level(1, "decimal", "%1.%2", "<w:isLgl/>")), ["I.", "1.1", "II.", "2.1"]),
        ((level(0, "none", ""), level(1, "decimal", "%2)")), ["", "1)", "", "1)"]),
        ((level(0, "decimal", "%1"), level(1, "decimal", "%2)", '<w:lvlRestart w:val="0"/>')), ["1", "1)", "2", "2)"]),
        ((level(0, "bullet", "\uf0b7"), level(1, "bullet", "–")), ["•", "–", "•", "–"]),
        ((level(0, "bullet", " "), level(1, "bullet", "\uf0fe")), ["", "•", "", "•"]),
        ((level(0, "chineseCounting", "第%1条", '<w:suff w:val="space"/>'), level(1, "decimalZero", "%2")),
         ["第一条", "01", "第二条", "01"]),
    ],
)  # fmt: skip
def test_levels(tmp_path: Path, levels: tuple[str, ...], shown: list[str]) -> None:
    body = item("x") + item("x", 1) + item("x") + item("x", 1)
    assert lines(tmp_path, body, numbering=lists(*levels)) == [f"{one} x".lstrip() for one in shown]


def test_a_level_that_only_a_certain_one_starts_over(tmp_path: Path) -> None:
    third = level(2, "decimal", "n%3", '<w:lvlRestart w:val="1"/>')
    levels = (level(0, "decimal", "%1"), level(1, "decimal", "%1.%2"), third)
    body = "".join(item("x", depth) for depth in (0, 1, 2, 1, 2, 0, 1, 2))
    shown = ["1", "1.1", "n1", "1.2", "n2", "2", "2.1", "n1"]
    assert lines(tmp_path, body, numbering=lists(*levels)) == [f"{one} x" for one in shown]


def test_a_list_that_begins_further_down_and_one_without_a_space(tmp_path: Path) -> None:
    assert lines(tmp_path, item("x", 1) + item("y", 2), numbering=lists(*CLAUSES)) == ["1.1 x", "(a) y"]
    tight = lists(level(0, "decimal", "§%1:", '<w:suff w:val="nothing"/>'))
    assert lines(tmp_path, item("x"), numbering=tight) == ["§1:x"]


STYLES = """<w:style w:type="paragraph" w:styleId="H1"><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style>
<w:style w:type="paragraph" w:styleId="H2"><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style>
<w:style w:type="paragraph" w:styleId="Deeper"><w:basedOn w:val="H2"/></w:style>
<w:style w:type="numbering" w:styleId="Gallery"><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style>"""
LINKED = (
    level(0, "decimal", "%1", '<w:pStyle w:val="H1"/>'),
    level(1, "decimal", "%1.%2", '<w:pStyle w:val="H2"/>'),
)


def test_numbers_by_style(tmp_path: Path) -> None:
    def styled(text: str, style: str, more: str = "") -> str:
        return said(text, f'<w:pStyle w:val="{style}"/>{more}')

    body = styled("a", "H1") + styled("b", "H2") + styled("c", "Deeper") + styled("d", "H1")
    body += styled("e", "H1", '<w:numPr><w:numId w:val="0"/></w:numPr>') + styled("f", "H2")
    got = lines(tmp_path, body, numbering=lists(*LINKED), styles=STYLES)
    assert got == ["1 a", "1.1 b", "1.2 c", "2 d", "e", "2.1 f"]


def test_a_list_that_is_defined_by_a_style_of_the_gallery(tmp_path: Path) -> None:
    named = '<w:abstractNum w:abstractNumId="5"><w:numStyleLink w:val="Gallery"/></w:abstractNum>'
    number = '<w:num w:numId="9"><w:abstractNumId w:val="5"/></w:num>'
    body = item("x", number=9) + item("y", number=9)
    assert lines(tmp_path, body, numbering=named + lists(*CLAUSES) + number, styles=STYLES) == ["1. x", "2. y"]


def test_what_is_deleted_does_not_count_and_headers_count_for_themselves(tmp_path: Path) -> None:
    numbered = '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr>'
    gone = f'<w:p><w:pPr>{numbered}<w:rPr><w:del w:id="1"/></w:rPr></w:pPr></w:p>'
    box = f"<w:p><w:r><w:txbxContent>{item('boxed')}</w:txbxContent></w:r></w:p>"
    body = (
        item("a")
        + gone
        + f"<w:tbl><w:tr><w:tc>{item('')}</w:tc><w:tc>{said('cell')}</w:tc></w:tr></w:tbl>"
        + item("b")
        + box
    )
    text, _ = read_here(
        word_of(tmp_path, body, numbering=lists(*CLAUSES), footnotes=f"<w:footnote>{item('note')}</w:footnote>")
    )
    assert text.split("\n") == ["1. a", "2.\tcell", "3. b", "1. boxed", "1. note"]


def refers(text: str, kind: str, name: int, more: str = "") -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r><w:r><w:{kind}Reference {more}w:id='{name}'/></w:r></w:p>"


def note(text: str, kind: str, name: int) -> str:
    own = f"<w:r><w:{kind}Ref/></w:r>"
    return f"<w:{kind} w:id='{name}'><w:p>{own}<w:r><w:t>{text}</w:t></w:r></w:p></w:{kind}>"


NOTES = "".join(note(f"Note {n}", "footnote", n) for n in (7, 3, 5))


@pytest.mark.parametrize(
    ("properties", "shown"),
    [
        ("", "[^1] [^2] [^3]"),
        ("<w:numFmt w:val='chicago'/><w:numStart w:val='2'/>", "[^†] [^‡] [^§]"),
        ("<w:numRestart w:val='eachSect'/>", "[^1] [^2] [^1]"),
    ],
)
def test_notes_stand_under_their_numbers_and_are_referred_to_by_them(
    tmp_path: Path, properties: str, shown: str
) -> None:
    section = "<w:p><w:pPr><w:sectPr/></w:pPr></w:p>"
    gone = f"<w:p><w:del>{refers('no', 'footnote', 9)[5:-6]}</w:del></w:p>"
    signed = refers("d", "footnote", 8, "w:customMarkFollows='1' ").replace("</w:r></w:p>", "<w:t>*</w:t></w:r></w:p>")
    body = (
        gone + refers("a", "footnote", 7) + refers("b", "footnote", 3) + section + refers("c", "footnote", 5) + signed
    )
    settings = f"<w:footnotePr>{properties}</w:footnotePr>"
    one, two, three = shown.split()
    text = lines(tmp_path, body, settings=settings, footnotes=NOTES)
    assert [line for line in text if line] == [
        *(f"a{one}", f"b{two}", f"c{three}", "d*"),
        *(f"{one} Note 7", f"{two} Note 3", f"{three} Note 5"),
    ]


def test_notes_that_begin_anew_on_each_page_have_no_number_and_the_document_says_so(tmp_path: Path) -> None:
    body = refers("a", "footnote", 7) + refers("b", "endnote", 1)
    settings = "<w:footnotePr><w:numRestart w:val='eachPage'/></w:footnotePr>"
    path = word_of(
        tmp_path,
        body,
        settings=settings,
        footnotes=note("Note", "footnote", 7),
        endnotes=note("End", "endnote", 1),
    )
    text, left_out = read_here(path)
    assert (text.split("\n"), left_out) == (["a", "b[^i]", "Note", "[^i] End"], {"NUMBERS_UNREAD": (1, [])})


def test_a_way_of_counting_that_is_not_known_is_named(tmp_path: Path) -> None:
    body = item("x") + item("y", 10**8)  # and a level that the list does not have
    text, left_out = read_here(word_of(tmp_path, body, numbering=lists(level(0, "bahtText", "%1"))))
    assert (text, left_out) == ("x\ny", {"NUMBERS_UNREAD": (2, [])})


@pytest.mark.parametrize(
    ("form", "shown"),
    [
        ("lowerRoman", "i iv xiv xl"),
        ("upperLetter", "A D N NN"),
        ("ordinal", "1st 4th 14th 40th"),
        ("ordinalText", "First Fourth Fourteenth Fortieth"),
        ("cardinalText", "One Four Fourteen Forty"),
        ("japaneseCounting", "一 四 十四 四十"),
        ("decimalEnclosedCircle", "① ④ ⑭ 40"),
    ],
)
def test_forms_of_a_number(form: str, shown: str) -> None:
    assert [counted.shown(number, form) for number in (1, 4, 14, 40)] == shown.split()


def test_numbers_beyond_a_hundred() -> None:
    assert counted.shown(123, "ordinalText") == "One hundred twenty-third"
    assert counted.shown(105, "chineseCounting") == "一百〇五"
    assert counted.shown(10**9, "lowerLetter") is None


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ("<ol start=7><li>a<ol type=i><li>b<li>c</ol><li>d</ol>", "7. a|i. b|ii. c|8. d"),
        ("<ol><li value=5>a<li>b<li value=2 type=A>c</ol>", "5. a|6. b|B. c"),
        ("<ol reversed><li>a<li>b<li>c</ol>", "3. a|2. b|1. c"),
        ("<ol reversed start=9><li>a<li>b</ol>", "9. a|8. b"),
        ("<ol style='list-style-type: lower-alpha'><li>a<li hidden>no<li>b</ol>", "a. a|b. b"),
        ("<ol style='list-style: none'><li>a</ol><ul><li>b</ul>", "a|b"),
        ("<ol><li><p>a</p><p>b</p><li><li><b>c</b></ol>", "1. a|b|2.|3. c"),
        ("<ol><li><ol type=a><li>deep</ol></ol>after", "1. a. deep|after"),
        ("<ol start=27 type=a><li>a</ol><ol start=x type=I><li>b</ol><ol start=0 type=a><li>c</ol>", "aa. a|I. b|0. c"),
        ("<li>stray<p>text", "stray|text"),
    ],
)
def test_lists_of_a_page(tmp_path: Path, html: str, shown: str) -> None:
    text, left_out = read_here(saved(tmp_path, "a.html", html))
    assert "|".join(line for line in text.split("\n") if line) == shown
    assert "NUMBERS_UNREAD" not in left_out
