"""Prices that admins set: which holds, that they move nothing that is booked, and what waits for one."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.errors import Conflict, InvalidInput, NotFound
from core.money import in_force, own_price_changes, own_prices, pricing, unpriced
from core.money.own_price_changes import NewPrice
from core.providers.usage import PLAIN, Terms, Usage
from core.runtime import db
from core.settings import provider_changes, store
from core.settings.provider_changes import Change
from tests.core.calls.test_resilience import listening
from tests.pipeline import change, rows, until_now

pytestmark = pytest.mark.usefixtures("database")
DAY = date(2026, 11, 1)
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
MILLION = Usage(1_000_000)


@pytest.fixture(autouse=True)
def _as_in_the_beginning() -> Iterator[None]:
    yield
    store._prices = ()


def add(model: str, input_: str, **more: Any) -> str:
    new = NewPrice(**{"provider": "openai", "valid_from": DAY, "rates": {"input": input_}, **more, "model": model})
    return own_price_changes.add(new).id


def cost(model: str = "gpt-5-mini", at: datetime = AT, lane: str = "live", terms: Terms = PLAIN) -> str:
    found = pricing.price("openai", model, MILLION, lane, at, terms).cost
    return "none" if found is None else f"{found.normalize():f}"


def test_the_longer_match_wins_then_the_tier_then_the_newer_day() -> None:
    assert cost() == "0.25"
    add("*", "1")
    assert (cost(), cost("own-model")) == ("1", "1")
    add("gpt-5*", "2")
    add("gpt-5-mini*", "3")
    add("gpt-5-mini", "4")
    assert [cost(model) for model in ("o3", "gpt-5.4", "gpt-5-mini-2025-08-07", "gpt-5-mini")] == ["1", "2", "3", "4"]
    add("gpt-5-mini", "5", tier="flex")
    assert (cost(), cost(terms=Terms("flex")), cost(terms=Terms("priority"))) == ("4", "5", "4")
    add("gpt-5-mini", "6", valid_from=date(2026, 11, 22))
    midnight = datetime(2026, 11, 22, tzinfo=UTC)
    assert (cost(at=midnight - timedelta(seconds=1)), cost(at=midnight)) == ("4", "6")
    # And before its day none holds; of another provider neither.
    assert cost(at=datetime(2026, 10, 20, tzinfo=UTC)) == "0.25"
    assert pricing.price("anthropic", "claude-haiku-4-5", MILLION, "live", AT).cost == 1


def test_long_prompts_tiers_and_kinds_of_tokens_have_their_rates() -> None:
    rates = {"input": "2", "cached": "0.5", "cache_write": "3", "cache_write_long": "4", "output": "10"}
    add("m", "0", rates={**rates, "web_search": "7"}, long_from=500_000, long_rates={"input": "20", "output": "100"})
    usage = Usage(100_000, 20_000, 30_000, 1_000, 10_000, 0, 2)
    # 50,000 x 2 + 20,000 x 0.5 + 20,000 x 3 + 10,000 x 4 + 1,000 x 10 millionths, and 2 x 7 thousandths
    assert pricing.price("openai", "m", usage, "live", AT).cost == Decimal("0.234")
    assert cost("m") == "20"
    assert cost("m", lane="batch") == "20"


def test_what_a_provider_s_row_says_is_the_price_of_any_model_that_none_is_set_for() -> None:
    provider_changes.change("openai", Change(prices={"input": "3", "output": "9"}))
    assert (cost(), cost("own-model", lane="batch")) == ("3", "3")
    add("*", "5")
    assert cost() == "5"
    provider_changes.change("openai", Change(prices="free"))
    assert cost() == "5"
    own_price_changes.remove(own_prices.every()[0].id)
    assert cost() == "0"
    without = pricing.tariff("openai", "gpt-5-mini", "live", AT)(None)
    assert (without.cost, without.reason) == (0, None)


def test_a_model_is_priced_as_another_one_is_on_its_day_and_in_its_tier() -> None:
    made = add("house-mini", "0", rates=None, as_model="gpt-5-mini")
    assert (cost("house-mini"), cost("house-mini", lane="batch")) == ("0.25", "0.125")
    assert cost("house-mini", terms=Terms("flex")) == "0.125"
    found = pricing.price("openai", "house-mini", MILLION, "live", AT).applied
    assert found is not None
    assert (found.source, found.version, found.model) == ("admin", made, "gpt-5-mini")
    add("gpt-5-mini", "8")
    assert cost("house-mini") == "8"


def test_what_the_answer_states_comes_first_but_not_of_the_maker_s_own_address() -> None:
    add("*", "1")
    stated = Terms(stated_usd=Decimal("0.5"))
    assert cost(terms=stated) == "1"
    provider_changes.add("Router", "openai", Change(base_url="http://127.0.0.1:9/v1"))
    found = pricing.tariff("Router", "gpt-5-mini", "live", AT)(MILLION, stated)
    assert found.applied is not None
    assert (found.cost, found.list_usd, found.applied.source) == (Decimal("0.5"), Decimal("0.5"), "stated")
    flex = pricing.tariff("Router", "gpt-5-mini", "live", AT)(MILLION, Terms("flex", stated_usd=Decimal("0.1")))
    assert (flex.cost, flex.list_usd) == (Decimal("0.1"), Decimal("0.25"))
    # Also where nobody counted.
    assert pricing.tariff("Router", "x", "live", AT)(None, stated).cost == Decimal("0.5")


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": ""},
        {"model": "gpt*mini"},
        {"provider": "nobody"},
        {"rates": None},
        {"rates": {"output": "1"}},
        {"rates": {"input": "-1"}},
        {"rates": {"input": 0.5}},
        {"rates": {"input": True}},
        {"rates": {"input": "NaN"}},
        {"rates": {"input": "1", "sound": "2"}},
        {"as_model": "gpt-5"},
        {"rates": None, "as_model": "m"},
        {"rates": None, "as_model": "gpt-*"},
        {"long_from": 10},
        {"long_rates": {"input": "1"}},
        {"long_from": 0, "long_rates": {"input": "1"}},
    ],
)
def test_what_is_no_price_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        own_price_changes.add(NewPrice(**{"provider": "openai", "model": "m", "valid_from": DAY, **RATES, **wrong}))
    assert rows("SELECT 1 FROM own_price") == []


RATES: dict[str, Any] = {"rates": {"input": "1"}}


def test_a_price_is_taken_away_until_it_has_priced_something_and_the_audit_has_both() -> None:
    first, second = add("m", "1"), add("m", "2")
    own_price_changes.remove(first)
    with pytest.raises(NotFound):
        own_price_changes.remove(first)
    record(price={"source": "admin", "version": second, "model": "m", "rates": {}})
    with pytest.raises(Conflict, match="has priced calls"):
        own_price_changes.remove(second)
    assert cost("m") == "2"
    told = rows("SELECT action, subject FROM audit_entry WHERE action LIKE 'price.%' ORDER BY id")
    assert [(one["action"], one["subject"]) for one in told] == [
        ("price.add", f"price:{first}"),
        ("price.add", f"price:{second}"),
        ("price.remove", f"price:{first}"),
    ]


def test_another_process_hears_of_a_price() -> None:
    with listening():
        with db.transaction() as session:
            own_price_changes.put(session, NewPrice("openai", "m", DAY, rates={"input": "1"}))
        until_now(lambda: [one.model for one in own_prices.every()] == ["m"])


# What waits for a price


RECORD = """
INSERT INTO usage_record (workspace_id, time, provider, model, lane, tier, input_tokens, output_tokens, cost_usd,
  priced, unpriced_reason, price, status, booking, unrated)
VALUES (:workspace_id, :time, :provider, :model, :lane, :tier, :input, :output, :cost, :priced, :reason,
  CAST(:price AS jsonb), :status, :booking, :unrated)
"""


def record(**changed: Any) -> None:
    plain = {
        "workspace_id": "ws_default",
        "time": AT,
        "provider": "openai",
        "model": "m",
        "lane": "live",
        "tier": "standard",
        "input": 1_000_000,
        "output": 0,
        "cost": None,
        "priced": False,
        "reason": "no_price",
        "price": None,
        "status": "ok",
        "booking": None,
        "unrated": 0,
    }
    given = {**plain, **changed}
    change(RECORD, **{**given, "price": None if given["price"] is None else json.dumps(given["price"])})


def records() -> list[tuple[Any, ...]]:
    found = rows(
        "SELECT cost_usd, list_usd, priced, unpriced_reason, price ->> 'version' AS v FROM usage_record ORDER BY id"
    )
    return [tuple(one.values()) for one in found]


def test_the_queue_tells_what_waits_since_when_and_what_it_may_cost_as() -> None:
    record(model="gpt-5.4-mini-house", input=5)
    record(model="gpt-5.4-mini-house", input=7, output=2, time=AT + timedelta(days=1))
    record(reason="odd_usage", input=0)
    record(workspace_id="ws_other", model="elsewhere")
    record(model="gpt-5-mini", priced=True, cost=1, reason=None)
    first, second = unpriced.queue()
    assert (first.model, first.reason, first.calls, first.input_tokens, first.output_tokens) == (
        *("gpt-5.4-mini-house", "no_price", 2, 12, 2),
    )
    assert (first.first, first.last, first.suggestion) == (AT, AT + timedelta(days=1), "gpt-5.4-mini")
    assert (second.reason, second.suggestion) == ("odd_usage", None)


@pytest.mark.parametrize(
    ("model", "suggestion"),
    [
        ("openai/gpt-5-mini", "gpt-5-mini"),
        ("gpt-5-mini:extended", "gpt-5-mini"),
        ("gpt-5.4-turbo", "gpt-5.4"),
        ("llama3.1:8b", None),
        ("", None),
    ],
)
def test_a_model_may_cost_what_one_of_a_like_name_does(model: str, suggestion: str | None) -> None:
    record(model=model)
    assert [one.suggestion for one in unpriced.queue()] == [suggestion]


def test_one_price_books_what_waits_by_the_rates_of_each_day_and_nothing_else() -> None:
    add("m", "7", valid_from=date(2026, 11, 25))
    record(time=AT)
    record(time=datetime(2026, 11, 25, tzinfo=UTC), lane="batch", tier="batch")
    record(priced=True, cost=Decimal(3), reason=None)
    record(reason="no_usage", input=0)
    record(reason="no_rate", unrated=4)
    record(model="n")
    record(workspace_id="ws_other")
    booked = unpriced.price(NewPrice("openai", "m", date(2026, 11, 30), rates={"input": "2"}))
    assert booked.price is not None
    # Two at 2, and one at the price that was set before for its day.
    assert (booked.calls, booked.cost_usd, booked.price.valid_from) == (3, 11, AT.date())
    ours, before = booked.price.id, own_prices.every()[0].id
    assert records() == [
        (2, 2, True, None, ours),
        (7, 7, True, None, before),
        (3, None, True, None, None),
        (None, None, False, "no_usage", None),
        (None, None, False, "no_rate", None),
        (None, None, False, "no_price", None),
        (2, 2, True, None, ours),
    ]
    # Whoever comes second moves nothing.
    with db.transaction() as session:
        unpriced._write(session, [(3, pricing.Price(Decimal(8)))])
    assert records()[2][0] == 3
    (told,) = rows("SELECT after FROM audit_entry WHERE action = 'price.book'")
    assert told["after"] == {"calls": 3, "cost_usd": "11"}
    with pytest.raises(NotFound):
        unpriced.price(NewPrice("openai", "m", DAY, rates={"input": "9"}))
    assert rows("SELECT count(*) AS n FROM own_price") == [{"n": 2}]


def test_a_price_that_books_nothing_whole_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is set and books in one transaction: a process that is killed in between leaves neither."""
    for _ in range(3):
        record()
    monkeypatch.setattr(unpriced, "AT_ONCE", 2)
    written = unpriced._write

    def killed(session: Any, priced: Any) -> None:
        written(session, priced)
        if len(priced) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(unpriced, "_write", killed)
    with pytest.raises(KeyboardInterrupt):
        unpriced.price(NewPrice("openai", "m", DAY, rates={"input": "2"}))
    assert [one[0] for one in records()] == [None] * 3
    assert rows("SELECT 1 FROM own_price") == []
    monkeypatch.setattr(unpriced, "_write", written)
    assert unpriced.price(NewPrice("openai", "m", DAY, rates={"input": "2"})).calls == 3


def test_a_batch_s_rest_that_waits_is_priced_by_its_average_call() -> None:
    change(BATCH)
    record(status="unattributed", booking="batch:bat_1", lane="batch", tier="batch", input=400_000)
    unpriced.price(NewPrice("openai", "m", DAY, as_model="gpt-5.4"))
    assert records()[0][0] == Decimal("0.5")


BATCH = """
INSERT INTO provider_batch (id, job_id, provider, base_url, model, endpoint, nonce, requests, state, usage)
VALUES ('bat_1', 'j', 'openai', '', 'm', '', 'n', 4, 'completed', '{"input_tokens": 400000}')
"""


def test_a_newer_list_books_by_itself_once_and_the_audit_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    record(model="gpt-5-mini")
    record(model="no-such-model")
    record(model="gpt-5-mini", priced=True, cost=Decimal(9), reason=None)
    booked = unpriced.follow_list()
    assert booked is not None
    assert (booked.calls, booked.cost_usd) == (1, Decimal("0.25"))
    assert [one[0] for one in records()] == [Decimal("0.25"), None, 9]
    assert unpriced.follow_list() is None
    record(model="gpt-5-mini")
    assert unpriced.follow_list() is None
    monkeypatch.setattr(unpriced, "VERSION", "0.2.4, 2026-12-24")
    assert unpriced.follow_list() is not None
    told = rows("SELECT before, after FROM audit_entry WHERE action = 'price.book' ORDER BY id")
    assert [one["after"] for one in told] == [{"calls": 1, "cost_usd": "0.25"}] * 2
    assert told[0]["before"] == {"version": None}


def test_what_is_in_force_is_told_with_its_source_and_end() -> None:
    found = in_force.read("openai", "gpt-5-mini", "batch", AT)
    assert found.applied is not None
    assert (found.applied.source, found.retires_at, found.long_from) == ("snapshot", date(2026, 12, 11), None)
    long = in_force.read("openai", "gpt-5.4", "standard", AT)
    assert (long.long_from, long.long_rates and long.long_rates.input) == (272_000, 5)
    assert in_force.read("openai", "own-model", "standard", AT).reason == "no_price"
    assert in_force.read("offline", "offline-1", "standard", AT).applied is None
    with pytest.raises(InvalidInput):
        in_force.read("nobody", "m", "standard", AT)
