"""What Word shows beside its paragraphs: comments, ticked boxes, merged-in files, readings, what is hidden, charts."""

from io import BytesIO
from pathlib import Path

import docx
import pytest
from pptx.chart.data import CategoryChartData, XyChartData
from pptx.chart.xmlwriter import ChartXmlWriter
from pptx.enum.chart import XL_CHART_TYPE

from tests.core.documents.extraction.making import LeftOut, read_here, said, word_of


def shown(folder: Path, body: str, *, lacking: LeftOut | None = None, **parts: str) -> list[str]:
    text, left_out = read_here(word_of(folder, body, None, **parts))
    assert left_out == (lacking or {})
    return text.split("\n")


def run(inside: str, properties: str = "") -> str:
    return f"<w:r><w:rPr>{properties}</w:rPr>{inside}</w:r>"


def t(text: str) -> str:
    return f'<w:t xml:space="preserve">{text}</w:t>'


def test_comments_stand_below_what_they_are_about(tmp_path: Path) -> None:
    about = f'<w:p>{run(t("The cap is EUR 9,000."))}{run("""<w:commentReference w:id="4"/>""")}</w:p>'
    other = about.replace('"4"', '"5"')
    table = f"<w:tbl><w:tr><w:tc>{other}</w:tc><w:tc>{said('x')}</w:tc></w:tr></w:tbl>"
    comments = "".join(
        f'<w:comment w:id="{number}"{author}>{said(f"Too low {number}.")}{said("Ask them.")}</w:comment>'
        for number, author in ((4, ' w:author="Ada L."'), (5, ""), (6, ' w:author="Bo"'))
    )
    assert shown(tmp_path, about + table + said("After."), comments=comments) == [
        *("The cap is EUR 9,000.", "[Comment by Ada L.: Too low 4. Ask them.]"),
        *("The cap is EUR 9,000.\tx", "[Comment: Too low 5. Ask them.]"),
        *("After.", "[Comment by Bo: Too low 6. Ask them.]"),
    ]


WINGDINGS = '<w:rFonts w:ascii="Wingdings" w:hAnsi="Wingdings"/>'


@pytest.mark.parametrize(
    ("sign", "seen"),
    [
        ('<w:sym w:font="Wingdings" w:char="F0FE"/>', "☑"),
        ('<w:sym w:font="Wingdings" w:char="00A8"/>', "☐"),
        ('<w:sym w:font="Wingdings 2" w:char="F052"/>', "☑"),
        ('<w:sym w:font="Webdings" w:char="F061"/>', "✓"),
        ('<w:sym w:font="Symbol" w:char="F0B3"/>', "≥"),
        ('<w:sym w:font="MS Gothic" w:char="2612"/>', "☒"),
        ("<w:fldChar><w:ffData><w:checkBox><w:checked/></w:checkBox></w:ffData></w:fldChar>", "☑"),
        ('<w:fldChar w:fldCharType="begin"><w:ffData><w:checkBox><w:default w:val="1"/><w:checked w:val="0"/>'
         "</w:checkBox></w:ffData></w:fldChar>", "☐"),
        ('<w:fldChar w:fldCharType="begin"><w:ffData><w:ddList><w:result w:val="1"/><w:listEntry w:val="by post"/>'
         '<w:listEntry w:val="by fax"/></w:ddList></w:ffData></w:fldChar>', "by fax"),
    ],
)  # fmt: skip
def test_signs_and_boxes(tmp_path: Path, sign: str, seen: str) -> None:
    assert shown(tmp_path, f"<w:p>{run(sign)}{run(t(' insured'))}</w:p>") == [f"{seen} insured"]


def test_signs_that_are_text_in_a_font_and_signs_that_are_not_known(tmp_path: Path) -> None:
    style = f'<w:style w:type="character" w:styleId="Tick"><w:rPr>{WINGDINGS}</w:rPr></w:style>'
    ticked = run(t("þ"), WINGDINGS) + run(t(" yes "))
    body = f"<w:p>{ticked}{run(t(chr(0xF0A8)), '<w:rStyle w:val=`Tick`/>')}{run(t(' þing'))}</w:p>"
    assert shown(tmp_path, body.replace("`", '"'), styles=style) == ["☑ yes ☐ þing"]
    unknown = f'<w:p>{run("""<w:sym w:font="Wingdings" w:char="F021"/>""")}{run(t(chr(0xF0FE)))}</w:p>'
    _, left_out = read_here(word_of(tmp_path, unknown + said("x")))
    assert left_out == {"CHARACTERS_UNREAD": (2, [1])}


@pytest.mark.parametrize(
    ("checked", "inside", "seen"),
    [
        ('<w14:checked w14:val="1"/>', "☒", "☒ Approved"),
        ('<w14:checked w14:val="0"/>', "☐", "☐ Approved"),
        ('<w14:checked w14:val="1"/>', "X", "☑ Approved"),
        ("", "◯", "☐ Approved"),
    ],
)
def test_check_boxes_of_content_controls(tmp_path: Path, checked: str, inside: str, seen: str) -> None:
    properties = f"<w:sdtPr><w14:checkbox>{checked}</w14:checkbox></w:sdtPr>"
    inline = f"<w:p><w:sdt>{properties}<w:sdtContent>{run(t(inside))}</w:sdtContent></w:sdt>{run(t(' Approved'))}</w:p>"
    assert shown(tmp_path, inline) == [seen]
    whole = f"<w:sdt>{properties}<w:sdtContent>{said(inside)}</w:sdtContent></w:sdt>"
    assert shown(tmp_path, whole + said("x")) == [seen.split(maxsplit=1)[0], "x"]


def merged(folder: Path, name: str, content: str | bytes) -> tuple[str, LeftOut]:
    body = said("Before.") + f'<w:altChunk r:id="{name.partition(".")[0]}"/>' + said("After.")
    return read_here(word_of(folder, body, {name: ("aFChunk", content)}))


@pytest.mark.parametrize(
    ("name", "content", "seen"),
    [
        ("part.html", "<meta charset=utf-8><p>It is <b>€ 8</b>.</p><ol start=3><li>due</ol>", "It is € 8.\n\n3. due"),
        ("part.txt", "One\r\ntwo", "One\ntwo"),
        ("part.mht", "MIME-Version: 1.0\nContent-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n"
         "Content-Transfer-Encoding: quoted-printable\n\n<p>quoted =3D page</p>\n--b--\n", "quoted = page"),
    ],
)  # fmt: skip
def test_files_that_are_merged_in(tmp_path: Path, name: str, content: str, seen: str) -> None:
    assert merged(tmp_path, name, content) == (f"Before.\n{seen}\nAfter.", {})


def test_documents_that_are_merged_in(tmp_path: Path) -> None:
    inner = docx.Document()
    inner.add_paragraph("merged", style="List Number")
    whole = BytesIO()
    inner.save(whole)
    assert merged(tmp_path, "part.docx", whole.getvalue()) == ("Before.\n1. merged\nAfter.", {})
    data = whole.getvalue()
    for _ in range(5):
        merged(tmp_path, "part.docx", data)
        data = (tmp_path / "made.docx").read_bytes()
    text, left_out = read_here(tmp_path / "made.docx")
    assert (text.count("Before."), left_out) == (4, {"PARTS_UNREAD": (1, [])})


def test_merged_in_files_of_other_kinds_are_named(tmp_path: Path) -> None:
    assert merged(tmp_path, "part.rtf", "{\\rtf1 text}") == ("Before.\ntext\nAfter.", {})
    assert shown(tmp_path, said("x") + '<w:altChunk r:id="none"/>', lacking={"PARTS_UNREAD": (1, [])}) == ["x"]


def test_words_of_a_watermark(tmp_path: Path) -> None:
    mark = '<w:pict><v:shape xmlns:v="urn:schemas-microsoft-com:vml"><v:textpath string="DRAFT"/></v:shape></w:pict>'
    assert shown(tmp_path, f"<w:p><w:r>{mark}</w:r></w:p>" + said("x")) == ["DRAFT", "x"]


def test_words_with_readings_stand_unbroken(tmp_path: Path) -> None:
    ruby = f"<w:ruby><w:rubyPr/><w:rt>{run(t('おおさか'))}</w:rt><w:rubyBase>{run(t('大阪'))}</w:rubyBase></w:ruby>"
    body = f"<w:p><w:r>{ruby}</w:r>{run(t('に支店'))}</w:p>"
    assert shown(tmp_path, body) == ["大阪に支店", "[Ruby: 大阪 おおさか]"]


def test_hidden_text_is_marked(tmp_path: Path) -> None:
    styles = """<w:style w:type="paragraph" w:styleId="Note"><w:rPr><w:vanish/></w:rPr></w:style>
<w:style w:type="paragraph" w:styleId="Deeper"><w:basedOn w:val="Note"/></w:style>"""
    price = run(t("Price 9")) + run(t(" (cost"), "<w:vanish/>") + run(t(" 5)"), "<w:vanish/>")
    body = f"<w:p>{price}{run(t(' net'), '<w:vanish w:val=`0`/>')}</w:p>"
    body += said("to all", '<w:pStyle w:val="Note"/>') + said("to editors", '<w:pStyle w:val="Deeper"/>')
    got = shown(tmp_path, body.replace("`", '"'), styles=styles)
    assert got == ["Price 9 [Hidden: (cost 5)] net", "[Hidden: to all]", "[Hidden: to editors]"]


CHART = """<w:p><w:r><w:t>Sales</w:t><w:drawing><a:graphic xmlns:a="http://x.org/main"><a:graphicData uri="http://x.org/2006/{kind}">
<c:{element} xmlns:c="http://x.org/chart" {relation}/></a:graphicData></a:graphic></w:drawing></w:r></w:p>"""


def test_charts(tmp_path: Path) -> None:
    data = CategoryChartData(number_format="0.0%")
    data.categories = ["North", "South"]
    data.add_series("2025", (0.125, 0.3))
    data.add_series("2026", (None, 0.5))
    xml = ChartXmlWriter(XL_CHART_TYPE.COLUMN_CLUSTERED, data).xml.encode()
    chart = CHART.format(kind="chart", element="chart", relation='r:id="sales"')
    text, left_out = read_here(word_of(tmp_path, chart, {"sales.xml": ("chart", xml)}))
    assert text == "Sales\n\t2025\t2026\nNorth\t12.5%\t\nSouth\t30.0%\t50.0%"
    assert left_out == {}
    points = XyChartData()
    points.add_series("pumps").add_data_point(1.5, 20)
    xml = ChartXmlWriter(XL_CHART_TYPE.XY_SCATTER, points).xml.encode()
    text, _ = read_here(word_of(tmp_path, chart, {"sales.xml": ("chart", xml)}))
    assert text == "Sales\n\tpumps\n1.5\t20"


def test_diagrams_and_charts_that_keep_no_figures(tmp_path: Path) -> None:
    points = "".join(f"<d:pt><d:t><a:p><a:r><a:t>{text}</a:t></a:r></a:p></d:t></d:pt>" for text in ("Plan", "Do"))
    diagram = f'<d:dataModel xmlns:d="http://x.org/diagram" xmlns:a="http://x.org/main">{points}</d:dataModel>'
    place = CHART.format(kind="diagram", element="relIds", relation='r:dm="steps"')
    text, left_out = read_here(word_of(tmp_path, place, {"steps.xml": ("diagramData", diagram)}))
    assert (text, left_out) == ("Sales\nPlan\nDo", {})
    empty = '<c:chartSpace xmlns:c="http://x.org/chart"><c:ser/></c:chartSpace>'
    text, left_out = read_here(
        word_of(
            tmp_path,
            place.replace("diagram", "chart").replace("relIds", "chart").replace("r:dm", "r:id"),
            {"steps.xml": ("chart", empty)},
        )
    )
    assert (text, left_out) == ("Sales", {"CHARTS_UNREAD": (1, [])})
