"""The providers' own figures against ours: every page, cents and dollars, keys, and which verdict a drift gets."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.calls import clients
from core.errors import InvalidInput
from core.invoices import drift, fetching, report
from core.invoices.drift import Drift
from core.money import folding
from core.settings import admin_keys, credentials
from tests import admin_server
from tests.admin_server import EMPTY, AdminServer, bucket, openai_cost
from tests.pages import made
from tests.pipeline import change, rows

pytestmark = pytest.mark.usefixtures("database")
ADMIN, OURS = "sk-admin-hidden-0123456789", "sk-proj-hidden-abcdefghijwxyz"
MAY = date(2026, 5, 1)
COMPLETIONS, EMBEDDINGS = "/organization/usage/completions", "/organization/usage/embeddings"
COSTS, PROJECTS = "/organization/costs", "/organization/projects"
ANALYTICS = "/organizations/analytics"
USAGE_REPORT, COST_REPORT = "/organizations/usage_report/messages", "/organizations/cost_report"
KEYS = "/organizations/api_keys"


@pytest.fixture
def server(setting: Any) -> Iterator[AdminServer]:
    with admin_server.running() as found:
        setting(
            OPENAI_API_KEY=OURS,
            OPENAI_BASE_URL=found.openai_url,
            OPENAI_ADMIN_KEY=ADMIN,
            ANTHROPIC_API_KEY=OURS,
            ANTHROPIC_BASE_URL=found.anthropic_url,
            ANTHROPIC_ADMIN_KEY=ADMIN,
            SECRET_KEY="s" * 32,
        )
        found.pages = {COMPLETIONS: [EMPTY], EMBEDDINGS: [EMPTY], COSTS: [EMPTY], PROJECTS: [EMPTY], KEYS: [EMPTY]}
        found.headers = {"retry-after": "0"}
        yield found


def record(model: str = "gpt-5-mini-2025-08-07", day: int = 1, lane: str = "live", **more: Any) -> None:
    given = {"input_tokens": 1000, "output_tokens": 100, "cost_usd": Decimal("0.5"), "provider": "openai", **more}
    time = datetime(2026, 5, day, 23, 59, 59, tzinfo=UTC)
    made.usage(**{"job_id": None, "model": model, "lane": lane, "time": time, **given})


def used(model: str, batch: bool = False, **counts: Any) -> dict[str, Any]:
    return {"model": model, "batch": batch, "input_tokens": 1000, "output_tokens": 100, **counts}


def fetched(provider: str = "openai", days: int = 3) -> Drift:
    """Carry out an order as the jobs process does, and compare."""
    ordered = fetching.order(provider, MAY, MAY + timedelta(days=days))
    assert ordered.state == "queued"
    while fetching.fetch_next():
        pass
    ended = report.fetch(ordered.id)
    assert (ended.state, ended.message) == ("done", None)
    change("UPDATE invoice_day SET fetched_at = '2026-06-30 00:00:00+00'")
    return drift.read(provider, MAY, MAY + timedelta(days=days))


def verdicts(found: Drift) -> list[tuple[int, str, str | None, str]]:
    return [(one.day.day, one.model, one.lane, one.verdict) for one in found.items]


MINI = "gpt-5-mini-2025-08-07"


def test_openais_pages_of_dollars_are_equal_to_the_cent_and_the_token(server: AdminServer) -> None:
    """Also while sums are not folded; cached tokens are in the input, and digits that no float has are kept."""
    record(cached_input_tokens=400)
    record(lane="batch", cost_usd=Decimal("0.25"))
    record("text-embedding-3-small", day=2, lane="batch", output_tokens=0, cost_usd=Decimal("0.000010000001"))
    record(day=3, reused=True, input_tokens=0, output_tokens=0, cost_usd=Decimal(0))
    folding.keep_up("UTC")
    record(day=2, cost_usd=Decimal("0.500000000001"))
    server.pages[COMPLETIONS] = [
        {"data": [bucket("2026-05-01", used(MINI, input_cached_tokens=400), used(MINI, batch=True))]},
        {"data": [bucket("2026-05-02", used(MINI))]},
    ]
    server.pages[EMBEDDINGS] = [
        {"data": [bucket("2026-05-02", {"model": "text-embedding-3-small", "input_tokens": 1000})]}
    ]
    server.pages[COSTS] = [
        {"data": [bucket("2026-05-01", openai_cost(f"{MINI}, input", "0.1"))]},
        {"data": [bucket("2026-05-01", openai_cost(f"{MINI}, cached input", "0.1"))]},
        {"data": [bucket("2026-05-01", openai_cost(f"{MINI}, output", "0.3"))]},
        {"data": [bucket("2026-05-01", openai_cost(f"batch | {MINI}, input", "0.25"))]},
        {
            "data": [
                bucket(
                    "2026-05-02",
                    openai_cost(f"{MINI}, output", "0.500000000001"),
                    openai_cost("text-embedding-3-small, input_tokens", "0.000010000001"),
                )
            ]
        },
    ]
    found = fetched()
    assert verdicts(found) == [
        (2, MINI, "live", "equal"),
        (2, "text-embedding-3-small", None, "equal"),
        (1, MINI, "batch", "equal"),
        (1, MINI, "live", "equal"),
    ]
    assert found.drift_usd == 0
    assert found.theirs.cost_usd == Decimal("1.250010000002")
    assert (found.ours.tokens, found.theirs.tokens, found.days) == (4300, 4300, 3)
    assert found.fresh_until is None
    assert [one.query["page"] for one in server.asked_of(COSTS)[1:]] == [["p1"], ["p2"], ["p3"], ["p4"]]
    asked = server.asked_of(COMPLETIONS)[0]
    assert asked.query["group_by"] == ["model", "batch", "service_tier"]
    assert (asked.query["start_time"], asked.query["end_time"]) == (["1777593600"], ["1777852800"])
    assert {one.headers["authorization"] for one in server.reports} == {f"Bearer {ADMIN}"}


def anthropic_costs(*results: tuple[str, str, str]) -> list[dict[str, Any]]:
    """Kind of token, service tier, cents."""
    return [
        {"amount": cents, "currency": "USD", "model": HAIKU, "token_type": kind, "service_tier": tier}
        for kind, tier, cents in results
    ]


HAIKU = "claude-haiku-4-5"
TOKENS = {
    "uncached_input_tokens": 600,
    "cache_read_input_tokens": 100,
    "cache_creation": {"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 100},
    "output_tokens": 100,
}


def haiku(**more: Any) -> None:
    record("claude-haiku-4-5-20251001", **{"provider": "anthropic", "cost_usd": Decimal("0.0123"), **more})


@pytest.mark.parametrize("analytics", [True, False], ids=["analytics", "reports"])
def test_anthropic_tells_cents_by_its_analytics_or_by_its_former_reports(server: AdminServer, analytics: bool) -> None:
    haiku()
    haiku(lane="batch", cost_usd=Decimal("0.006"))
    costs = anthropic_costs(
        ("uncached_input_tokens", "standard", "1"),
        ("output_tokens", "standard", "0.23"),
        ("output_tokens", "batch", "0.6"),
    )
    day, tiers = "2026-05-01T00:00:00Z", ("standard", "batch")
    if analytics:
        server.pages[f"{ANALYTICS}/usage"] = [
            {
                "data": [
                    {"starting_at": day, "group": {"model": "claude-haiku-4-5", "service_tier": tier}, "usage": TOKENS}
                ]
            }
            for tier in tiers
        ]
        server.pages[f"{ANALYTICS}/cost"] = [
            {"data": [{"starting_at": day, "group": one, "cost": {**one, "list_amount": "2"}}]} for one in costs
        ]
    else:
        used_in = [{"model": HAIKU, "service_tier": tier, **TOKENS} for tier in tiers]
        server.pages[USAGE_REPORT] = [{"data": [bucket("2026-05-01", one)]} for one in used_in]
        server.pages[COST_REPORT] = [{"data": [bucket("2026-05-01", one)]} for one in costs]
    found = fetched("anthropic")
    assert verdicts(found) == [
        (1, "claude-haiku-4-5-20251001", "batch", "equal"),
        (1, "claude-haiku-4-5-20251001", "live", "equal"),
    ]
    assert found.theirs.cost_usd == Decimal("0.0183")
    assert found.theirs.list_usd == (Decimal("0.06") if analytics else None)
    assert {one.headers["authorization"] for one in server.reports} == {f"Bearer {ADMIN}"}
    betas = {one.headers["anthropic-beta"] for one in server.reports if ANALYTICS in one.path}
    assert betas == {"analytics-usage-cost-2026-08-24"}


def test_reports_are_limited_to_the_project_or_workspace_of_our_key(server: AdminServer) -> None:
    hint = f"{OURS[:8]}**********{OURS[-4:]}"
    server.pages[PROJECTS] = [{"data": [{"id": "proj_a"}, {"id": "proj_b"}], "has_more": False, "next_page": None}]
    server.pages[f"{PROJECTS}/proj_a/api_keys"] = [{"data": [{"redacted_value": "sk-proj-**********0000"}]}]
    server.pages[f"{PROJECTS}/proj_b/api_keys"] = [{"data": [{"redacted_value": hint}]}]
    fetched()
    assert {tuple(one.query["project_ids"]) for one in server.asked_of(COSTS)} == {("proj_b",)}
    assert {tuple(one.query["project_ids"]) for one in server.asked_of(COMPLETIONS)} == {("proj_b",)}
    scopes = [row["scope"] for row in rows("SELECT scope FROM invoice_fetch")]

    key = {"id": "apikey_1", "partial_key_hint": f"{OURS[:8]}...{OURS[-4:]}", "workspace_id": "wrkspc_1"}
    server.pages[KEYS] = [{"data": [key], "has_more": False, "next_page": None}]
    of_others = {"model": "claude-haiku-4-5", "service_tier": "standard", "workspace_id": "wrkspc_2", **TOKENS}
    server.pages[USAGE_REPORT] = [{"data": [bucket("2026-05-01", of_others)]}]
    server.pages[COST_REPORT] = [EMPTY]
    assert fetched("anthropic").items == ()
    assert server.asked_of(f"{ANALYTICS}/usage")[0].query["workspace_ids"] == ["wrkspc_1"]
    scopes += [row["scope"] for row in rows("SELECT scope FROM invoice_fetch WHERE provider = 'anthropic'")]
    assert scopes == ["project proj_b", "workspace wrkspc_1"]


DAY = "2026-05-01"
CASES: dict[str, tuple[dict[str, Any] | None, dict[str, Any] | None, list[tuple[str, str]], str, str | None]] = {
    # What we booked, what they count, what they charge; the verdict and the drift.
    "a cent": ({}, {}, [("input", "0.51")], "price_differs", "0.01"),
    "a cent less": ({}, {}, [("input", "0.49")], "price_differs", "-0.01"),
    "half a cent": ({}, {}, [("input", "0.505")], "price_differs", "0.005"),
    "no cent": ({}, {}, [("input", "0.5049")], "equal", "0.0049"),
    "a token": ({}, {"input_tokens": 1001}, [("input", "0.5")], "unknown_calls", "0"),
    "output alone": ({}, {"input_tokens": 900, "output_tokens": 200}, [("input", "0.5")], "unknown_calls", "0"),
    "fewer tokens": ({}, {"input_tokens": 999}, [("input", "0.5")], "not_matched", "0"),
    "not booked": (None, {}, [("input", "0.5")], "not_matched", "0.5"),
    "not charged": ({}, None, [], "not_matched", "-0.5"),
    "no price known": ({"cost_usd": None, "priced": False}, {}, [("output", "0.2")], "price_differs", "0.2"),
    "free at theirs": ({}, {}, [], "price_differs", "-0.5"),
}


@pytest.mark.parametrize("name", CASES)
def test_each_drift_has_its_verdict(server: AdminServer, name: str) -> None:
    booked, counted, charged, verdict, usd = CASES[name]
    if booked is not None:
        record(**booked)
    if counted is not None:
        server.pages[COMPLETIONS] = [{"data": [bucket(DAY, used(MINI, **counted))]}]
    server.pages[COSTS] = [{"data": [bucket(DAY, *(openai_cost(f"{MINI}, {kind}", of) for kind, of in charged))]}]
    (item,) = fetched().items
    assert (item.verdict, item.drift_usd) == (verdict, Decimal(usd or 0))


def test_parts_of_a_cent_that_are_a_cent_together_are_told(server: AdminServer) -> None:
    for day in (1, 2, 3):
        record(day=day)
    server.pages[COMPLETIONS] = [{"data": [bucket(f"2026-05-0{day}", used(MINI)) for day in (1, 2, 3)]}]
    server.pages[COSTS] = [
        {"data": [bucket(f"2026-05-0{day}", openai_cost(f"{MINI}, input", "0.504")) for day in (1, 2, 3)]}
    ]
    found = fetched()
    assert found.verdicts["equal"] == 3
    assert (found.drift_usd, found.adds_up) == (Decimal("0.012"), False)


def test_where_the_price_differs_theirs_is_named_by_kind_of_token(server: AdminServer) -> None:
    record(cached_input_tokens=400, cost_usd=Decimal("0.001"))
    server.pages[COMPLETIONS] = [{"data": [bucket(DAY, used(MINI, input_cached_tokens=400))]}]
    costs = {"input": "0.0012", "cached input": "0.00008", "output": "0.0255"}
    server.pages[COSTS] = [{"data": [bucket(DAY, *(openai_cost(f"{MINI}, {kind}", of) for kind, of in costs.items()))]}]
    (item,) = fetched().items
    assert item.rates == {"input": Decimal(2), "cached": Decimal("0.2"), "output": Decimal(255)}
    assert item.our_models == (MINI,)


def test_names_without_a_date_are_those_with_one_and_two_dates_are_two_models(server: AdminServer) -> None:
    record("gpt-5-mini-2025-08-07")
    record("gpt-4o-2024-08-06")
    server.pages[COMPLETIONS] = [
        {"data": [bucket(DAY, used("gpt-5-mini"), used("gpt-4o-2024-08-06"), used("gpt-4o-2024-11-20"))]}
    ]
    server.pages[COSTS] = [
        {
            "data": [
                bucket(
                    DAY,
                    openai_cost("gpt-5-mini, input", "0.5"),
                    openai_cost("gpt-4o-2024-08-06, output", "0.5"),
                    openai_cost("gpt-4o-2024-11-20, output", "0.5"),
                    openai_cost("web search tool calls", "0.01", 1),
                )
            ]
        }
    ]
    assert verdicts(fetched()) == [
        (1, "gpt-4o-2024-08-06", "live", "equal"),
        (1, "gpt-4o-2024-11-20", "live", "not_matched"),
        (1, "gpt-5-mini-2025-08-07", "live", "equal"),
        (1, "web search tool calls", None, "not_matched"),
    ]


def test_a_lane_that_theirs_does_not_tell_is_compared_as_a_whole(server: AdminServer) -> None:
    record()
    record(lane="batch", cost_usd=Decimal("0.25"))
    server.pages[COMPLETIONS] = [{"data": [bucket(DAY, used(MINI), used(MINI, batch=True))]}]
    server.pages[COSTS] = [{"data": [bucket(DAY, openai_cost(f"{MINI}, input", "0.75"))]}]
    assert verdicts(fetched()) == [(1, MINI, None, "equal")]


def test_a_day_that_was_fetched_too_early_is_fresh_until_it_is_settled(server: AdminServer) -> None:
    record()
    fetched()
    change("UPDATE invoice_day SET fetched_at = '2026-05-02 23:59:59+00' WHERE source = 'cost' AND day = '2026-05-01'")
    found = drift.read("openai", MAY, MAY + timedelta(days=1))
    assert [one.verdict for one in found.items] == ["fresh"]
    assert found.fresh_until == datetime(2026, 5, 3, tzinfo=UTC)
    assert found.fetched_at == datetime(2026, 5, 2, 23, 59, 59, tzinfo=UTC)
    change("UPDATE invoice_day SET fetched_at = '2026-05-03 00:00:00+00'")
    assert drift.read("openai", MAY, MAY + timedelta(days=1)).fresh_until is None


ODD: dict[str, Any] = {
    "no JSON": "<html>",
    "a list": "[]",
    "no data": {"object": "page"},
    "NaN": '{"data": [{"start_time": 1777593600, "results": [{"amount": {"value": NaN, "currency": "usd"}}]}]}',
    "an endless number": {"data": [bucket(DAY, openai_cost("x, input", "1e999"))]},
    "true": {"data": [bucket(DAY, {"amount": {"value": True, "currency": "usd"}, "line_item": "x"})]},
    "no amount": {"data": [bucket(DAY, {"line_item": "x"})]},
    "euros": {"data": [bucket(DAY, {"amount": {"value": 1, "currency": "eur"}, "line_item": "x"})]},
    "no day": {"data": [{"start_time": "then", "results": []}]},
    "pages in a circle": {"data": [], "has_more": True, "next_page": "p0"},
    "more and no page": {"data": [], "has_more": True, "next_page": None},
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_report_is_not_taken_and_loses_nothing_of_what_was_there(server: AdminServer, name: str) -> None:
    record()
    server.pages[COSTS] = [{"data": [bucket(DAY, openai_cost(f"{MINI}, input", "0.5"))]}]
    before = fetched()
    server.pages[COSTS] = [ODD[name]]
    again = fetching.order("openai", MAY, MAY + timedelta(days=3))
    assert fetching.fetch_next()
    failed = report.fetch(again.id)
    assert failed.state == "failed"
    assert "nothing of it was taken" in (failed.message or "")
    assert len(server.asked_of(COSTS)) <= 4
    assert drift.read("openai", MAY, MAY + timedelta(days=3)).items == before.items


def test_more_cached_tokens_than_input_are_no_report(server: AdminServer) -> None:
    server.pages[COMPLETIONS] = [{"data": [bucket(DAY, used(MINI, input_cached_tokens=1001))]}]
    ordered = fetching.order("openai", MAY, MAY + timedelta(days=1))
    assert fetching.fetch_next()
    assert "more cached tokens than input" in str(report.fetch(ordered.id).message)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (404, "there is no such report"),
        (401, "The admin key was refused"),
        (403, "may not read this report"),
        (429, "rate limit"),
        (500, "Server error"),
    ],
)
def test_a_refusal_says_what_to_do_and_what_passes_is_asked_again(
    server: AdminServer, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = status, {"error": {"message": f"Incorrect API key provided: {ADMIN}", "code": "x"}}
    server.refuses = lambda asked: refused if asked.path == COSTS else None
    ordered = fetching.order("openai", MAY, MAY + timedelta(days=1))
    assert fetching.fetch_next()
    ended = report.fetch(ordered.id)
    assert ended.state == "failed"
    assert said in (ended.message or "")
    assert "hidden" not in (ended.message or "") + capsys.readouterr().out + str(rows("SELECT * FROM invoice_fetch"))
    assert len(server.asked_of(COSTS)) == (4 if status in (429, 500) else 1)

    failing = iter([refused])
    server.refuses = lambda asked: next(failing, None) if asked.path == COSTS else None
    ordered = fetching.order("openai", MAY, MAY + timedelta(days=1))
    assert fetching.fetch_next()
    assert report.fetch(ordered.id).state == ("done" if status in (429, 500) else "failed")


def test_a_newer_report_replaces_a_day_and_leaves_the_others(server: AdminServer) -> None:
    server.pages[COSTS] = [
        {"data": [bucket(f"2026-05-0{day}", openai_cost("x, input", "1")) for day in (1, 2)]},
        {"data": [bucket("2026-05-01", openai_cost("x, input", "0.25"))]},
    ]
    assert fetched().theirs.cost_usd == Decimal("2.25")
    server.pages[COSTS] = [{"data": [bucket("2026-05-01", openai_cost("x, input", "3"))]}]
    assert fetched(days=1).theirs.cost_usd == 3
    assert drift.read("openai", MAY, MAY + timedelta(days=3)).theirs.cost_usd == 4


def test_orders_of_the_same_days_are_one_and_one_left_behind_is_taken_up(server: AdminServer) -> None:
    stop = MAY + timedelta(days=40)
    first = fetching.order("openai", MAY, stop)
    assert fetching.order("openai", MAY, stop).id == first.id
    assert len(rows("SELECT 1 FROM procrastinate_jobs WHERE task_name = 'fetch_invoices'")) == 1
    change("UPDATE invoice_fetch SET state = 'running', started_at = now() - interval '9 minutes'")
    assert not fetching.fetch_next()
    change("UPDATE invoice_fetch SET started_at = now() - interval '11 minutes'")
    assert fetching.fetch_next()
    assert report.fetch(first.id).state == "done"
    spans = [
        (int(one.query["end_time"][0]) - int(one.query["start_time"][0])) // 86400 for one in server.asked_of(COSTS)
    ]
    assert spans == [31, 9]
    for start, end in ((MAY, MAY), (MAY, MAY + timedelta(days=367))):
        with pytest.raises(InvalidInput):
            fetching.order("openai", start, end)


def test_an_admin_key_is_sealed_with_its_address_and_never_shown(
    server: AdminServer, setting: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert admin_keys.of("openai").key_from == "environment"
    admin_keys.change("openai", "sk-admin-hidden-here")
    found = admin_keys.of("openai")
    assert (found.key_from, found.missing, found.key and found.key.get_secret_value()) == (
        "here",
        None,
        "sk-admin-hidden-here",
    )
    fetched()
    assert {one.headers["authorization"] for one in server.reports} == {"Bearer sk-admin-hidden-here"}
    names = [row["name"] for row in rows("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'")]
    told = [str(rows(f"SELECT t::text AS line FROM {name} t")) for name in names]
    assert "hidden" not in "".join([*told, repr(found), capsys.readouterr().out])

    credentials.change("openai", "https://other.example.org/v1")
    assert admin_keys.of("openai").key is None
    assert "another address" in str(admin_keys.of("openai").missing)
    admin_keys.remove("openai")
    assert admin_keys.of("openai").held_back
    with pytest.raises(InvalidInput, match="another address"):
        fetching.order("openai", MAY, MAY + timedelta(days=1))
    setting(OPENAI_ADMIN_KEY="")
    assert "There is no admin key" in str(admin_keys.of("openai").missing)
    with pytest.raises(InvalidInput, match="has no reports"):
        admin_keys.of("offline")


def test_no_ordinary_call_is_made_with_the_admin_key(server: AdminServer) -> None:
    """The SDK takes OPENAI_ADMIN_KEY from the environment by itself."""

    async def call(name: str) -> None:
        async with clients.lent(name) as provider:
            await provider.call({"model": "m", "messages": []})
            await provider.models()
        await clients.close()

    for name in ("openai", "anthropic"):
        asyncio.run(call(name))
    sent = json.dumps([dict(one.headers) for one in server.asked])
    assert OURS in sent
    assert ADMIN not in sent
