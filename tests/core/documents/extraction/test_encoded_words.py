"""Encoded words of headers: as the library decodes them, and in linear time."""

from email.header import decode_header
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.documents.extraction import charset, encoded_words
from tests.core.documents.extraction.making import read, saved

WORD = st.sampled_from(
    [
        *("=?utf-8?q?Gr=C3=B6=C3=9Fe?=", "=?UTF-8?B?w6TDtg==?=", "=?utf-8?b?w6Q?=", "=?iso-8859-1?Q?J=F6rg_M?="),
        *("=?utf-8?q?=C3?=", "=?utf-8?q?=B6?=", "=?utf-8?q? ?=", "=?utf-8?q??=", "=?koi8-r?b?8NLJ18XU?="),
        *(" ", "  ", "\n ", "\t", "plain", "=?", "?=", "=?utf-8?", "=?utf-8?x?a?=", "a?q?b", "<a@b>", ","),
    ]
)


def by_the_library(header: str) -> str:
    parts = (text if isinstance(text, str) else charset.decode(text, name) for text, name in decode_header(header))
    return " ".join("".join(parts).split())


@given(st.lists(WORD, max_size=12).map("".join))
def test_headers_are_decoded_as_the_library_decodes_them(header: str) -> None:
    assert encoded_words.decoded(header) == by_the_library(header)


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        ("=?utf-8?b?w6T?= end", "ä end"),
        ("=?utf-8?b?a?= end", "a end"),  # the library refuses it
        ("=?utf-8*en?q?caf=C3=A9?=", "café"),
        ("caf\ufffd =?utf-8?q?x?=", "caf\ufffd x"),
        ("=?utf-8?q?bell=07?=", "bell\x07"),
        ("=?nonsense?q?J=F6rg?=", "Jörg"),
    ],
)
def test_what_real_mail_holds(header: str, shown: str) -> None:
    assert encoded_words.decoded(header) == shown


# Minutes each, where the time grows with the square: far more than the processor time that the child is given.
@pytest.mark.parametrize(
    "header",
    [
        "=?utf-8?q?=C3=A4?= " * 200_000,
        "=?utf-8?q?a?= =?koi8-r?q?b?= " * 100_000,
        "=?x-one?q?=E9?= =?x-two?q?=E8?= " * 100_000,
        "=?utf-8?q?" * 200_000,
        "=?" * 500_000,
        "word\n =?utf-8?q?a?=\n " * 100_000,
        "\nContent-Type: text/plain" + "".join(f"; q*{number}*=utf-8''a" for number in range(200_000)),
    ],
    ids=["words", "charsets", "unknown", "unended", "starts", "lines", "parameters"],
)
def test_a_header_of_many_words_is_read_in_linear_time(tmp_path: Path, header: str) -> None:
    got = read(saved(tmp_path, "a.eml", f"From: a@example.org\nSubject: {header}\nTo: b@example.org\n\nThe body."))
    assert "The body." in got.text
