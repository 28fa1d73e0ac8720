"""Read what an answer reports of its usage: one function per endpoint, the same for both lanes.

Where counts make no sense nobody knows what the call costs: none is guessed, none is taken for 0, and no text for a
number. The answer itself is kept all the same.
"""

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal

from core.providers.usage import Terms, Tier, Usage

# More than any model reads or writes in one call: a larger count is a fault of the server that reports it.
MOST_READ = 20_000_000
MOST_WRITTEN = 2_000_000
MOST_SEARCHES = 10_000
MOST_USD = Decimal(1_000_000)
Object = Mapping[str, Any]
Read = tuple[Usage | None, Terms]
Trouble = Literal["no_usage", "odd_usage"]
NOTHING: Object = {}
# In OpenAI's words and those of servers that speak like it.
CHAT_TIERS: Mapping[object, Tier] = {"flex": "flex", "priority": "priority", "fast": "fast", "batch": "batch"}
# Capacity that is bought ahead: nobody can say what a call of it costs.
BOUGHT_AHEAD = "scale"
# Items of a response that cost a fee of their own, which we have no rate for.
PAID_TOOLS = ("file_search_call", "code_interpreter_call", "image_generation_call")


def of_chat(used: object, tier: object = None, *, wrote: bool, items: Iterable[tuple[object, object]] = ()) -> Read:
    """Of a chat completion or a response, whose counts have other names. `wrote`: there is a text.

    `items`: of a response, type and action of each item of its output.
    """
    counts = used if isinstance(used, dict) else NOTHING
    read, written = counts.get("prompt_tokens"), counts.get("completion_tokens")
    read = counts.get("input_tokens") if read is None else read
    written = counts.get("output_tokens") if written is None else written
    told = CHAT_TIERS.get(tier) if isinstance(tier, str) else None
    stated = _stated(counts) if "cost" in counts else None
    if read is None and written is None:
        return None, _terms(told, None, stated, _trouble(used))
    into = counts.get("prompt_tokens_details") or counts.get("input_tokens_details") or NOTHING
    out = counts.get("completion_tokens_details") or counts.get("output_tokens_details") or NOTHING
    lives = (isinstance(into, dict) and into.get("cache_write_tokens_details")) or NOTHING
    odd = not (isinstance(into, dict) and isinstance(out, dict) and isinstance(lives, dict))
    if odd or (wrote and written == 0):
        return None, _terms(told, None, stated, "odd_usage")
    searches, fees = _tools(items) if items else (0, 0)
    others = into.get("audio_tokens"), into.get("image_tokens"), out.get("audio_tokens"), out.get("image_tokens")
    usage = counted(
        read,
        written,
        cached=into.get("cached_tokens"),
        cache_write=into.get("cache_write_tokens"),
        long=lives.get("ttl_12h_tokens"),
        reasoning=out.get("reasoning_tokens"),
        searches=searches,
        unrated=total((*others, fees, int(tier == BOUGHT_AHEAD))) if any(others) or fees or tier == BOUGHT_AHEAD else 0,
    )
    return usage, _terms(told, None, stated, None if usage else "odd_usage")


def of_embeddings(used: object) -> Read:
    counts = used if isinstance(used, dict) else NOTHING
    read = counts.get("prompt_tokens")
    read = counts.get("input_tokens") if read is None else read
    usage = None if read is None else counted(read, 0)
    return usage, _terms(
        None, None, _stated(counts), None if usage else _trouble(used) if read is None else "odd_usage"
    )


def of_message(used: object, *, wrote: bool) -> Read:
    """Anthropic's input_tokens leaves the cached ones out; ours includes them."""
    counts = used if isinstance(used, dict) else NOTHING
    tier: Tier | None = "fast" if counts.get("speed") == "fast" else _tier_of_message(counts.get("service_tier"))
    geo = counts.get("inference_geo")
    region = geo if isinstance(geo, str) and geo not in NOWHERE else None
    stated = _stated(counts) if "cost" in counts else None
    fresh, written = counts.get("input_tokens"), counts.get("output_tokens")
    if fresh is None and written is None:
        return None, _terms(tier, region, stated, _trouble(used))
    lives, tools = counts.get("cache_creation") or NOTHING, counts.get("server_tool_use") or NOTHING
    out = counts.get("output_tokens_details") or NOTHING
    odd = not (isinstance(lives, dict) and isinstance(tools, dict) and isinstance(out, dict))
    if odd or count(fresh) is None or (wrote and written == 0):
        return None, _terms(tier, region, stated, "odd_usage")
    long, short = lives.get("ephemeral_1h_input_tokens"), lives.get("ephemeral_5m_input_tokens")
    cached, to_cache = counts.get("cache_read_input_tokens"), counts.get("cache_creation_input_tokens")
    to_cache = total((long, short)) if to_cache is None and lives else to_cache
    usage = counted(
        total((fresh, cached, to_cache)),
        written,
        cached=cached,
        cache_write=to_cache,
        long=long,
        reasoning=out.get("thinking_tokens"),
        searches=tools.get("web_search_requests"),
    )
    return usage, _terms(tier, region, stated, None if usage else "odd_usage")


def _tier_of_message(told: object) -> Tier | None:
    return MESSAGE_TIERS.get(told) if isinstance(told, str) else None


MESSAGE_TIERS: Mapping[str, Tier] = {"priority": "priority", "batch": "batch"}
NOWHERE = ("", "not_available")


def counted(
    read: object,
    written: object,
    *,
    cached: object = None,
    cache_write: object = None,
    long: object = None,
    reasoning: object = None,
    searches: object = None,
    unrated: object = 0,
) -> Usage | None:
    """Usage of the counts that a server reports, `read` with the cached ones; None where they make no sense.

    A prompt has at least one token, so that nothing read is no count either. Of the others a missing one is 0.
    """
    tokens, output = count(read), count(written)
    from_cache, to_cache, lasting = _or_none(cached), _or_none(cache_write), _or_none(long)
    thought, searched, other = _or_none(reasoning), _or_none(searches), count(unrated)
    if tokens is None or output is None or from_cache is None or to_cache is None or lasting is None:
        return None
    if thought is None or searched is None or other is None:
        return None
    if not 0 < tokens <= MOST_READ or output > MOST_WRITTEN or searched > MOST_SEARCHES or other > MOST_READ:
        return None
    if from_cache + to_cache > tokens or lasting > to_cache or thought > output:
        return None
    return Usage(tokens, from_cache, to_cache, output, lasting, thought, searched, other)


def count(value: object) -> int | None:
    """A whole number, also where it is written as 12.0; None for anything else."""
    if type(value) is int:
        return value if value >= 0 else None
    return int(value) if isinstance(value, float) and value.is_integer() and value >= 0 else None


def _or_none(value: object) -> int | None:
    return 0 if value is None else count(value)


def total(counts: Iterable[object]) -> int | None:
    """The sum of counts, of which a missing one is none; None where one makes no sense."""
    found = [_or_none(one) for one in counts]
    whole = [one for one in found if one is not None]
    return sum(whole) if len(whole) == len(found) else None


def moment(*told: object) -> datetime | None:
    """The first of these that is a time, in seconds since 1970."""
    for one in told:
        if type(one) in (int, float) and EARLIEST < one < LATEST:  # type: ignore[operator]
            return datetime.fromtimestamp(one, UTC)  # type: ignore[arg-type]
    return None


EARLIEST, LATEST = 1_500_000_000, 10_000_000_000


def _trouble(used: object) -> Trouble:
    """Of a usage without a count."""
    return "no_usage" if used is None or isinstance(used, dict) else "odd_usage"


def _tools(items: Iterable[tuple[object, object]]) -> tuple[int, int]:
    """Web searches, and calls of other tools with a fee. To open a page that was found costs nothing."""
    searches = fees = 0
    for kind, action in items:
        doing = action.get("type") if isinstance(action, dict) else None
        searches += kind == "web_search_call" and doing in (None, "search")
        fees += kind in PAID_TOOLS
    return searches, fees


def _stated(counts: Object) -> Decimal | None:
    """What an answer says that it cost, in USD. OpenRouter leaves out what another's key of the caller's pays."""
    cost = counts.get("cost")
    if isinstance(cost, dict):
        # Perplexity's.
        return _usd(cost.get("total_cost"))
    stated = _usd(cost)
    if stated is None or counts.get("is_byok") is not True:
        return stated
    details = counts.get("cost_details")
    upstream = _usd(details.get("upstream_inference_cost")) if isinstance(details, dict) else None
    return None if upstream is None else stated + upstream


def _usd(value: object) -> Decimal | None:
    if type(value) not in (int, float) or not math.isfinite(value):  # type: ignore[arg-type]
        return None
    # As it was written: the shortest decimal that is this number.
    usd = Decimal(repr(value))
    return usd if 0 <= usd <= MOST_USD else None


@lru_cache(maxsize=256)
def _terms(tier: Tier | None, region: str | None, stated: Decimal | None, trouble: Trouble | None) -> Terms:
    return Terms(tier, region, stated, trouble)
