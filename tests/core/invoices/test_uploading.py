"""Exports of billing pages: columns in any order, dollars in both, and files that are none."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from core.errors import InvalidInput
from core.invoices import drift, uploading
from tests.pages import made
from tests.pipeline import change

pytestmark = pytest.mark.usefixtures("database")
OPENAI_COST = """\ufeffline_item,amount_currency,start_time,amount_value,quantity,quantity_unit
"gpt-5-mini-2025-08-07, input",usd,1777593600,0.003000000000000000000001,1,1000_tokens
"gpt-5-mini-2025-08-07, output",usd,1777593600,0.002,100,tokens
,,1777680000,,,
"""
OPENAI_USAGE = """start_time_iso,model,batch,num_model_requests,output_tokens,input_cached_tokens,input_tokens
2026-05-01T00:00:00,gpt-5-mini,False,1,100,400,1000
"""
CONSOLE_COST = """usage_date_utc;model;token_type;usage_type;cost_usd;list_price_usd;cost_type
2026-05-01;Claude Haiku 4.5;input_no_cache;message;0.003;0.004;token

2026-05-01;Claude Haiku 4.5;output;message;0.002;0.002;token
"""
CONSOLE_USAGE = (
    "usage_date_utc,model_version,usage_type,usage_input_tokens_no_cache,usage_input_tokens_cache_write_5m,"
    "usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,usage_output_tokens\n"
    "2026-05-01,claude-haiku-4-5,message,500,100,100,300,100\n"
)


def record(provider: str, model: str, **more: Any) -> None:
    time = datetime(2026, 5, 1, tzinfo=UTC)
    given = {"input_tokens": 1000, "output_tokens": 100, "cost_usd": Decimal("0.005"), "lane": "live", **more}
    made.usage(**{"job_id": None, "provider": provider, "model": model, "time": time, **given})


def compared(provider: str) -> list[tuple[str, str | None, int | None, str]]:
    """Model, lane, their tokens, and the verdict, of a fortnight of which one or two days are there."""
    change("UPDATE invoice_day SET fetched_at = '2026-06-30 00:00:00+00'")
    found = drift.read(provider, date(2026, 4, 24), date(2026, 5, 8))
    return [(one.model, one.lane, one.theirs.tokens if one.theirs else None, one.verdict) for one in found.items]


def test_openais_costs_with_their_quantities_are_enough() -> None:
    record("openai", "gpt-5-mini-2025-08-07")
    told = uploading.upload(OPENAI_COST.encode())
    assert (told.provider, told.source, told.days, told.lines) == ("openai", "cost", 2, 2)
    assert (told.first, told.last) == (date(2026, 5, 1), date(2026, 5, 2))
    assert compared("openai") == [("gpt-5-mini-2025-08-07", None, 1100, "equal")]
    assert uploading.upload(OPENAI_USAGE.encode()).source == "usage"
    assert compared("openai") == [("gpt-5-mini-2025-08-07", "live", 1100, "equal")]


def test_the_consoles_cost_has_no_tokens_until_its_usage_is_there_too() -> None:
    record("anthropic", "claude-haiku-4-5-20251001")
    uploading.upload(CONSOLE_COST.encode())
    assert compared("anthropic") == [("claude-haiku-4-5-20251001", "live", None, "equal")]
    uploading.upload(CONSOLE_COST.replace("0.003", "0.013").encode())
    assert compared("anthropic") == [("claude-haiku-4-5-20251001", "live", None, "not_matched")]
    uploading.upload(CONSOLE_USAGE.encode())
    assert compared("anthropic") == [("claude-haiku-4-5-20251001", "live", 1100, "price_differs")]


BAD: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "no rows"),
    "columns alone": (b"usage_date_utc,model,token_type,cost_usd\n", "no rows"),
    "another table": (b"foo,bar\n1,2\n", "columns bar, foo"),
    "no text": (b"\xff\xfe\x00PK", "no CSV file in UTF-8"),
    "no day": (CONSOLE_COST.replace("2026-05-01", "May").encode(), "Row 2 cannot be read: its day is none"),
    "no amount": (CONSOLE_COST.replace("0.002;0.002", "NaN;0").encode(), "Row 3 cannot be read: its cost_usd"),
    "euros": (OPENAI_COST.replace(",usd,", ",eur,").encode(), "Row 2 cannot be read: it is not in USD"),
    "part of a token": (OPENAI_USAGE.replace(",100,", ",1.5,").encode(), "its output_tokens"),
    "more cached": (OPENAI_USAGE.replace(",400,", ",4000,").encode(), "more cached tokens"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_is_named_and_nothing_of_it_is_taken(name: str) -> None:
    record("openai", "gpt-5-mini-2025-08-07")
    uploading.upload(OPENAI_COST.encode())
    before = compared("openai")
    content, said = BAD[name]
    with pytest.raises(InvalidInput, match=said):
        uploading.upload(content)
    assert compared("openai") == before
