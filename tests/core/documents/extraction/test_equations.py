"""Equations in one line, so that no figure becomes another."""

from pathlib import Path

import pptx
import pytest
from lxml import etree

from core.documents.extraction.equations import MOST_DEEP, in_a_line
from tests.core.documents.extraction.making import read_here, said, saved, word_of

SPACE = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'


def t(text: str) -> str:
    return f"<m:r><m:rPr><m:sty/></m:rPr><m:t>{text}</m:t></m:r>"


def fraction(above: str, below: str) -> str:
    return f"<m:f><m:fPr/><m:num>{t(above)}</m:num><m:den>{t(below)}</m:den></m:f>"


def power(base: str, up: str) -> str:
    return f"<m:sSup><m:e>{t(base)}</m:e><m:sup>{t(up)}</m:sup></m:sSup>"


@pytest.mark.parametrize(
    ("inside", "line"),
    [
        (t("2") + fraction("3", "4") + t("5"), "2 3/4 5"),
        (fraction("a+b", "2.5"), "(a+b)/2.5"),
        (power("10", "-7") + power("x", "n+1") + power("y", "n"), "10⁻⁷x^(n+1)y^n"),
        (f"<m:sSub><m:e>{t('x')}</m:e><m:sub>{t('12')}</m:sub></m:sSub>{t('3')}", "x_123"),
        (
            f"<m:rad><m:deg/><m:e>{t('16')}</m:e></m:rad><m:rad><m:deg>{t('3')}</m:deg><m:e>{t('a+8')}</m:e></m:rad>",
            "√16∛(a+8)",
        ),
        (
            "<m:d><m:dPr><m:begChr m:val='['/><m:endChr m:val=''/></m:dPr>"
            f"<m:e>{t('1')}</m:e><m:e>{t('2')}</m:e></m:d>",
            "[1|2",
        ),
        (
            f"<m:nary><m:naryPr><m:chr m:val='∑'/></m:naryPr><m:sub>{t('i=1')}</m:sub><m:sup>{t('n')}</m:sup>"
            f"<m:e>{t('i')}</m:e></m:nary>",
            "∑_(i=1)^n i",
        ),
        (f"<m:func><m:fName>{t('log')}</m:fName><m:e>{t('2')}</m:e></m:func>", "log 2"),
        (f"<m:m><m:mr><m:e>{t('1')}</m:e><m:e>{t('2')}</m:e></m:mr><m:mr><m:e>{t('3')}</m:e></m:mr></m:m>", "[1 2; 3]"),
    ],
)
def test_equations_of_office(inside: str, line: str) -> None:
    assert in_a_line(etree.fromstring(f"<m:oMath {SPACE}>{inside}</m:oMath>")) == line


@pytest.mark.parametrize(
    ("inside", "line"),
    [
        ("<mn>2</mn><mfrac><mn>3</mn><mn>4</mn></mfrac>", "2 3/4"),
        ("<mrow><msup><mn>10</mn><mn>7</mn></msup><mo> + </mo><msub><mi>x</mi><mi>i</mi></msub></mrow>", "10⁷+x_i"),
        ("<msqrt><mn>1</mn><mn>6</mn></msqrt><mroot><mi>a</mi><mn>5</mn></mroot>", "√16⁵√a"),
        ("<munderover><mo>∑</mo><mn>1</mn><mi>n</mi></munderover>", "∑_1^n"),
        ("<semantics><mfrac><mi>a</mi><mi>b</mi></mfrac><annotation>\\frac{a}{b}</annotation></semantics>", "a/b"),
        ("<mtable><mtr><mtd>1</mtd><mtd>2</mtd></mtr></mtable>", "[1 2]"),
    ],
)
def test_equations_of_html(tmp_path: Path, inside: str, line: str) -> None:
    page = saved(tmp_path, "a.html", f"<p>So <math>{inside}</math> it is <math hidden><mn>5</mn></math>")
    text, _ = read_here(page)
    assert text.strip() == f"So {line} it is"


def test_equations_stand_in_their_sentence_and_on_their_slide(tmp_path: Path) -> None:
    equation = f"<m:oMath {SPACE}>{fraction('3', '4')}</m:oMath>"
    share = said("A share of ").replace("</w:p>", f"{equation}</w:p>")
    assert read_here(word_of(tmp_path, share)) == ("A share of 3/4", {})
    deck = pptx.Presentation()
    box = deck.slides.add_slide(deck.slide_layouts[6]).shapes.add_textbox(0, 0, 9, 9)
    box.text_frame.text = "Share: "
    both = "http://schemas.openxmlformats.org/markup-compatibility/2006"
    choice = f"<c:Choice>{equation}</c:Choice><c:Fallback><a:t xmlns:a='urn:a'>34</a:t></c:Fallback>"
    box.text_frame.paragraphs[0]._p.append(
        etree.fromstring(f"<c:AlternateContent xmlns:c='{both}'>{choice}</c:AlternateContent>")
    )
    deck.save(str(tmp_path / "a.pptx"))
    assert read_here(tmp_path / "a.pptx") == ("Share: 3/4", {})


def test_an_equation_that_is_nested_without_end_is_told_as_its_text() -> None:
    nested = "<mrow>" * (MOST_DEEP + 9) + "<mn>7</mn>" + "</mrow>" * (MOST_DEEP + 9)
    assert in_a_line(etree.fromstring(f"<math>{nested}</math>")) == "7"
