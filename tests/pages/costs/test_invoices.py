"""The invoice check on its page: the key's state, the figures with their verdict, and a price that is taken over."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.invoices import drift, keeping, repricing
from core.money import own_prices
from core.providers.billing import Line
from core.runtime import db, shared_clock
from core.settings import admin_keys
from pages.common import formats
from tests.pages import made
from tests.pages.seeing import buttons, links, press, show, words
from tests.pipeline import change, rows

pytestmark = pytest.mark.usefixtures("database")
TAB = {"tab": "Invoice check"}


@pytest.fixture
def first(setting: Any) -> date:
    """Of this month; with a key to fetch with."""
    setting(OPENAI_ADMIN_KEY="sk-admin-1", SECRET_KEY="s" * 32)
    return shared_clock.now().astimezone(UTC).date().replace(day=1)


def booked(day: date, model: str = "gpt-5", **more: Any) -> None:
    time = datetime(day.year, day.month, day.day, tzinfo=UTC)
    given = {"input_tokens": 1_000_000, "output_tokens": 100_000, "cost_usd": Decimal(2), **more}
    made.usage(**{"job_id": None, "model": model, "lane": "live", "time": time, **given})


def told(day: date, *lines: Line) -> None:
    with db.transaction() as session:
        keeping.keep(session, "openai", "usage", [day], [one for one in lines if one.usd is None], "api")
        keeping.keep(session, "openai", "cost", [day], [one for one in lines if one.usd is not None], "api")
    change("UPDATE invoice_day SET fetched_at = '2100-01-01'")


def both(day: date, model: str, input_usd: str) -> tuple[Line, ...]:
    return (
        Line(day, model, "live", "input", 1_000_000),
        Line(day, model, "live", "output", 100_000),
        Line(day, model, "live", "input", None, Decimal(input_usd)),
        Line(day, model, "live", "output", None, Decimal(1)),
    )


def test_without_a_key_it_says_where_to_set_one(setting: Any) -> None:
    at = show("costs", **TAB)
    assert not at.exception
    assert "There is no admin key of openai" in words(at)
    assert "No figures from OpenAI" in words(at)
    assert links(at)["Set the admin key on Settings"].startswith("settings")
    assert not any(name.startswith("Fetch") for name in buttons(at))


def test_an_order_is_watched_and_its_failure_shown(first: date) -> None:
    at = press(show("costs", **TAB), f"Fetch {first:%B %Y}")
    assert "Waiting to be fetched" in words(at)
    assert [row["provider"] for row in rows("SELECT provider FROM invoice_fetch")] == ["openai"]
    change("UPDATE invoice_fetch SET state = 'failed', ended_at = now(), message = 'The admin key was refused.'")
    text = words(at.run())
    assert "could not be fetched" in text
    assert "The admin key was refused" in text


def test_rows_have_their_verdict_and_both_sums_their_total(first: date) -> None:
    booked(first)
    booked(first, "gpt-5-mini", cost_usd=Decimal(3))
    told(first, *both(first, "gpt-5", "1.01"), *both(first, "gpt-5-mini", "2"))
    at = show("costs", **TAB)
    assert not at.exception
    found = at.dataframe[0].value
    assert list(found["Model"]) == ["gpt-5", "gpt-5-mini", ""]
    assert [list(one) for one in found["Verdict"]] == [["price differs"], ["equal"], []]
    assert list(found["Ours"]) == [2, 3, 5]
    assert list(found["Theirs"]) == [2.01, 3, 5.01]
    assert "Drift +$0.0100" in words(at)
    assert "We booked $5.0000" in words(at)
    at.pills[0].set_value(["price_differs"]).run()
    assert list(at.dataframe[0].value["Model"]) == ["gpt-5"]
    assert "The same tokens, another sum" in words(at)


def test_an_export_is_uploaded_and_what_is_none_is_refused() -> None:
    content = f"usage_date_utc,model,token_type,cost_usd\n{shared_clock.now():%Y-%m}-01,Claude Haiku 4.5,output,0.02\n"
    at = show("costs", **TAB)
    at.file_uploader[0].set_value([("cost.csv", b"a,b\n1,2\n", "")]).run()
    press(at, "Compare with it")
    assert "no export that is known" in words(at)
    at.file_uploader[0].set_value([("cost.csv", content.encode(), "")]).run()
    assert "Took Anthropic's cost of 1 day" in words(press(at, "Compare with it"))
    at.segmented_control(key="invoices-of").set_value("anthropic").run()
    assert "They charged $0.0200" in words(at)


def test_days_that_are_too_fresh_are_told(first: date) -> None:
    booked(first)
    told(first, *both(first, "gpt-5", "1"))
    change("UPDATE invoice_day SET fetched_at = CAST(day AS timestamp) AT TIME ZONE 'UTC'")
    assert "Fetch them again after" in words(show("costs", **TAB))


def test_another_sum_shows_their_price_which_becomes_ours_by_a_click(first: date) -> None:
    booked(first)
    told(first, *both(first, "gpt-5", "1.25"))

    def script() -> None:
        from datetime import timedelta

        from core.invoices import drift
        from core.runtime import shared_clock
        from pages.costs import invoices

        day = shared_clock.now().date().replace(day=1)
        invoices.explained("openai", drift.read("openai", day, day + timedelta(days=1)).items[0])

    at = AppTest.from_function(script).run()
    assert not at.exception
    text = words(at)
    assert formats.plain("$1.25 input, $10 output") in text
    assert "We booked 1 call: 1,000,000 in and 100,000 out, $2.0000." in text
    press(at, "Set it as our price")
    (price,) = own_prices.every()
    assert (price.model, price.tier, price.valid_from) == ("gpt-5", "standard", first)
    assert price.rates is not None
    assert price.rates.as_json() == {"input": "1.25", "output": "10"}
    assert [row["cost_usd"] for row in rows("SELECT cost_usd FROM usage_record")] == [2]


def test_calls_that_have_no_price_are_booked_by_theirs(first: date) -> None:
    booked(first, cost_usd=None, priced=False, unpriced_reason="no_price", tier="standard")
    told(first, *both(first, "gpt-5", "1.25"))
    (item,) = drift.read("openai", first, first + timedelta(days=1)).items
    repricing.take_over("openai", item)
    assert [row["cost_usd"] for row in rows("SELECT cost_usd FROM usage_record")] == [Decimal("2.25")]
    assert drift.read("openai", first, first + timedelta(days=1)).items[0].verdict == "equal"


def test_the_settings_page_sets_and_removes_an_admin_key(first: date, setting: Any) -> None:
    setting(OPENAI_ADMIN_KEY="")
    assert "Admin key: none" in words(show("settings"))

    def script() -> None:
        from pages.settings import admin_key

        admin_key.form("openai")

    at = AppTest.from_function(script).run()
    at.text_input[0].set_value("no key").run()
    press(at, "Save")
    assert "no spaces" in at.error[0].value
    at.text_input[0].set_value("sk-admin-secret").run()
    press(at, "Save")
    assert admin_keys.of("openai").key_from == "here"
    at = show("settings")
    assert "Admin key: set here" in words(at)
    assert "sk-admin-secret" not in words(at)
    at.button(key="remove-admin-openai").click().run()
    assert admin_keys.of("openai").key is None
