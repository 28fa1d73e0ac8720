"""Invoices worked by hand: rates in USD per million tokens as the makers' pages had them in November 2026.

OpenAI: developers.openai.com/api/docs/pricing. Anthropic: platform.claude.com/docs/en/about-claude/pricing. Each line
counts tokens times rates, in millionths of a dollar; what is cached, written and searched is apart from plain input.
"""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from core.money.pricing import price
from core.providers.anthropic import AnthropicProvider
from core.providers.openai import OpenAIProvider
from core.providers.types import Provider

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
OPENAI, ANTHROPIC = OpenAIProvider(None, None, 5), AnthropicProvider(None, None, 5)


def chat(read: int, wrote: int, cached: int = 0, written: int = 0, reasoning: int = 0, **told: Any) -> dict[str, Any]:
    usage = {
        "prompt_tokens": read,
        "completion_tokens": wrote,
        "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }
    return {"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}], "usage": usage, **told}


def response(read: int, wrote: int, searches: int) -> dict[str, Any]:
    searched = [{"type": "web_search_call", "action": {"type": "search"}}] * searches
    text = {"type": "message", "content": [{"type": "output_text", "text": "x"}]}
    return {"output": [*searched, text], "usage": {"input_tokens": read, "output_tokens": wrote}}


def message(
    plain: int, wrote: int, cached: int = 0, short: int = 0, long: int = 0, searches: int = 0, **told: Any
) -> dict[str, Any]:
    usage = {
        "input_tokens": plain,
        "output_tokens": wrote,
        "cache_read_input_tokens": cached,
        "cache_creation_input_tokens": short + long,
        "cache_creation": {"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long},
        "server_tool_use": {"web_search_requests": searches},
        **told,
    }
    return {"content": [{"type": "text", "text": "x"}], "stop_reason": "end_turn", "usage": usage}


EMBEDDED = {"data": [{"embedding": [0.5]}], "usage": {"prompt_tokens": 1_000_000, "total_tokens": 1_000_000}}
CHAT, RESPONSES, EMBEDDINGS = "/v1/chat/completions", "/v1/responses", "/v1/embeddings"
LIVE, BATCH = "live", "batch"

INVOICES: list[tuple[str, str, str, dict[str, Any], str]] = [
    # gpt-5.6-luna: 0.2 in, 0.02 cached, 0.25 written, 1.2 out.
    # 7,000 x 0.2 + 2,000 x 0.02 + 1,000 x 0.25 + 500 x 1.2 = 1,400 + 40 + 250 + 600 = 2,290
    ("gpt-5.6-luna", LIVE, CHAT, chat(10_000, 500, 2_000, 1_000), "0.00229"),
    # Half of each: 700 + 20 + 125 + 300 = 1,145
    ("gpt-5.6-luna", BATCH, CHAT, chat(10_000, 500, 2_000, 1_000), "0.001145"),
    # Flex is half, too, and priority is twice as much: 2,800 + 80 + 500 + 1,200 = 4,580
    ("gpt-5.6-luna", LIVE, CHAT, chat(10_000, 500, 2_000, 1_000, service_tier="flex"), "0.001145"),
    ("gpt-5.6-luna", LIVE, CHAT, chat(10_000, 500, 2_000, 1_000, service_tier="priority"), "0.00458"),
    # A long prompt, of more than 272,000 tokens: twice the input, one and a half times the output, for all of it.
    # 272,001 x 0.4 + 1,000 x 1.8 = 108,800.4 + 1,800 = 110,600.4
    ("gpt-5.6-luna", LIVE, CHAT, chat(272_001, 1_000), "0.1106004"),
    # One token less is no long prompt: 272,000 x 0.2 + 1,000 x 1.2 = 54,400 + 1,200
    ("gpt-5.6-luna", LIVE, CHAT, chat(272_000, 1_000), "0.0556"),
    # gpt-5.4-mini: 0.75 in, 0.075 cached, 4.5 out; reasoning is output.
    # 3,000 x 0.75 + 1,000 x 0.075 + 2,000 x 4.5 = 2,250 + 75 + 9,000 = 11,325
    ("gpt-5.4-mini", LIVE, CHAT, chat(4_000, 2_000, 1_000, reasoning=1_900), "0.011325"),
    # 3,000 x 0.375 + 1,000 x 0.0375 + 2,000 x 2.25 = 1,125 + 37.5 + 4,500 = 5,662.5
    ("gpt-5.4-mini", BATCH, CHAT, chat(4_000, 2_000, 1_000, reasoning=1_900), "0.0056625"),
    # gpt-5.4: 2.5 in, 15 out; priority 5 and 30. 1,000 x 5 + 100 x 30 = 8,000
    ("gpt-5.4", LIVE, CHAT, chat(1_000, 100, service_tier="priority"), "0.008"),
    # A long prompt in a batch: 300,000 x 2.5 + 1,000 x 11.25 = 750,000 + 11,250
    ("gpt-5.4", BATCH, CHAT, chat(300_000, 1_000), "0.76125"),
    # gpt-6-sol: 2 in, 0.2 cached, 2.5 written, 10 out; ten USD for a thousand searches.
    # 5,000 x 2 + 300 x 10 = 13,000, and 3 searches at 10,000
    ("gpt-6-sol", LIVE, RESPONSES, response(5_000, 300, 3), "0.043"),
    # gpt-5-mini: 0.25 in, 2 out. 1,000 x 0.25 + 1,000 x 2 = 2,250
    ("gpt-5-mini-2025-08-07", LIVE, CHAT, chat(1_000, 1_000), "0.00225"),
    # A fine-tuned gpt-4.1-mini: 0.8 in, 0.2 cached, 3.2 out. 500 x 0.8 + 500 x 0.2 + 100 x 3.2 = 400 + 100 + 320
    ("ft:gpt-4.1-mini-2025-04-14:acme::a1b2", LIVE, CHAT, chat(1_000, 100, 500), "0.00082"),
    # text-embedding-3-small: 0.02; a batch of it half, which the list does not know.
    ("text-embedding-3-small", LIVE, EMBEDDINGS, EMBEDDED, "0.02"),
    ("text-embedding-3-small", BATCH, EMBEDDINGS, EMBEDDED, "0.01"),
    # claude-haiku-4-5: 1 in, 0.1 cached, 1.25 written for 5 minutes, 2 for an hour, 5 out.
    # 1,000 x 1 + 4,000 x 0.1 + 2,000 x 1.25 + 3,000 x 2 + 400 x 5 = 1,000 + 400 + 2,500 + 6,000 + 2,000 = 11,900
    ("claude-haiku-4-5-20251001", LIVE, "", message(1_000, 400, 4_000, 2_000, 3_000), "0.0119"),
    ("claude-haiku-4-5-20251001", BATCH, "", message(1_000, 400, 4_000, 2_000, 3_000), "0.00595"),
    # claude-opus-5: 5 in, 25 out; fast twice as much. 2,000 x 10 + 100 x 50 = 25,000
    ("claude-opus-5", LIVE, "", message(2_000, 100, speed="fast"), "0.025"),
    # Kept in the USA: a tenth more. (2,000 x 5 + 100 x 25) x 1.1 = 12,500 x 1.1
    ("claude-opus-5", LIVE, "", message(2_000, 100, inference_geo="us"), "0.01375"),
    # And in a batch: 6,250 x 1.1
    ("claude-opus-5", BATCH, "", message(2_000, 100, inference_geo="us", service_tier="batch"), "0.006875"),
    # claude-sonnet-5: 2 in, 0.2 cached, 10 out. 500 x 2 + 1,500 x 0.2 + 50 x 10 = 1,800, and 2 searches at 10,000,
    # which cost the same everywhere: 1,800 x 1.1 + 20,000
    ("claude-sonnet-5", LIVE, "", message(500, 50, 1_500, searches=2, inference_geo="us"), "0.02198"),
    # claude-haiku-5-5: 0.1 in, 0.5 out; over 100,000 tokens 0.5 and 2.5. 1 x 0.1 + 10 x 0.5 = 5.1;
    # 100,001 x 0.5 + 10 x 2.5 = 50,000.5 + 25
    ("claude-haiku-5-5", LIVE, "", message(1, 10), "0.0000051"),
    ("claude-haiku-5-5", LIVE, "", message(100_001, 10), "0.0500255"),
    # claude-mythos-5-1, which the list lacks: 10 in, 50 out; a batch half. 1,000 x 5 + 100 x 25
    ("claude-mythos-5-1", BATCH, "", message(1_000, 100), "0.0075"),
]


@pytest.mark.parametrize(("model", "lane", "endpoint", "body", "usd"), INVOICES)
def test_a_call_costs_what_its_invoice_says(
    model: str, lane: str, endpoint: str, body: dict[str, Any], usd: str
) -> None:
    provider: Provider = ANTHROPIC if model.startswith("claude") else OPENAI
    parsed = provider.parse(json.dumps({"model": model, **body}), endpoint or None)
    assert parsed.usage is not None
    found = price(provider.name, parsed.model, parsed.usage, lane, AT, parsed.terms)
    assert found.cost == Decimal(usd)
    used = provider.batches.used(json.dumps({"model": model, **body}).encode())
    assert (used.usage, used.terms) == (parsed.usage, parsed.terms)


def test_the_invoices_are_of_at_least_eight_models_of_both_makers() -> None:
    models = {model for model, *_ in INVOICES}
    assert len(models) >= 8
    assert 3 <= sum(model.startswith("claude") for model in models) <= len(models) - 3
