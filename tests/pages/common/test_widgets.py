"""What several pages show in the same way."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from streamlit.testing.v1 import AppTest

from pages.common import formats


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (None, "not priced"),
        ("0", "$0.00"),
        ("1234.5", "$1,234.50"),
        ("0.01", "$0.01"),
        ("0.00104075", "$0.0010"),
        ("0.000001234", "$0.0000012"),
    ],
)
def test_money_is_shown_to_the_cent_and_below_with_two_digits(amount: str | None, shown: str) -> None:
    assert formats.money(None if amount is None else Decimal(amount)) == shown


@pytest.mark.parametrize(
    ("cost", "unpriced", "shown"),
    [("0", 0, "$0.00"), ("0", 3, "not priced"), ("1.5", 3, "$1.50"), (None, 1, "not priced")],
)
def test_calls_without_a_price_are_never_free(cost: str | None, unpriced: int, shown: str) -> None:
    assert formats.money_of(None if cost is None else Decimal(cost), unpriced) == shown


def test_how_long_it_lasted() -> None:
    assert formats.lasted(datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 1, 1, 12, 3, 9, tzinfo=UTC)) == "3 min"


@pytest.mark.parametrize(("every", "by_itself"), [("2", True), ("None", False)])
def test_a_part_that_fails_says_whether_it_tries_again_by_itself(every: str, by_itself: bool) -> None:
    at = AppTest.from_string(
        f"""
from core.errors import Unavailable
from pages.common import failures

@failures.live({every})
def part():
    raise Unavailable()

part()
"""
    ).run()
    assert ("tries again by itself" in at.error[0].value) is by_itself
    assert [button.label for button in at.button] == ([] if by_itself else ["Try again"])


def test_what_nobody_foresaw_is_said_in_plain_words_with_a_reference_and_without_its_details() -> None:
    at = AppTest.from_string(
        """
from pages.common import failures

assert failures.unexpected(ValueError("the text of a document"))
"""
    ).run()
    assert not at.exception
    assert "Reload the page" in at.error[0].value
    assert "the text of a document" not in at.error[0].value
    assert at.caption[0].value.startswith("Reference: ")


def the_pages() -> None:
    import streamlit as st

    from pages.common import widgets

    trail = widgets.trail("turned", st.text_input("asked"))
    last = {None: "a", "a": "b"}.get(trail[-1])
    st.text(f"after {trail[-1]}")
    widgets.turn_pages(trail, last)


def test_pages_are_turned_both_ways_and_another_question_begins_at_the_first() -> None:
    at = AppTest.from_function(the_pages).run()

    def press(label: str) -> str:
        next(one for one in at.button if one.label == label).click().run()
        return str(at.text[0].value)

    assert [one.label for one in at.button] == ["Next page"]
    assert (press("Next page"), press("Next page")) == ("after a", "after b")
    assert [one.label for one in at.button] == ["Previous page"]
    assert press("Previous page") == "after a"
    at.text_input[0].input("else").run()
    assert at.text[0].value == "after None"
