"""OpenAI's reports: /organization/costs and /organization/usage, by an admin key. Amounts are dollars.

Shapes: openai/types/admin/organization of the SDK. A line item of costs is text such as "gpt-5.5-2026-04-23, cached
input" or "priority | gpt-5.6-sol, output, long context"; whether it was a batch, only some of them say.
"""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from core.errors import ProviderError
from core.providers import billing
from core.providers.billing import Api, Kind, Lane, Line, Told

COSTS, COMPLETIONS, EMBEDDINGS = (
    "/organization/costs",
    "/organization/usage/completions",
    "/organization/usage/embeddings",
)
PROJECTS = "/organization/projects"
# Each is one call: where there are more, the reports are of the whole organization.
MOST_PROJECTS = 100
UNITS = {"tokens": 1, "1000_tokens": 1000}


async def read(api: Api, start: date, stop: date) -> Told:
    """Of days from `start` to before `stop`. Raises ProviderError."""
    project = await _project(api)
    limited = {"project_ids": [project]} if project else {}
    usage: list[Line] = []
    cost: list[Line] = []
    for begin, end in billing.stretches(start, stop):
        asked = {
            **{"start_time": int(billing.begin(begin).timestamp()), "end_time": int(billing.begin(end).timestamp())},
            **{"bucket_width": "1d", "limit": billing.DAYS_AT_ONCE},
            **limited,
        }
        by = {"group_by": ["model", "batch", "service_tier"]}
        usage += [line async for line in _lines(api, COMPLETIONS, {**asked, **by}, _completions)]
        usage += [line async for line in _lines(api, EMBEDDINGS, {**asked, "group_by": ["model"]}, _embeddings)]
        cost += [line async for line in _lines(api, COSTS, {**asked, "group_by": ["line_item"]}, _cost)]
    return Told(tuple(usage), tuple(cost), f"project {project}" if project else "")


async def _project(api: Api) -> str | None:
    """The project of the key that our calls are made with; None where that cannot be seen."""
    if not api.api_key:
        return None
    try:
        seen = 0
        async for project in api.pages(PROJECTS, {"limit": 100, "include_archived": "true"}, cursor="after"):
            if (seen := seen + 1) > MOST_PROJECTS or not isinstance(project.get("id"), str):
                return None
            keys = api.pages(f"{PROJECTS}/{project['id']}/api_keys", {"limit": 100}, cursor="after")
            async for key in keys:
                if billing.is_ours(key.get("redacted_value"), api.api_key):
                    return str(project["id"])
    except ProviderError as error:
        # The reports may be open where the list of projects is not.
        if error.status in (None, 401) or error.retryable:
            raise
    return None


async def _lines(api: Api, path: str, params: dict[str, Any], lines: Any) -> Any:
    async for bucket in api.pages(path, params):
        day = api.day(bucket.get("start_time"))
        for result in api.objects(bucket.get("results", bucket.get("result")), "results"):
            for line in lines(api, day, result):
                yield line


def _completions(api: Api, day: date, result: dict[str, Any]) -> Iterator[Line]:
    lane: Lane = "batch" if result.get("batch") is True else "live"
    written, lasting = (api.tokens(result.get(f"input_cache_write_{name}")) for name in ("tokens", "12h_tokens"))
    written = max(written, lasting + api.tokens(result.get("input_cache_write_30m_tokens")))
    cached = api.tokens(result.get("input_cached_tokens"))
    uncached = api.tokens(result.get("input_tokens")) - cached - written
    if uncached < 0:
        raise api.odd("counts more cached tokens than input")
    counts: dict[Kind, int] = {
        "input": uncached,
        "cached": cached,
        "cache_write": written - lasting,
        "cache_write_long": lasting,
        "output": api.tokens(result.get("output_tokens")),
    }
    model = billing.name(result.get("model"))
    yield from (Line(day, model, lane, kind, tokens) for kind, tokens in counts.items() if tokens)


def _embeddings(api: Api, day: date, result: dict[str, Any]) -> Iterator[Line]:
    """It does not tell which were batches."""
    if tokens := api.tokens(result.get("input_tokens")):
        yield Line(day, billing.name(result.get("model")), None, "input", tokens)


def _cost(api: Api, day: date, result: dict[str, Any]) -> Iterator[Line]:
    amount = result.get("amount")
    if not isinstance(amount, dict):
        raise api.odd("has a line without an amount")
    usd = api.usd(amount.get("value"), amount.get("currency"))
    yield of_item(day, result.get("line_item"), usd, result.get("quantity"), result.get("quantity_unit"))


def of_item(day: date, item: Any, usd: Any, quantity: Any, unit: Any) -> Line:
    """A line of costs, as the report and the export have it."""
    model, lane, kind = parts(billing.name(item))
    counted = billing.decimal(quantity) if kind != "other" else None
    times = UNITS.get(str(unit or "tokens"))
    tokens = None if counted is None or times is None else billing.whole(counted * times)
    return Line(day, model, lane, kind, tokens, usd)


def parts(item: str) -> tuple[str, Lane | None, Kind]:
    """Of a line item: its model, else all of it; its lane, where it tells that it is a batch; its kind of token."""
    lane: Lane | None = "batch" if re.search(r"\bbatch\b", item, re.IGNORECASE) else None
    rest = item.rpartition(" | ")[2]
    model, comma, what = rest.partition(",")
    model = re.sub(r"[\s(]+batch(?:\s+api)?\)?$", "", model.strip(), flags=re.IGNORECASE)
    kind = billing.kind_of(what)
    if not comma or kind == "other" or re.search(r"\b(audio|image)\b", what):
        return (model if comma else item), lane, "other"
    return model, lane, kind
