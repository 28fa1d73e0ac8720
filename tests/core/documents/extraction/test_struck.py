"""Words with a line through them stand in brackets that say so, in every format that can tell."""

from collections.abc import Callable
from pathlib import Path

import pptx
import pytest
import xlsxwriter

from core.documents.extraction import rtf
from tests.core.documents.extraction.making import read_here, rewritten, saved, word_of
from tests.core.documents.extraction.test_slides_whole import box, saved_deck

HOLDS = "Price [Struck out: 500 net,] 450 net"
STRIKES, NOT = "<w:strike/>", '<w:strike w:val="0"/>'


def word(folder: Path) -> str:
    styles = """<w:style w:type="character" w:styleId="Old"><w:rPr><w:dstrike/></w:rPr></w:style>
<w:style w:type="paragraph" w:styleId="Gone"><w:rPr><w:strike/></w:rPr></w:style>"""
    old, gone = '<w:rStyle w:val="Old"/>', '<w:pPr><w:pStyle w:val="Gone"/></w:pPr>'
    first = f"<w:p>{run('Price ')}{run('500 ', STRIKES)}{run('net, ', old)}{run('450 net', NOT)}</w:p>"
    second = f"<w:p>{gone}{run('Void<w:br/>since May')}{run(' not this', NOT)}</w:p>"
    text, _ = read_here(word_of(folder, first + second, None, styles=styles))
    first, rest = text.split("\n", 1)
    assert rest == "[Struck out: Void]\n[Struck out: since May] not this"
    return first


def run(text: str, properties: str = "") -> str:
    inside = text.replace("<w:br/>", '</w:t><w:br/><w:t xml:space="preserve">')
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{inside}</w:t></w:r>'


def slide(folder: Path) -> str:
    deck = pptx.Presentation()
    frame = box(deck.slides.add_slide(deck.slide_layouts[6]).shapes, "", 0, 0).text_frame
    for text, line in (("Price ", None), ("500 ", "sngStrike"), ("net, ", "dblStrike"), ("450 net", "noStrike")):
        one = frame.paragraphs[0].add_run()
        one.text = text
        if line:
            one.font._element.set("strike", line)
    return read_here(saved_deck(deck, folder))[0]


def sheet(folder: Path) -> str:
    path = folder / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet("S")
        line, plain = book.add_format({"font_strikeout": True}), book.add_format({"bold": True})
        page.write_rich_string(0, 0, "Price ", line, "500 net,", plain, " 450 net")
        page.write_row(1, 0, [1.5, "gone"], line)
        page.write_row(2, 0, [2.5, "stays"], plain)
        page.write_rich_string(3, 0, line, "all ", line, "of it", line)
        page.insert_textbox(5, 0, "Old")
    rewritten(path, "xl/drawings/drawing1.xml", lambda xml: xml.replace(b"<a:rPr ", b'<a:rPr strike="sngStrike" '))
    _, *rows = read_here(path)[0].split("\n")
    assert rows[4:] == ["Text box: [Struck out: Old]"]
    assert rows[1:4] == ["[Struck out: 1.5]\t[Struck out: gone]", "2.5\tstays", "[Struck out: all of it]"]
    return rows[0]


def page(folder: Path) -> str:
    cells = "<table><tr><td style='text-decoration:line-through'>a<br>b</td><td>c</td></tr></table>"
    pre = "<pre><del>x  y\nz</del></pre>"
    line = "{text-decoration: line-through}"
    html = f"""<style media=print>p {line}</style><style>/* .g {line} */
@media print {{ i {{color: red}} .f {line} }} em {line} .old, b.Was {{ color: red;
text-decoration:underline LINE-THROUGH }}
p b {line} .new {{ text-decoration: none }}</style>
<p>Price <s>500</s> <span class="big old">net,</span> <b><s class="new">450</s></b>
<strike style="text-decoration-line: none">net</strike></p>
<p class="f g"><em>Off</em> <b class=Was>now</b> again</p>{cells}{pre}"""
    first, second, *rest = read_here(saved(folder, "a.html", html))[0].split("\n\n")
    assert second == "[Struck out: Off now] again"
    assert rest == ["[Struck out: a]\n[Struck out: b]\tc", "[Struck out: x  y]\n[Struck out: z]"]
    return first


def rich_text(_: Path) -> str:
    written = rb"{\rtf1 Price {\strike 500 }\striked1 net,\striked0  450 {\deleted\plain net}\par\'0e}"
    return rtf.text(written)


@pytest.mark.parametrize("kind", [word, slide, sheet, page, rich_text])
def test_what_is_struck_out_is_marked(tmp_path: Path, kind: Callable[[Path], str]) -> None:
    assert kind(tmp_path) == HOLDS
