"""Costs: the figures of a stretch, what a click narrows to, and budgets. All of it stands in the link."""

import json
from decimal import Decimal
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.budgets import manage, report
from core.budgets.manage import BudgetSpec
from core.jobs import report as jobs_report
from core.runtime import db, shared_clock
from tests.local_provider import LocalProvider
from tests.pages.seeing import links, opened, press, show, words
from tests.pipeline import PATIENCE_S, make_job, ready_documents, rows

pytestmark = pytest.mark.usefixtures("database")


def call(model: str = "gpt-5", ago: str = "0 seconds", cost: str = "2", **more: Any) -> None:
    """One usage record; `more`: its other columns."""
    values = {
        **{"workspace_id": "ws_default", "provider": "openai", "model": model, "lane": "live", "status": "ok"},
        **{"input_tokens": 1000, "output_tokens": 500, "priced": cost != "NULL", **more},
    }
    names = ", ".join(f'"{name}"' for name in values)
    places = ", ".join(f":{name}" for name in values)
    with db.transaction() as session:
        sql = f"""INSERT INTO usage_record (time, cost_usd, {names})
                  VALUES (now() - interval '{ago}', {cost}, {places})"""
        db.execute(session, sql, **values)


def chart(at: AppTest) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(at.get("plotly_chart")[0].proto.spec)
    return found


def bars(at: AppTest) -> dict[str, list[float]]:
    return {bar["name"]: [value for value in bar["y"] if value] for bar in chart(at)["data"]}


def table(at: AppTest) -> Any:
    return at.dataframe[0].value.set_index(at.dataframe[0].value.columns[0])


def test_the_table_sums_to_its_total_and_names_what_has_no_price() -> None:
    call("gpt-5-mini", cost="1.25", list_usd="2.5", lane="batch", tier="batch")
    call("own-model", cost="NULL")
    call("gpt-5-mini", cost="0", reused=True, saved_usd="0.5")
    at = show("costs")
    text = words(at)
    for figure in ("Spent $1.25", "Saved by batches $1.25", "Saved by reuse $0.50", "Calls 2"):
        assert figure in text
    assert "not in these sums: 1 call." in text
    found = table(at)
    assert list(found.index) == ["gpt-5-mini", "own-model", "Total"]
    assert found["USD"]["gpt-5-mini"] == found["USD"]["Total"] == 1.25
    assert found["USD"].isna()["own-model"]
    assert found["At list price"]["Total"] == 2.5


def test_bars_are_stacked_by_what_the_page_is_by_and_each_has_a_place_for_each_day() -> None:
    call("gpt-5-mini", cost="1.25")
    call("gpt-5", cost="2", input_tokens=10, output_tokens=5, collection="contracts")
    call("offline-1", cost="0", provider="offline")
    at = show("costs", period="7 days")
    assert bars(at) == {"gpt-5": [2], "gpt-5-mini": [1.25]}
    assert bars(show("costs", show="Tokens")) == {"Input": [2010], "Output": [1005]}
    assert bars(show("costs", by="Collection", show="Calls")) == {"no document": [2], "contracts": [1]}
    hours = chart(show("costs", period="1 day"))["data"][0]["x"]
    assert len(hours) >= 1
    assert hours[0].endswith(":00")


def test_a_first_day_is_no_empty_month() -> None:
    def days(**filters: str) -> list[str]:
        found: list[str] = chart(show("costs", **filters))["data"][0]["x"]
        return found

    call(ago="0 seconds")
    (hour,) = days()
    assert hour.endswith(":00")
    call(ago="4 days")
    assert len(days()) == 5
    assert len(days(period="7 days")) == 5
    call("gpt-5-mini", ago="2 days")
    assert len(days(model="gpt-5-mini")) == 3
    call("gpt-5-mini", ago="40 days")
    assert (len(days()), len(days(model="gpt-5-mini")), len(days(period="7 days"))) == (30, 30, 5)


def test_what_cost_nothing_has_no_chart_of_nothing() -> None:
    assert "No model was called" in words(show("costs"))
    call("offline-1", cost="0", provider="offline")
    at = show("costs")
    assert "nothing to draw" in words(at)
    assert not at.get("plotly_chart")


def test_the_change_is_against_as_long_a_time_before_where_something_was_called_then() -> None:
    call()
    assert show("costs", period="7 days").metric[0].delta == ""
    call(ago="8 days")
    call(ago="9 days")
    assert "Spent $2.00 -$2.00" in words(show("costs", period="7 days"))


def test_filters_stand_in_the_link_and_are_taken_away_by_a_click() -> None:
    call("gpt-5", user="ada")
    call("gpt-5-mini", cost="1", user="ada")
    call("gpt-5", cost="7")
    at = opened("costs", user="ada")
    at.query_params["model"] = ["gpt-5"]
    at.run()
    assert "Spent $2.00" in words(at)
    assert "Spent $7.00" in words(show("costs", user=""))
    press(at, "Model: gpt\\-5")
    assert "Spent $3.00" in words(at)
    press(at, "User: ada")
    assert "Spent $10.00" in words(at)
    assert "Nothing of this kind" in words(show("costs", model="gpt-4"))


def test_the_calls_behind_the_figures_are_shown_on_demand() -> None:
    call("gpt-5", cost="2.125")
    at = show("costs")
    assert len(at.dataframe) == 1
    at.toggle(key="calls").set_value(True).run()
    (shown,) = [one.value for one in at.dataframe if "Price from" in one.value]
    assert list(shown["USD"]) == [2.125]


def the_form() -> None:
    from core.budgets import report
    from core.runtime import shared_clock
    from pages.common import entering
    from pages.costs import budgets

    with entering.acting():
        budgets.form(next(iter(report.every(shared_clock.now())), None))


def approve_it() -> None:
    """Closed once it has acted, as the dialog is."""
    from core.jobs import report
    from pages.common import entering
    from pages.job import approving

    with entering.acting():
        (row,) = report.find().items
        if row.state == "paused":
            approving.form(row)


def test_a_budget_is_made_changed_and_says_who_waits_for_it(openai: LocalProvider) -> None:
    at = AppTest.from_function(the_form, default_timeout=PATIENCE_S).run()
    at.text_input[0].set_value("much").run()
    press(at, "Save")
    assert "an amount in USD" in words(at)
    at.text_input[0].set_value("$1,000.50").run()
    at.radio[0].set_value("wait").run()
    press(at, "Save")
    (made,) = report.every(shared_clock.now())
    limit = made.taken
    assert (limit.limit_usd, limit.on_limit, limit.warn_share) == (Decimal("1000.5"), "wait", Decimal("0.8"))
    manage.change(limit.id, BudgetSpec("all", "", Decimal("0.0000001"), on_limit="wait"))
    job = make_job(ready_documents(1), "summarize", provider="openai", model="gpt-5-mini")
    at = show("costs", tab="Budgets")
    assert "Waiting for this budget: 1 job." in words(at)
    assert f"job?id={job}" in links(at).values()
    assert "A budget lacks" in words(show("job", id=job))
    at = AppTest.from_function(approve_it, default_timeout=PATIENCE_S).run()
    at.text_input[0].set_value("$25").run()
    press(at, "Approve")
    assert jobs_report.get(job).state == "queued"
    at = AppTest.from_function(the_form, default_timeout=PATIENCE_S).run()
    press(at, "Delete")
    assert not report.every(shared_clock.now())
    assert [row["action"] for row in rows("SELECT action FROM audit_entry")] == ["budget.change"] * 4


def the_price() -> None:
    from core.money import unpriced
    from pages.common import entering
    from pages.costs import unpriced as page

    with entering.acting():
        page.form(next(iter(unpriced.queue()), None))


def test_a_price_is_set_for_what_waits_and_books_it() -> None:
    call("own-model", cost="NULL", unpriced_reason="no_price")
    call("gpt-5-mini-of-mine", cost="NULL", unpriced_reason="no_price", input_tokens=1)
    at = show("costs", tab="Unpriced")
    assert "own\\-model" in words(at)
    at = AppTest.from_function(the_price, default_timeout=PATIENCE_S).run()
    at.text_input(key="own-rate-input").set_value("cheap").run()
    press(at, "Set and book")
    assert at.error
    at.text_input(key="own-rate-input").set_value("$1").run()
    at.text_input(key="own-rate-output").set_value("2").run()
    press(at, "Set and book")
    booked = rows("SELECT cost_usd FROM usage_record WHERE priced")
    assert [row["cost_usd"] for row in booked] == [Decimal("0.002")]
    at = show("costs", tab="Unpriced")
    assert "Booked 1 call" in words(press(at, "Price it like gpt\\-5\\-mini"))
    assert not rows("SELECT 1 FROM usage_record WHERE NOT priced")
    assert "Every call has a price" in words(show("costs", tab="Unpriced"))


def test_the_end_of_the_month_and_unusual_days_are_said() -> None:
    for day in range(1, 21):
        call("gpt-5", ago=f"{day} days", cost="1")
    call("gpt-5-mini", ago="1 day", cost="0.5")
    at = show("costs", period="7 days")
    (month,) = [tile for tile in at.metric if tile.label.startswith("Forecast for")]
    assert month.value.startswith("$")
    assert " to $" in month.delta
    assert "Unusual days" not in words(at)
    call("gpt-5", ago="1 day", cost="40")
    assert "Unusual days: 1" in words(show("costs"))
