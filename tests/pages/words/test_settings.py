"""What settings are about and what is stored under them, as words."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from core import languages
from pages.words import settings


@pytest.mark.parametrize(
    ("name", "value", "about", "choice"),
    [
        ("resilience", {"preset": "production"}, "all operations", "preset production"),
        ("resilience:qa", {"custom": {"retry_attempts": 7}}, "Question and answer", "retry_attempts 7"),
        ("model:openai", {"model": "own"}, "model of OpenAI", "own"),
        ("address:openai", {"base_url": "http://localhost/v1"}, "address of OpenAI", "http://localhost/v1"),
        ("key:openai", {"sealed": "x"}, "key of OpenAI", "a key"),
        ("limits:openai", {"requests": 1200, "tokens": None}, "rate limits of OpenAI", "1,200 requests a minute"),
        ("ceiling:live_concurrency", {"value": 20}, "limit “live calls at once”", "20"),
        ("retention:jobs", {"days": 1}, "retention of jobs", "1 day"),
        ("retention:documents", {"days": 9, "excepted": ["a"]}, "retention of documents", "9 days, except a"),
        ("language", {"language": languages.OF_THE_DOCUMENT}, "language of answers", "that of each document"),
    ],
)
def test_each_kind_of_setting_has_words(name: str, value: Mapping[str, Any], about: str, choice: str) -> None:
    assert settings.setting(name, {"qa": "Question and answer"}) == about
    assert settings.choice(name, value) == choice
    assert settings.choice(name, None) == "nothing set here"


def test_a_limit_has_its_unit() -> None:
    assert settings.limit("live_concurrency", Decimal(12)) == "12 calls"
    assert settings.limit("batch_usd_in_flight", Decimal(1000)) == "$1,000.00"
    assert settings.limit("confirm_job_usd", None) == "none"
