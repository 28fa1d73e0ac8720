"""Where a quote stands."""

import pytest

from core.quotes import Span, find, normalise

TEXT = "The pump failed.\nTwo\t days later  it 😀 ran again. The pump failed."


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("The pump failed.", "The pump failed."),
        ("  Two days later it", "Two\t days later  it"),
        ("it 😀 ran", "it 😀 ran"),
        ("failed. Two", "failed.\nTwo"),
        ("The pump flew.", None),
        ("the pump failed.", None),
        ("", None),
        ("   ", None),
        (".*", None),
    ],
)
def test_find(quote: str, found: str | None) -> None:
    span = find(quote, TEXT)
    assert (TEXT[span.start : span.end] if span else None) == found


def test_the_first_place_counts() -> None:
    assert find("The pump failed.", TEXT) == Span(0, 16)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("The Pump  failed.", "the pump failed", True),
        ("Straße gesperrt!", "STRASSE GESPERRT", True),
        ("The pump failed", "The pumps failed", False),
    ],
)
def test_normalise(one: str, other: str, same: bool) -> None:
    assert (normalise(one) == normalise(other)) is same
