import codecs

import pytest

from core.documents.extraction.charset import decode
from core.errors import ExtractionError

GERMAN = "Die Prüfung der größeren Pumpen dauerte länger als üblich – „warum“, fragte niemand. "
SAMPLES = {
    "de": GERMAN,
    "fr": "L’été dernier, le comité a décidé de créer une société où chaque associé apporte 5 000 €. ",
    "pt": "A administração não aprovou a situação das ações em março. ",
    "sv": "Avtalet löper ut i mars och parterna ska underrätta varandra på svenska språket. ",
    "cs": "Příliš žluťoučký kůň úpěl ďábelské ódy. Smlouva končí v říjnu. ",
    "ru": "Договор истекает в марте, стороны обязаны сообщить об этом письменно. ",
    "el": "Η σύμβαση λήγει τον Μάρτιο και τα μέρη ενημερώνονται γραπτώς. ",
    "ja": "契約は三月に終了します。当事者は書面で通知しなければなりません。ひらがなとカタカナ。",
    "zh": "合同将于三月到期,双方应以书面形式通知对方。",
    "ko": "계약은 3월에 종료되며 당사자는 서면으로 통지해야 합니다. ",
}


@pytest.mark.parametrize(
    ("mark", "codec"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (b"", "utf-8"),
        (b"", "utf-16-le"),
        (b"", "utf-16-be"),
    ],
)
def test_unicode(mark: bytes, codec: str) -> None:
    assert decode(mark + GERMAN.encode(codec)) == GERMAN


@pytest.mark.parametrize("times", [1, 20])
@pytest.mark.parametrize(
    ("language", "codec"),
    [
        *(
            ("de", "cp1252"),
            ("fr", "cp1252"),
            ("pt", "latin-1"),
            ("sv", "latin-1"),
            ("cs", "cp1250"),
            ("cs", "iso8859-2"),
        ),
        *(("ru", "cp1251"), ("ru", "koi8-r"), ("el", "cp1253"), ("ja", "shift_jis"), ("ja", "euc_jp")),
        *(("ja", "iso2022_jp"), ("zh", "gb18030"), ("zh", "big5"), ("ko", "euc_kr")),
    ],
)
def test_undeclared(language: str, codec: str, times: int) -> None:
    data = (SAMPLES[language] * times).encode(codec, "ignore")
    assert decode(data) == data.decode(codec)


def test_what_tells_the_charset_may_come_late() -> None:
    data = ("plain English line\n" * 20_000 + GERMAN).encode("cp1252")
    assert decode(data).endswith(GERMAN)


def test_the_declared_charset_decides_where_utf_8_does_not_fit() -> None:
    assert decode("æøå ÆØÅ".encode("cp865"), "cp865") == "æøå ÆØÅ"
    assert decode("größer".encode(), "latin-1") == "größer"
    assert decode("größer".encode("latin-1"), "no-such-charset") == "größer"
    assert decode("größer".encode("latin-1"), "base64") == "größer"
    assert decode("契約".encode("iso2022_jp"), "iso-2022-jp") == "契約"


def test_latin_1_is_read_as_windows_1252_but_for_what_that_lacks() -> None:
    assert decode(b"\x93a\x94 \x81 caf\xe9", "iso-8859-1") == "“a” \x81 café"


def test_utf_8_with_a_few_bad_bytes_stays_utf_8() -> None:
    text = decode((GERMAN * 50).encode() + b"\xff" + (GERMAN * 50).encode()[:-1])
    assert text.startswith(GERMAN)
    assert text.count("\ufffd") == 1


@pytest.mark.parametrize(
    "data", [bytes(range(256)) * 10, b"\x00\x01\x02\x03" * 50, b"MZ\x90\x00\x03\x00\x00\x00\x04" * 50]
)
def test_binary_is_refused(data: bytes) -> None:
    with pytest.raises(ExtractionError) as caught:
        decode(data)
    assert caught.value.code == "CORRUPT"
