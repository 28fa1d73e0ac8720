"""The Settings page's part on rate limits: caps, where they come from, and what providers told."""

import re
from typing import Any

import pytest

from core.providers import capabilities
from core.runtime import db
from core.settings import rate_caps
from tests.pages.seeing import press, show, words

pytestmark = pytest.mark.usefixtures("database")


def test_a_cap_is_saved_listed_and_undone() -> None:
    at = show("settings", part="Rate limits")
    assert "Now: no cap (default)." in words(at)
    requests, tokens = [one for one in at.number_input if re.match("cap-.*-openai-", str(one.key))]
    requests.set_value(60)
    tokens.set_value(90_000)
    press(at.run(), "Save")
    assert rate_caps.caps_of("openai") == rate_caps.Caps(60, 90_000, "here")
    assert rate_caps.caps_of("anthropic") == rate_caps.Caps(None, None, "default")
    at = show("settings", part="Rate limits")
    assert "Now: 60 requests a minute, 90,000 tokens a minute (set here)." in words(at)
    at = show("settings", part="Changes")
    assert "**rate limits of OpenAI** nothing set here → 60 requests a minute, 90,000 tokens a minute" in words(at)
    press(at, "Undo")
    assert rate_caps.caps_of("openai").requests is None


def test_a_cap_that_was_set_goes_back_to_the_environments(setting: Any) -> None:
    setting(RATE_LIMIT_REQUESTS_PER_MINUTE=50)
    rate_caps.change_caps("openai", 20, None)
    at = show("settings", part="Rate limits")
    assert "Now: 20 requests a minute (set here)." in words(at)
    assert "Now: 50 requests a minute (from the environment)." in words(at)
    press(at, "Use what the environment says")
    assert rate_caps.caps_of("openai") == rate_caps.Caps(50, None, "environment")


def test_what_providers_told_is_shown_with_what_is_left(setting: Any) -> None:
    with db.transaction() as session:
        db.execute(
            session,
            """INSERT INTO rate_limit (provider, model, kind, known, a_minute, per_second, remaining, refilled_at)
               VALUES ('anthropic', 'haiku', 'output_tokens', true, 8000, 1e-9, 4000, now() - interval '1 s'),
                      ('anthropic', 'haiku', 'requests', true, 600, 1e-9, 200, now() - interval '1 s'),
                      ('anthropic', 'haiku', 'tokens', true, NULL, NULL, 0, now())""",
        )
    setting(RATE_LIMIT_REQUESTS_PER_MINUTE=100)
    found = [frame.value for frame in show("settings", part="Rate limits").dataframe if "Limit of" in frame.value]
    assert found[0].values.tolist() == [
        ["Anthropic", "haiku", "requests", 600, 100, 100],
        ["Anthropic", "haiku", "output tokens", 8000, 8000, 4000],
    ]


def test_where_the_environment_locks_settings_a_cap_cannot_be_entered(setting: Any) -> None:
    rate_caps.change_caps("openai", 20, None)
    setting(SETTINGS_LOCKED="true")
    at = show("settings", part="Rate limits")
    fields = [one for one in at.number_input if str(one.key).startswith("cap-")]
    assert len(fields) == 2 * len(capabilities.REMOTE)
    assert all(one.disabled for one in fields)
    assert "20 requests a minute" not in [one.value for one in at.caption]
