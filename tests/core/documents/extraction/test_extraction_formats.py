import threading
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.core.documents.extraction.making import letter, pdf, read, rewritten, saved, slides, word, workbook

ENGLISH = "The northern plant lost eleven percent of its output in March."
GERMAN = "Die Prüfung der größeren Pumpen dauerte länger als üblich, und niemand wusste warum."


def test_pdf_pages_begin_where_page_starts_says(tmp_path: Path) -> None:
    got = read(saved(tmp_path, "a.pdf", pdf([ENGLISH, "Second page.", "Third page."])))
    assert got.text == f"{ENGLISH}\n\nSecond page.\n\nThird page."
    assert [got.text[start:].split()[0] for start in got.page_starts] == ["The", "Second", "Third"]
    assert (got.paged, got.language) == (True, "en")
    assert got.tokens == 18


def test_pdf_with_a_blank_page_keeps_its_page_numbers(tmp_path: Path) -> None:
    got = read(saved(tmp_path, "a.pdf", pdf(["One.", "", "Three."])))
    assert len(got.page_starts) == 3
    assert got.text[got.page_starts[2] :] == "Three."


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ("all the pack-\nages of the north", "all the packages of the north"),
        ("all the S-\nPlus programs", "all the S-Plus programs"),
        ("the first line\nthe second line", "the first line\nthe second line"),
    ],
)
def test_pdf_words_broken_at_a_lines_end_are_whole_again(tmp_path: Path, lines: str, text: str) -> None:
    assert read(saved(tmp_path, "a.pdf", pdf([lines]))).text == text


def test_pdf_form_gives_what_was_filled_in(fixtures: Path) -> None:
    assert "Grace Hopper" in read(fixtures / "form.pdf").text


def test_docx_headers_paragraphs_and_tables_stand_in_order(tmp_path: Path) -> None:
    got = read(word(tmp_path))
    assert got.text.split("\n") == [
        *("Annual report", "Results", "Body text.", "Plant\tOutput", "North\t11 %", "After the table.", "Confidential")
    ]
    assert (got.page_starts, got.paged) == ((0,), False)


# A text box is written twice, for programs of before and after 2010.
BOX = "<w:txbxContent><w:p><w:r><w:t>boxed</w:t></w:r></w:p></w:txbxContent>"
TEXT_BOX = f"""<w:r><w:t>before</w:t>
<mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">
<mc:Choice Requires="wps">{BOX}</mc:Choice><mc:Fallback>{BOX}</mc:Fallback>
</mc:AlternateContent><w:t>after</w:t></w:r>"""


@pytest.mark.parametrize(
    ("xml", "shown"),
    [
        ('<w:ins w:id="1" w:author="a"><w:r><w:t>inserted</w:t></w:r></w:ins>', "inserted"),
        ('<w:del w:id="1" w:author="a"><w:r><w:delText>deleted</w:delText></w:r></w:del>', ""),
        ('<w:moveFrom w:id="1" w:author="a"><w:r><w:t>moved away</w:t></w:r></w:moveFrom>', ""),
        ("<w:sdt><w:sdtPr/><w:sdtContent><w:r><w:t>chosen</w:t></w:r></w:sdtContent></w:sdt>", "chosen"),
        ("<w:r><w:instrText>PAGE</w:instrText><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t></w:r>", "a\tb\nc"),
        ("<w:r><w:t>S</w:t><w:noBreakHyphen/><w:t>Plus</w:t></w:r>", "S-Plus"),
        (TEXT_BOX, "before\nboxed\nafter"),
    ],
)
def test_docx_shows_the_text_as_it_is_now(tmp_path: Path, xml: str, shown: str) -> None:
    path = word(tmp_path, "HERE")
    rewritten(path, "word/document.xml", lambda old: old.replace(b"<w:r><w:t>HERE</w:t></w:r>", xml.encode()))
    assert f"Results\n{shown}\nPlant" in read(path).text


def test_docx_leaves_out_whole_paragraphs_that_were_moved_away(tmp_path: Path) -> None:
    path = word(tmp_path, "HERE")
    moved = b"<w:moveFrom><w:p><w:r><w:t>moved away</w:t></w:r></w:p></w:moveFrom><w:sectPr"
    rewritten(path, "word/document.xml", lambda old: old.replace(b"<w:sectPr", moved))
    assert "moved away" not in read(path).text


def test_docx_with_macros_is_read_too(tmp_path: Path) -> None:
    path = rewritten(
        word(tmp_path),
        "[Content_Types].xml",
        lambda old: old.replace(
            b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
            b"application/vnd.ms-word.document.macroEnabled.main+xml",
        ),
    )
    assert "Body text." in read(path.rename(tmp_path / "report.docm")).text


def test_pptx_slides_are_pages_with_notes_tables_and_groups(tmp_path: Path) -> None:
    got = read(slides(tmp_path))
    assert got.text == "Outlook\nGrowth of 4 %\nSay it slowly.\n\nPlant\tNorth\nIn a group"
    assert got.text[got.page_starts[1] :].startswith("Plant")
    assert got.paged


def test_xlsx_sheets_are_pages_of_tab_separated_rows(tmp_path: Path) -> None:
    got = read(workbook(tmp_path))
    first, second, third = got.page_starts
    assert got.text[:second] == "Sales\nRegion\tSum\tPaid\nNorth and west\t3\tTRUE\nSouth\t0.3\tFALSE\n\n"
    assert got.text[second:third] == "\n\n"
    assert got.text[third:] == "Costs\n48,000 euros"
    assert (first, got.paged) == (0, True)


HTML = """<!doctype html><html><head><title>Plant</title><style>p {color: red}</style><script>no()</script></head>
<body><h1>Heading</h1><p>First <b>bold</b>
   line.<br>Second.</p><div hidden>unseen</div><div style="display: none">unseen</div><noscript>unseen</noscript>
<table><thead><tr><th>a</th><th>b</th></tr></thead><tr><td><p>1</p></td><td></td></tr><tr><td></td><td>2</td></tr></table>
<ul><li>x<li>y</ul><pre>  kept
    as is</pre>tail &amp; end<!-- unseen --></body></html>"""


def test_html_shows_what_a_browser_shows(tmp_path: Path) -> None:
    assert read(saved(tmp_path, "a.html", HTML)).text == (
        "Plant\n\nHeading\n\nFirst bold line.\nSecond.\n\na\tb\n1\n\t2\n\nx\ny\n\n  kept\n    as is\n\ntail & end"
    )


@pytest.mark.parametrize("meta", ['<meta charset="cp865">', '<meta http-equiv=a content="text/html; charset=cp865">'])
def test_html_is_decoded_as_it_says(tmp_path: Path, meta: str) -> None:
    path = saved(tmp_path, "a.html", f"<html><head>{meta}</head><body><p>Blåbærsyltetøy".encode("cp865"))
    assert read(path).text == "Blåbærsyltetøy"


def test_eml_gives_headers_the_fuller_body_and_names_of_attachments(tmp_path: Path) -> None:
    got = read(saved(tmp_path, "a.eml", letter().as_bytes()))
    assert got.text == (
        "From: Zoë Müller <zoe@example.org>\nTo: bob@example.org\nSubject: Größere Pumpen\n"
        "Date: Mon, 02 Mar 2026 10:00:00 +0000\n\nThe pumps arrive in June, and this is HTML.\n\n"
        "Attachment: Übersicht.pdf (not read)"
    )


def test_eml_with_only_html_and_a_list_footer_keeps_both(tmp_path: Path) -> None:
    message = EmailMessage()
    message["Subject"] = "Hello"
    message.set_content("<p>The <i>body</i></p><script>no()</script>", subtype="html")
    message.make_mixed()
    footer, forwarded = EmailMessage(), EmailMessage()
    footer.set_content("list footer")
    message.attach(footer)
    forwarded["Subject"] = "Older letter"
    forwarded.set_content("Of May.")
    message.add_attachment(forwarded)
    got = read(saved(tmp_path, "a.eml", message.as_bytes()))
    assert (
        got.text
        == "Subject: Hello\n\nThe body\n\nlist footer\n\nAttachment: Older letter\n\nSubject: Older letter\n\nOf May."
    )


def test_eml_with_malformed_headers_is_read(tmp_path: Path) -> None:
    raw = b"From: =?nonsense?Q?J=F6rg?= <j@x>\r\nSubject: caf\xe9 =?utf-8?B?!!?=\r\nDate: never\r\n\r\nBody\r\n"
    assert read(saved(tmp_path, "a.eml", raw)).text.endswith("Date: never\n\nBody")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.md", "# Title\r\n\r\n* one\r\n"),
        ("a.csv", 'id;name\r\n1;"two\r\nlines"\r\n'),
        ("a.json", '{"broken": [1, 2'),
        ("a.txt", "  indented\r\rlines  \n"),
    ],
)
def test_plain_formats_stay_as_they_are_but_for_line_ends(tmp_path: Path, name: str, content: str) -> None:
    got = read(saved(tmp_path, name, content))
    assert got.text == content.replace("\r\n", "\n").replace("\r", "\n")
    assert (got.page_starts, got.paged) == ((0,), False)


def test_what_postgresql_cannot_hold_is_left_out(tmp_path: Path) -> None:
    got = read(saved(tmp_path, "a.txt", b"a\0b" + ENGLISH.encode() * 3))
    assert got.text.startswith("abThe northern")


def test_megabytes_of_text_come_back_whole(tmp_path: Path) -> None:
    content = "Zwölf Boxkämpfer jagen Viktor quer über den Deich.\n" * 100_000
    got = read(saved(tmp_path, "a.txt", content))
    assert got.text == content
    assert got.language == "de"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (ENGLISH, "en"),
        (GERMAN, "de"),
        ("Rechnung", None),
        ("12.5\t13.5\n" * 50, None),
        ("契約は三月に終了します。当事者は書面で通知しなければなりません。", "ja"),
    ],
)
def test_language(tmp_path: Path, text: str, code: str | None) -> None:
    assert read(saved(tmp_path, "a.txt", text)).language == code


def test_many_at_once(tmp_path: Path) -> None:
    path = saved(tmp_path, "a.pdf", pdf([ENGLISH] * 20))
    got: list[int] = []
    threads = [threading.Thread(target=lambda: got.append(len(read(path).page_starts))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [20] * 8
