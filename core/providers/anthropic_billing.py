"""Anthropic's reports by an admin key: the analytics of usage and cost (beta), else the former ones. Amounts are cents.

Shapes: anthropic/types/beta/organization/analytics of the SDK, and platform.claude.com/docs/en/api/admin/cost_report
and usage_report. What the priority tier costs is in no cost report.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from core.errors import ProviderError
from core.providers import billing
from core.providers.billing import Api, Kind, Lane, Line, Told

CENT = Decimal("0.01")
ANALYTICS = "/v1/organizations/analytics"
BETA = {"anthropic-beta": "analytics-usage-cost-2026-08-24"}
USAGE_REPORT, COST_REPORT = "/v1/organizations/usage_report/messages", "/v1/organizations/cost_report"
KEYS = "/v1/organizations/api_keys"
# Of an organization, a time or a key that the analytics are not for: then the former reports are asked.
NOT_THERE = (400, 403, 404, 405, 422)


async def read(api: Api, start: date, stop: date) -> Told:
    """Of days from `start` to before `stop`. Raises ProviderError."""
    key, workspace = await _ours(api)
    usage: list[Line] = []
    cost: list[Line] = []
    for begin, end in billing.stretches(start, stop):
        try:
            found = await _analytics(api, begin, end, key, workspace)
        except ProviderError as error:
            if error.status not in NOT_THERE:
                raise
            found = await _reports(api, begin, end, key, workspace)
        usage += found[0]
        cost += found[1]
    scope = f"workspace {workspace}" if workspace else "the default workspace" if key else ""
    return Told(tuple(usage), tuple(cost), scope)


async def _ours(api: Api) -> tuple[str | None, str | None]:
    """The id of the key that our calls are made with, and its workspace: None for the default one. Both None where that
    cannot be seen."""
    if not api.api_key:
        return None, None
    try:
        async for key in api.pages(KEYS, {"limit": 1000}, cursor="after_id"):
            if billing.is_ours(key.get("partial_key_hint"), api.api_key):
                return billing.name(key.get("id")) or None, billing.name(key.get("workspace_id")) or None
    except ProviderError as error:
        if error.status not in NOT_THERE:
            raise
    return None, None


Both = tuple[list[Line], list[Line]]


def _asked(begin: date, end: date) -> dict[str, Any]:
    first, last = (billing.begin(day).strftime("%Y-%m-%dT%H:%M:%SZ") for day in (begin, end))
    return {"starting_at": first, "ending_at": last}


async def _analytics(api: Api, begin: date, end: date, key: str | None, workspace: str | None) -> Both:
    """The default workspace has an id there that no key tells: then it is our key alone."""
    limited = {"workspace_ids": [workspace]} if workspace else {"api_key_ids": [key]} if key else {}
    asked = {**_asked(begin, end), "time_bucket_width": "1d", "limit": 1000, **limited}
    of_usage = {**asked, "group_by": ["model", "service_tier"]}
    of_cost = {**asked, "group_by": ["model", "service_tier", "cost_type", "token_type"]}
    usage: list[Line] = []
    cost: list[Line] = []
    async for row in api.pages(f"{ANALYTICS}/usage", of_usage, BETA):
        usage += _usage(api, api.day(row.get("starting_at")), _object(api, row, "group"), _object(api, row, "usage"))
    async for row in api.pages(f"{ANALYTICS}/cost", of_cost, BETA):
        cost.append(_cost(api, api.day(row.get("starting_at")), _object(api, row, "group"), _object(api, row, "cost")))
    return usage, cost


async def _reports(api: Api, begin: date, end: date, key: str | None, workspace: str | None) -> Both:
    asked = {**_asked(begin, end), "bucket_width": "1d", "limit": billing.DAYS_AT_ONCE}
    by = ["model", "service_tier", "workspace_id"]
    usage: list[Line] = []
    cost: list[Line] = []
    async for bucket in api.pages(USAGE_REPORT, {**asked, "group_by": by}):
        for result in _of(api, bucket, key, workspace):
            usage += _usage(api, api.day(bucket.get("starting_at")), result, result)
    async for bucket in api.pages(COST_REPORT, {**asked, "group_by": ["workspace_id", "description"]}):
        for result in _of(api, bucket, key, workspace):
            cost.append(_cost(api, api.day(bucket.get("starting_at")), result, result))
    return usage, cost


def _of(api: Api, bucket: dict[str, Any], key: str | None, workspace: str | None) -> list[dict[str, Any]]:
    """What is of our workspace, which is None for the default one."""
    found = api.objects(bucket.get("results"), "results")
    return [one for one in found if not key or (one.get("workspace_id") or None) == workspace]


def _object(api: Api, row: dict[str, Any], name: str) -> dict[str, Any]:
    found = row.get(name)
    if not isinstance(found, dict):
        raise api.odd(f"has a row without {name}")
    return found


def _lane(group: dict[str, Any]) -> Lane | None:
    tier = group.get("service_tier")
    return None if tier is None else "batch" if tier == "batch" else "live"


def _usage(api: Api, day: date, group: dict[str, Any], used: dict[str, Any]) -> Iterator[Line]:
    written = used.get("cache_creation")
    written = written if isinstance(written, dict) else {}
    counts: dict[Kind, int] = {
        "input": api.tokens(used.get("uncached_input_tokens")),
        "cached": api.tokens(used.get("cache_read_input_tokens")),
        "cache_write": api.tokens(written.get("ephemeral_5m_input_tokens")),
        "cache_write_long": api.tokens(written.get("ephemeral_1h_input_tokens")),
        "output": api.tokens(used.get("output_tokens")),
    }
    model, lane = billing.name(group.get("model")), _lane(group)
    yield from (Line(day, model, lane, kind, tokens) for kind, tokens in counts.items() if tokens)


def _cost(api: Api, day: date, group: dict[str, Any], told: dict[str, Any]) -> Line:
    """What is of no model, such as web searches, bears the name of its kind."""
    usd = api.usd(told.get("amount"), told.get("currency"), CENT)
    listed = told.get("list_amount")
    token_type = billing.name(group.get("token_type"))
    model = billing.name(group.get("model")) or billing.name(group.get("cost_type") or group.get("description"))
    list_usd = None if listed is None else api.usd(listed, told.get("currency"), CENT)
    return Line(day, model, _lane(group), billing.kind_of(token_type), None, usd, list_usd)
