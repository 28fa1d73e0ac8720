"""What a provider itself says was used and charged, as its admin API reports it: a line per day (UTC), model, lane and
kind of token.

Amounts are decimals, never floats. OpenAI reports dollars and Anthropic cents; here all of it is USD.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from core.errors import ProviderError

# input: of tokens that were neither read from a cache nor written to one; cache_write: without the long-lived ones.
Kind = Literal["input", "cached", "cache_write", "cache_write_long", "output", "other"]
Lane = Literal["live", "batch"]
# What a report is about: tokens, or money.
Source = Literal["usage", "cost"]
# The longest stretch that every report takes at once.
DAYS_AT_ONCE = 31
# A report of a day never has so many pages; an address that repeats itself would be read for ever.
MOST_PAGES = 1000
ATTEMPTS, LONGEST_WAIT_S = 4, 30.0
MODEL_CHARACTERS = 200
REMEDY = {
    "openai": "Make one as an owner of the organization, under Settings, Admin keys: sk-admin-…",
    "anthropic": "Make one as an admin of the organization, in the Console under Settings, Admin keys: sk-ant-admin…",
}
OWN_ADDRESS = "Only the provider's own address has them; otherwise upload an export of its billing page."


@dataclass(frozen=True)
class Line:
    """`model` "": the report does not tell. `lane` None: nor that. Tokens or money are None where it has none."""

    day: date
    model: str
    lane: Lane | None
    kind: Kind
    tokens: int | None = None
    usd: Decimal | None = None
    list_usd: Decimal | None = None


@dataclass(frozen=True)
class Told:
    """`scope`: what the reports were limited to; "" for the whole organization."""

    usage: tuple[Line, ...]
    cost: tuple[Line, ...]
    scope: str


@dataclass(frozen=True)
class Api:
    """An admin API. `client` is one of the SDKs'; `api_key`: the key that our own calls are made with."""

    provider: str
    client: Any
    translated: Callable[[str], AbstractContextManager[None]]
    api_key: str | None
    waits: Callable[[float], Any] = asyncio.sleep

    async def get(self, path: str, params: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Any:
        """Raises ProviderError. A report changes nothing, so what fails in passing is asked for again."""
        for attempt in range(1, ATTEMPTS):
            try:
                return await self._get(path, params, headers)
            except ProviderError as error:
                if not error.retryable:
                    raise
                await self.waits(min(2.0**attempt if error.retry_after is None else error.retry_after, LONGEST_WAIT_S))
        return await self._get(path, params, headers)

    async def _get(self, path: str, params: Mapping[str, Any], headers: Mapping[str, str] | None) -> Any:
        from httpx2 import Response

        try:
            with self.translated(self.provider):
                response = await self.client.get(
                    path, cast_to=Response, options={"params": dict(params), "headers": dict(headers or {})}
                )
        except ProviderError as error:
            raise self._explained(error) from None
        return self.read(response.text)

    def _explained(self, error: ProviderError) -> ProviderError:
        """A refusal of the key in our words: a server may repeat what it was sent."""
        if error.status == 404:
            return ProviderError(
                f"{self.provider}: there is no such report. {OWN_ADDRESS}", code=error.code, status=404
            )
        if error.status not in (401, 403):
            return error
        what = "was refused" if error.status == 401 else "may not read this report"
        message = f"{self.provider}: The admin key {what}. An ordinary key cannot read costs. {REMEDY[self.provider]}"
        return ProviderError(message, code=error.code, status=error.status)

    def read(self, text: str) -> Any:
        try:
            found = json.loads(text, parse_float=Decimal, parse_constant=_no_number)
        except (ValueError, RecursionError):
            raise self.odd("is no JSON") from None
        if not isinstance(found, dict):
            raise self.odd("is no object")
        return found

    async def pages(
        self, path: str, params: Mapping[str, Any], headers: Mapping[str, str] | None = None, cursor: str = "page"
    ) -> AsyncIterator[dict[str, Any]]:
        """What `data` holds on all pages. `cursor`: the parameter that is given what leads to the next one."""
        asked = dict(params)
        seen = set()
        for _ in range(MOST_PAGES):
            page = await self.get(path, asked, headers)
            for row in self.objects(page.get("data"), "data"):
                yield row
            following = page.get("next_page") if cursor == "page" else page.get("last_id")
            if not page.get("has_more") and not (cursor == "page" and following):
                return
            if not isinstance(following, str) or not following or following in seen:
                raise self.odd("has more pages and does not say where")
            seen.add(following)
            asked[cursor] = following
        raise self.odd("does not end")

    def odd(self, what: str) -> ProviderError:
        message = f"{self.provider}: its report {what}, so nothing of it was taken. {OWN_ADDRESS}"
        return ProviderError(message, code="bad_response")

    def objects(self, given: Any, name: str) -> list[dict[str, Any]]:
        if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
            raise self.odd(f"has no list {name}")
        return given

    def tokens(self, given: Any) -> int:
        """None counts as 0: reports leave out what there is none of."""
        if given is None:
            return 0
        number = whole(given)
        if number is None:
            raise self.odd("counts tokens by what is no whole number")
        return number

    def usd(self, given: Any, currency: Any, unit: Decimal = Decimal(1)) -> Decimal:
        """`unit`: what the amount is in, in USD."""
        if str(currency or "").lower() != "usd":
            raise self.odd("is not in USD")
        found = decimal(given)
        if found is None:
            raise self.odd("has an amount that is no number")
        return found * unit

    def day(self, given: Any) -> date:
        """Seconds since 1970, or a time with its offset."""
        try:
            if isinstance(given, str):
                return datetime.fromisoformat(given).astimezone(UTC).date()
            return datetime.fromtimestamp(int(given), UTC).date()
        except (ValueError, TypeError, OverflowError, OSError):
            raise self.odd("has a day that is none") from None


def _no_number(name: str) -> Any:
    raise ValueError(name)


def decimal(given: Any) -> Decimal | None:
    """None if it is no finite number of at most 20 digits before its point."""
    if isinstance(given, bool) or not isinstance(given, str | int | Decimal):
        return None
    try:
        found = Decimal(given)
    except InvalidOperation:
        return None
    return found if found.is_finite() and (not found or found.adjusted() < 12) else None


def whole(given: Any) -> int | None:
    """None if it is no number of tokens."""
    found = Decimal(given) if isinstance(given, int) and not isinstance(given, bool) else decimal(given)
    if found is None or found < 0 or found != found.to_integral_value() or found > 10**18:
        return None
    return int(found)


def name(given: Any) -> str:
    """Of a model or an item, cut to what is stored."""
    return re.sub(r"[\x00-\x1f\ud800-\udfff]", "", given)[:MODEL_CHARACTERS].strip() if isinstance(given, str) else ""


def kind_of(words: str) -> Kind:
    """Of a line item or token type as they are called, such as "cached input" or "cache_read_input_tokens"."""
    found = words.lower()
    if "cache" in found and ("writ" in found or "creat" in found):
        return "cache_write_long" if re.search(r"1h|12h", found) else "cache_write"
    if "cache" in found and "no_cache" not in found and "uncached" not in found:
        return "cached"
    if "output" in found:
        return "output"
    return "input" if "input" in found else "other"


def stretches(start: date, stop: date) -> Iterator[tuple[date, date]]:
    """Pieces that a report takes at once; `stop` is exclusive."""
    while start < stop:
        end = min(start + timedelta(days=DAYS_AT_ONCE), stop)
        yield start, end
        start = end


def begin(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def is_ours(hint: Any, key: str | None) -> bool:
    """Whether a redacted key, such as sk-abc...wxyz, is this one."""
    if not key or not isinstance(hint, str):
        return False
    first, gap, last = re.sub(r"(?:\*+|…|\.{3,})+", "…", hint).partition("…")
    return bool(gap) and len(first) + len(last) >= 6 and len(last) >= 2 and key.startswith(first) and key.endswith(last)


async def read(
    provider: str, admin_key: str, api_key: str | None, base_url: str, timeout_s: float, start: date, stop: date
) -> Told:
    """What was used and charged on days from `start` to before `stop`. Raises ProviderError."""
    from core.providers import anthropic_batches, anthropic_billing, openai_batches, openai_billing, sdk_clients

    client: Any
    if provider == "openai":
        from openai import AsyncOpenAI, DefaultAioHttpClient

        client = sdk_clients.make(AsyncOpenAI, DefaultAioHttpClient, admin_key, base_url, timeout_s)
        made, reading = Api(provider, client, openai_batches.translated, api_key), openai_billing.read
    else:
        from anthropic import AsyncAnthropic
        from anthropic import DefaultAioHttpClient as Transport

        client = sdk_clients.make(AsyncAnthropic, Transport, admin_key, base_url, timeout_s)
        made, reading = Api(provider, client, anthropic_batches.translated, api_key), anthropic_billing.read
    try:
        return await reading(made, start, stop)
    finally:
        await client.close()
