"""Usage is read in one way: what the live lane makes of a body is what the batch lane makes of it."""

import json
import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from core.providers import openai_batches
from core.providers.anthropic import AnthropicProvider
from core.providers.openai import OpenAIProvider
from core.providers.types import Provider
from core.providers.usage import PLAIN, Terms, Usage

Body = dict[str, Any]
OPENAI, ANTHROPIC = OpenAIProvider(None, None, 5), AnthropicProvider(None, None, 5)
CREATED = 1_796_000_000


def chat(usage: Any, **more: Any) -> Body:
    choice = {"message": {"role": "assistant", "content": "Two pumps failed."}, "finish_reason": "stop"}
    return {"model": "m", "created": CREATED, "choices": [choice], "usage": usage, **more}


def response(usage: Any, **more: Any) -> Body:
    output = [{"type": "message", "content": [{"type": "output_text", "text": "Two pumps failed."}]}]
    return {
        "model": "m",
        "created_at": CREATED - 60.5,
        "completed_at": CREATED,
        "output": output,
        "usage": usage,
        **more,
    }


def vectors(usage: Any, **more: Any) -> Body:
    return {"model": "m", "data": [{"embedding": [0.1]}], "usage": usage, **more}


def message(usage: Any, **more: Any) -> Body:
    content = [{"type": "text", "text": "Two pumps failed."}]
    return {"model": "m", "content": content, "stop_reason": "end_turn", "usage": usage, **more}


CHAT = {
    "prompt_tokens": 1000,
    "completion_tokens": 90,
    "prompt_tokens_details": {
        "cached_tokens": 200,
        "cache_write_tokens": 300,
        "cache_write_tokens_details": {"ttl_12h_tokens": 100, "ttl_30m_tokens": 200},
        "audio_tokens": 0,
        "image_tokens": 0,
    },
    "completion_tokens_details": {"reasoning_tokens": 40, "audio_tokens": 0},
}
RESPONSE = {
    "input_tokens": 1000,
    "output_tokens": 90,
    "input_tokens_details": CHAT["prompt_tokens_details"],
    "output_tokens_details": {"reasoning_tokens": 40},
}
MESSAGE = {
    "input_tokens": 500,
    "output_tokens": 90,
    "cache_read_input_tokens": 200,
    "cache_creation_input_tokens": 300,
    "cache_creation": {"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 100},
    "output_tokens_details": {"thinking_tokens": 40},
    "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 1},
}
EMBEDDING = {"prompt_tokens": 1000, "total_tokens": 1000}
Kind = tuple[Provider, str, Callable[..., Body], Any]
KINDS: dict[str, Kind] = {
    "chat": (OPENAI, "/v1/chat/completions", chat, CHAT),
    "response": (OPENAI, "/v1/responses", response, RESPONSE),
    "embedding": (OPENAI, "/v1/embeddings", vectors, EMBEDDING),
    "message": (ANTHROPIC, "/v1/messages", message, MESSAGE),
}


def line(provider: Provider, body: Body) -> bytes:
    wrapped = {"response": {"status_code": 200, "body": body}, "error": None}
    result = {"result": {"type": "succeeded", "message": body}} if provider is ANTHROPIC else wrapped
    return json.dumps({"custom_id": "n-1-1", **result}).encode()


def both(kind: str, body: Body) -> tuple[Usage | None, Terms]:
    """As it is read in both lanes, after the way that each body takes there."""
    provider, endpoint, _, _ = KINDS[kind]
    parsed = provider.parse(json.dumps(body).encode(), endpoint)
    found = provider.batches.read(line(provider, body))
    assert found.outcome == "answer"
    used = provider.batches.used(found.body)
    assert (used.model, used.usage, used.terms) == (parsed.model, parsed.usage, parsed.terms), body["usage"]
    return parsed.usage, parsed.terms


def test_all_kinds_of_tokens_are_read() -> None:
    everything = Usage(1000, 200, 300, 90, 100, 40)
    found = {kind: both(kind, make(usage)) for kind, (_, _, make, usage) in KINDS.items()}
    assert found == {
        "chat": (everything, PLAIN),
        "response": (everything, PLAIN),
        "embedding": (Usage(1000), PLAIN),
        "message": (Usage(1000, 200, 300, 90, 100, 40, 2), PLAIN),
    }


ODD = (True, "1000", 10.9, -1, math.nan, math.inf, [1], {"a": 1}, 10**18, 10**30)
NEEDED = {"prompt_tokens", "completion_tokens", "input_tokens", "output_tokens"}
ABSENT = object()


def places(usage: Body, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, value in usage.items():
        yield from places(value, (*above, name)) if isinstance(value, dict) else [(*above, name)]


def with_(usage: Body, place: tuple[str, ...], value: Any) -> Body:
    changed = json.loads(json.dumps(usage))
    inside = changed
    for name in place[:-1]:
        inside = inside[name]
    if value is ABSENT:
        del inside[place[-1]]
    else:
        inside[place[-1]] = value
    return dict(changed)


UNREAD = {"total_tokens", "web_fetch_requests", "ttl_30m_tokens", "ephemeral_5m_input_tokens"}


@pytest.mark.parametrize("kind", KINDS)
def test_no_odd_count_is_taken_for_a_number_in_either_lane(kind: str) -> None:
    _, _, make, sound = KINDS[kind]
    for place in places(sound):
        if place[-1] in UNREAD:
            continue
        for odd in ODD:
            assert both(kind, make(with_(sound, place, odd))) == (None, Terms(trouble="odd_usage")), (place, odd)
        for missing in (None, ABSENT):
            usage, _ = both(kind, make(with_(sound, place, missing)))
            assert (usage is None) is (place[-1] in NEEDED or lives(place, missing)), (place, missing)


def lives(place: tuple[str, ...], missing: object) -> bool:
    """OpenAI's long-lived writes are a part of the writes: without these they make no sense."""
    return place[-1] == "cache_write_tokens" and missing in (None, ABSENT)


@pytest.mark.parametrize("kind", KINDS)
def test_a_usage_that_tells_nothing_is_none(kind: str) -> None:
    _, _, make, _ = KINDS[kind]
    for usage in (None, {}, {"total_tokens": 9}):
        assert both(kind, make(usage)) == (None, Terms(trouble="no_usage"))
    for odd in ("12", 7, [], True):
        assert both(kind, make(odd)) == (None, Terms(trouble="odd_usage"))
    without = make(None)
    del without["usage"]
    assert both(kind, without) == (None, Terms(trouble="no_usage"))


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("chat", {"prompt_tokens_details": {"cached_tokens": 600, "cache_write_tokens": 500}}),
        ("chat", {"completion_tokens_details": {"reasoning_tokens": 91}}),
        ("chat", {"completion_tokens": 0, "completion_tokens_details": None}),
        ("response", {"input_tokens_details": "many"}),
        ("message", {"cache_creation": {"ephemeral_1h_input_tokens": 301}}),
        ("message", {"server_tool_use": [2]}),
        ("message", {"output_tokens_details": {"thinking_tokens": 91}}),
        ("message", {"output_tokens": 0, "output_tokens_details": None}),
    ],
)
def test_counts_that_contradict_one_another_are_none(kind: str, wrong: Body) -> None:
    _, _, make, sound = KINDS[kind]
    assert both(kind, make({**sound, **wrong})) == (None, Terms(trouble="odd_usage"))


def test_units_without_a_rate_are_counted_apart() -> None:
    of_sound = {**CHAT, "prompt_tokens_details": {"audio_tokens": 7}, "completion_tokens_details": {"audio_tokens": 2}}
    assert both("chat", chat(of_sound))[0] == Usage(1000, output_tokens=90, unrated=9)
    pictures = {**CHAT, "prompt_tokens_details": {"image_tokens": 5}}
    assert both("chat", chat(pictures))[0] == Usage(1000, output_tokens=90, reasoning_tokens=40, unrated=5)
    assert both("chat", chat({"prompt_tokens": 9, "completion_tokens": 1}, service_tier="scale"))[0] == Usage(
        9, output_tokens=1, unrated=1
    )


def test_searches_are_counted_and_pages_that_are_opened_are_not() -> None:
    calls = [
        {"type": "web_search_call", "action": {"type": "search", "query": "pumps"}},
        {"type": "web_search_call", "action": {"type": "open_page"}},
        {"type": "web_search_call"},
        {"type": "file_search_call"},
    ]
    body = response({"input_tokens": 9, "output_tokens": 1})
    assert both("response", {**body, "output": [*calls, *body["output"]]})[0] == Usage(
        9, output_tokens=1, web_searches=2, unrated=1
    )


@pytest.mark.parametrize(
    ("kind", "told", "terms"),
    [
        ("chat", {"service_tier": "default"}, PLAIN),
        ("chat", {"service_tier": None}, PLAIN),
        ("chat", {"service_tier": "flex"}, Terms("flex")),
        ("chat", {"service_tier": "priority"}, Terms("priority")),
        ("chat", {"service_tier": ["flex"]}, PLAIN),
        ("response", {"service_tier": "fast"}, Terms("fast")),
    ],
)
def test_the_tier_is_the_one_that_the_answer_tells(kind: str, told: Body, terms: Terms) -> None:
    _, _, make, sound = KINDS[kind]
    assert both(kind, make(sound, **told))[1] == terms


@pytest.mark.parametrize(
    ("told", "terms"),
    [
        ({"service_tier": "standard", "speed": "standard", "inference_geo": "not_available"}, PLAIN),
        ({"service_tier": "priority"}, Terms("priority")),
        ({"service_tier": "batch", "inference_geo": "us"}, Terms("batch", "us")),
        ({"service_tier": "standard", "speed": "fast", "inference_geo": "global"}, Terms("fast", "global")),
        ({"inference_geo": 7, "service_tier": 7}, PLAIN),
    ],
)
def test_tier_speed_and_region_of_a_message(told: Body, terms: Terms) -> None:
    assert both("message", message({**MESSAGE, **told}))[1] == terms


@pytest.mark.parametrize(
    ("told", "stated"),
    [
        ({"cost": 0.00123}, "0.00123"),
        ({"cost": 0}, "0"),
        ({"cost": 0.001, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.02}}, "0.021"),
        ({"cost": 0.001, "is_byok": True}, None),
        ({"cost": {"total_cost": 0.5}}, "0.5"),
        *(({"cost": odd}, None) for odd in (True, "0.1", -1, math.nan, math.inf, [1], None, 10**18)),
    ],
)
def test_what_an_answer_says_that_it_cost(told: Body, stated: str | None) -> None:
    found = both("chat", chat({**CHAT, **told}))[1].stated_usd
    assert found == (None if stated is None else Decimal(stated))


def test_when_it_was_answered() -> None:
    at = datetime.fromtimestamp(CREATED, UTC)
    assert OPENAI.parse(json.dumps(chat(CHAT))).answered_at == at
    assert OPENAI.parse(json.dumps(response(RESPONSE)), "/v1/responses").answered_at == at
    running = response(RESPONSE, completed_at=None)
    assert OPENAI.parse(json.dumps(running), "/v1/responses").answered_at == datetime.fromtimestamp(CREATED - 60.5, UTC)
    for odd in (None, True, "1796000000", math.nan, -5, 10**18, 0, [CREATED]):
        assert OPENAI.parse(json.dumps(chat(CHAT, created=odd))).answered_at is None
    assert ANTHROPIC.parse(json.dumps(message(MESSAGE))).answered_at is None


@pytest.mark.parametrize("odd", [True, "1000", 10.9, None, -1, math.nan, [1], 10**18, 10**30])
def test_no_odd_total_of_a_batch_is_taken_for_a_number(odd: Any) -> None:
    """10**18 tokens would cost more than a cost can be, so that the whole batch could not be kept."""
    details = SimpleNamespace(cached_tokens=odd, reasoning_tokens=odd)
    for counts in ({"input_tokens": odd, "output_tokens": 1}, {"input_tokens": 9, "output_tokens": odd}):
        told = SimpleNamespace(**counts, input_tokens_details=details, output_tokens_details=details)
        assert openai_batches._usage(told) is None
