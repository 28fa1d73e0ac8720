import pytest

from core.evidence.quotes import Span, find, normalise

TEXT = "Zwei Pumpen\n  fielen aus. 😀 Zwei Pumpen fielen aus (wieder).\tEnde."


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("Zwei Pumpen", "Zwei Pumpen"),
        ("Zwei Pumpen fielen aus (", "Zwei Pumpen fielen aus ("),
        ("Pumpen fielen", "Pumpen fielen"),  # exact before any white space
        ("fielen aus. 😀 Zwei", "fielen aus. 😀 Zwei"),
        ("  Ende. ", "Ende."),
        ("(wieder). Ende.", "(wieder).\tEnde."),
        ("zwei pumpen", None),
        ("Pumpen ... aus", None),
        (".*", None),
        ("", None),
        ("  \n", None),
        ("Drei Pumpen", None),
    ],
)
def test_where_a_quote_stands(quote: str, found: str | None) -> None:
    span = find(quote, TEXT)
    assert (TEXT[span.start : span.end] if span else None) == found


def test_spans_count_code_points() -> None:
    assert find("Zwei Pumpen fielen", TEXT) == Span(28, 46)
    assert find("Pumpen fielen aus.", TEXT) == Span(5, 25)


def test_the_first_place_counts() -> None:
    assert find("fielen aus", TEXT) == Span(14, 24)
    assert find("umpen", TEXT) == Span(6, 11)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Pumps failed.", "pumps failed"),
        ("Pumps  failed!", " PUMPS\nfailed "),
        ("Straße gesperrt", "STRASSE GESPERRT;"),
    ],
)
def test_what_makes_two_statements_the_same(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize(("one", "other"), [("Pumps failed", "Pumps fail"), ("a b", "ab"), ("3.5", "35")])
def test_what_does_not(one: str, other: str) -> None:
    assert normalise(one) != normalise(other)


@pytest.mark.parametrize("nothing", ["", " ", "...", "!"])
def test_nothing_said_is_nothing(nothing: str) -> None:
    assert normalise(nothing) == ""


def test_long_statements_are_told_apart_by_keys_that_fit_an_index() -> None:
    long = "pumps fail " * 1000
    assert len(normalise(long + "x").encode()) < 2704
    assert normalise(long + "x") != normalise(long + "y")
    assert normalise(long + "X.") == normalise(long + "x")
