import pytest

from core.offline.language import ENGLISH, LANGUAGES
from core.offline.numbers import first_number, parse

GERMAN = LANGUAGES[1]


@pytest.mark.parametrize(
    ("written", "english", "german"),
    [
        ("42", 42, 42),
        ("-7", -7, -7),
        ("1,234", 1234, 1.234),
        ("1.234", 1.234, 1234),
        ("12.5", 12.5, 12.5),
        ("12,5", 12.5, 12.5),
        ("1,234,567", 1234567, 1234567),
        ("1,234.56", 1234.56, 1234.56),
        ("1.250,00", 1250.0, 1250.0),
        ("1'000", 1000, 1000),
        ("12.03.2024", None, None),
        ("1.2.3", None, None),
        ("9" * 16, None, None),
    ],
)
def test_numbers_are_read_as_the_language_writes_them(written: str, english: object, german: object) -> None:
    assert parse(written, ENGLISH) == english
    assert parse(written, GERMAN) == german


@pytest.mark.parametrize(
    ("text", "whole", "number"),
    [
        ("In 2024 sales rose to $3,400,000 (12.5 % more).", False, 3400000),
        ("In 2024 sales rose by 12.5 %.", False, 12.5),
        ("In 2024 sales rose by 12.5 %.", True, 2024),
        ("Founded in 1993.", False, None),
        ("On the 5th, model A320 and 10k others; IP 10.0.0.1.", False, None),
        ("Between 10-15 people.", True, 10),
        ("Nothing here.", False, None),
    ],
)
def test_the_first_number(text: str, whole: bool, number: object) -> None:
    assert first_number(text, ENGLISH, whole=whole) == number
