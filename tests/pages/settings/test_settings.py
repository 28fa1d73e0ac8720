"""The Settings page: what is in force and where from, presets, own figures, providers, changes and undo."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core import languages
from core.access import actor
from core.calls import resilience
from core.money import folding
from core.presets import PRESETS
from core.settings import defaults, limits, reporting_zone, store
from pages.common import formats
from pages.settings import changes
from pages.words import settings as settings_words
from pages.words.resilience import NAMES, compared
from tests.callers import by
from tests.local_provider import LocalProvider
from tests.pages.seeing import buttons, press, show, words

pytestmark = pytest.mark.usefixtures("database")


def sources(at: AppTest) -> list[str]:
    return list(at.dataframe[0].value["From"])


def changed(name: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    """As the list of changes has it."""
    was, now = (formats.plain(settings_words.choice(name, value)) for value in (before, after))
    return f"**{formats.plain(settings_words.setting(name, {}))}** {was} → {now}"


def in_force(name: str, value: int | None, source: str) -> str:
    """As a limit's card has it."""
    figure = settings_words.limit(name, None if value is None else Decimal(value))
    return f"Now: {figure} ({settings_words.SOURCES[source]})"


def test_the_page_tells_what_is_in_force_and_where_from(setting: Any) -> None:
    setting(RETRY_ATTEMPTS=2)
    at = show("settings", part="When a provider fails")
    assert "In force: a call that keeps failing gives up after **1.5 s**." in words(at)
    assert sources(at) == ["environment", *["default"] * 7]


def test_a_card_shows_differences_in_plain_numbers() -> None:
    shown = words(show("settings", part="When a provider fails"))
    for config in PRESETS.values():
        assert "\n".join(f"- {line}" for line in compared(config, PRESETS["simple"])) in shown


def test_a_preset_that_is_suggested_says_that_it_is_not_in_force_yet() -> None:
    told = "**development** is suggested, and not in force until you choose it. ENVIRONMENT is development: a mistake"
    assert told in words(show("settings", part="When a provider fails"))
    resilience.change({"preset": "development"})
    assert "until you choose it" not in words(show("settings", part="When a provider fails"))


def test_each_limit_says_what_is_recommended() -> None:
    told = words(show("settings", part="Limits"))
    assert told.count("*Recommended:*") == len(settings_words.LIMIT_TEXTS)


def test_a_preset_is_previewed_saved_listed_and_undone() -> None:
    at = press(show("settings", part="When a provider fails"), "Use production")
    assert resilience.config_for(None) == PRESETS["simple"]
    at = press(at, "Save")
    assert resilience.config_for("qa") == PRESETS["production"]
    at = show("settings", part="When a provider fails")
    assert "Use production" not in buttons(at)
    assert set(sources(at)) == {"set here, for all operations"}
    at = show("settings", part="Changes")
    assert changed("resilience", None, {"preset": "production"}) in words(at)
    at = press(at, "Undo")
    assert resilience.config_for(None) == PRESETS["simple"]
    assert "undone" in words(at)
    # Two changes are listed by now; only the newer one can be undone.
    assert [button.label for button in at.button].count("Undo") == 1


def test_one_operation_has_its_own_and_goes_back() -> None:
    at = press(
        press(show("settings", part="When a provider fails", operation="Question and answer"), "Use development"),
        "Save",
    )
    assert resilience.config_for("qa") == PRESETS["development"]
    assert resilience.config_for("summarize") == PRESETS["simple"]
    at = show("settings", part="When a provider fails", operation="Question and answer")
    assert set(sources(at)) == {"set here, for this operation"}
    press(press(at, "Go back to what holds for all operations"), "Save")
    assert resilience.config_for("qa") == PRESETS["simple"]


def number(at: AppTest, label: str) -> Any:
    return next(one for one in at.number_input if one.label == label)


def test_own_figures_set_only_what_differs() -> None:
    at = show("settings", part="When a provider fails")
    at = number(at, NAMES["retry_attempts"]).set_value(7).run()
    assert compared(replace(PRESETS["simple"], retry_attempts=7), PRESETS["simple"])[1] in words(at)
    press(press(at, "Preview and save"), "Save")
    assert store.values() == {"resilience": {"custom": {"retry_attempts": 7}}}


def test_a_strategy_sets_the_waiting_of_the_form() -> None:
    at = show("settings", part="When a provider fails")
    chosen = next(one for one in at.selectbox if one.label == NAMES["strategy"])
    at = chosen.set_value("conservative").run()
    press(press(at, "Preview and save"), "Save")
    assert store.values() == {"resilience": {"custom": {"strategy": "conservative"}}}
    assert resilience.config_for(None).deadline_s == 900


def test_a_wrong_figure_is_told_by_its_name_and_not_saved() -> None:
    at = number(show("settings", part="When a provider fails"), NAMES["retry_attempts"]).set_value(70).run()
    assert [error.value for error in at.error] == [
        "**Retries after the first attempt** must be a whole number from 0 to 10."
    ]
    assert next(button for button in at.button if button.label == "Preview and save").disabled


def test_own_figures_as_json_may_have_older_names() -> None:
    at = show("settings", part="When a provider fails").segmented_control(key="own-way").set_value("JSON").run()
    at.text_area[0].set_value('{"recovery_timeout": 90').run()
    assert "cannot be read" in at.error[0].value
    at.text_area[0].set_value('{"recovery_timeout": 90}').run()
    press(press(at, "Preview and save"), "Save")
    assert resilience.config_for(None).recovery_timeout_s == 90


def test_what_is_locked_offers_no_change(setting: Any) -> None:
    resilience.change({"preset": "production"})
    setting(RESILIENCE_LOCKED="true")
    at = show("settings", part="When a provider fails")
    assert "RESILIENCE_LOCKED" in at.info[0].value
    offered = buttons(at) | buttons(show("settings", part="Changes"))
    assert not [label for label in offered if label.startswith(("Use ", "Undo", "Go back", "Preview"))]


def test_a_key_is_never_shown_and_neither_is_one_in_an_address(setting: Any) -> None:
    setting(OPENAI_API_KEY="sk-hidden", OPENAI_BASE_URL="https://me:hidden@models.example/v1")
    told = words(show("settings"))
    assert formats.plain("https://models.example/v1") in told
    assert "key of the environment" in told
    assert "hidden" not in told


def test_a_connection_is_tested(openai: LocalProvider, setting: Any) -> None:
    assert "It answers and offers" in words(press(show("settings"), "Test connection"))
    setting(OPENAI_BASE_URL="http://127.0.0.1:9/v1")
    assert "openai" in press(show("settings"), "Test connection").error[0].value


def test_a_model_is_set_and_undone() -> None:
    at = show("settings")
    at.text_input[0].set_value("own-model").run()
    at = press(at, "Save")
    assert defaults.model_of("openai") == ("own-model", "here")
    at = show("settings", part="Changes")
    assert changed("model:openai", None, {"model": "own-model"}) in words(at)
    press(at, "Undo")
    assert defaults.model_of("openai")[1] == "default"


def test_a_language_is_set_and_undone() -> None:
    at = show("settings", part="Answers")
    assert f"Now: {settings_words.language(languages.OF_THE_DOCUMENT)} ({settings_words.SOURCES['default']})" in words(
        at
    )
    at = next(one for one in at.selectbox if one.label == "Language where none is chosen").set_value("German").run()
    at = press(at, "Save")
    assert defaults.language() == ("German", "here")
    at = show("settings", part="Changes")
    assert changed(defaults.LANGUAGE, None, {"language": "German"}) in words(at)
    press(at, "Undo")
    assert defaults.language() == (None, "default")


def test_a_time_zone_is_set_counts_once_the_sums_are_made_and_is_undone() -> None:
    at = show("settings", part="Costs")
    label = "Time zone of days and months"
    at = next(one for one in at.selectbox if one.label == label).set_value("Europe/Berlin").run()
    at = press(at, "Save")
    assert reporting_zone.name() == ("Europe/Berlin", "here")
    assert "Until then days are those of UTC" in words(at)
    folding.keep_up("Europe/Berlin")
    assert "Until then" not in words(at.run())
    at = show("settings", part="Changes")
    assert changed(reporting_zone.ZONE, None, {"zone": "Europe/Berlin"}) in words(at)
    press(at, "Undo")
    assert reporting_zone.name() == ("UTC", "default")


def test_who_made_a_change_is_told_and_older_ones_are_shown_on_demand() -> None:
    for number in range(changes.AT_ONCE + 2):
        with actor.bound(by("ann")):
            defaults.change_model("openai", f"model-{number}")
    at = show("settings", part="Changes")
    assert "ago · ann]" in words(at)
    assert "nothing set here → model\\-0 " not in words(at)
    at = press(at, "Show older ones")
    assert "nothing set here → model\\-0 " in words(at)
    assert "Show older ones" not in buttons(at)
    press(at, "Undo")
    assert (store.history()[0].user, store.history()[0].door) == ("", "pages")


def limit(at: AppTest, name: str) -> Any:
    return next(one for one in at.number_input if str(one.key).startswith(f"{name}-"))


def test_a_limit_is_set_and_taken_back(setting: Any) -> None:
    setting(LIVE_CONCURRENCY=12)
    at = show("settings", part="Limits")
    assert in_force("live_concurrency", 12, "environment") in words(at)
    assert in_force("confirm_job_usd", None, "default") in words(at)
    at = limit(at, "live_concurrency").set_value(20).run()
    at = press(at, "Save")
    assert limits.live_calls() == 20
    assert in_force("live_concurrency", 20, "here") in words(at)
    assert changed(f"{limits.CEILING}:live_concurrency", None, {"value": 20}) in words(show("settings", part="Changes"))
    press(at, "Back to the default")
    assert limits.of("live_concurrency") == (12, "environment")


def test_money_is_a_limit_too() -> None:
    at = limit(show("settings", part="Limits"), "confirm_job_usd").set_value(0.5).run()
    press(at, "Save")
    assert limits.confirm_usd() == Decimal("0.5")


def test_what_pages_cannot_take_is_told() -> None:
    assert "STREAMLIT_SERVER_MAX_UPLOAD_SIZE" not in words(show("settings", part="Limits"))
    limits.change("max_upload_mb", Decimal(2000))
    assert "The pages take 200 MB at most" in words(show("settings", part="Limits"))


def test_an_environment_beyond_the_bounds_is_shown_all_the_same(setting: Any) -> None:
    setting(BATCHES_IN_FLIGHT=20_000)
    assert in_force("batches_in_flight", 20_000, "environment") in words(show("settings", part="Limits"))


def test_what_everything_locks_is_shown_and_cannot_be_changed(setting: Any) -> None:
    limits.change("max_upload_mb", Decimal(7))
    setting(SETTINGS_LOCKED="true")
    at = show("settings", part="Limits")
    assert in_force("max_upload_mb", 200, "default") in words(at)
    assert limit(at, "max_upload_mb").disabled
    assert show("settings", part="Answers").selectbox[0].disabled
    assert not [label for label in buttons(show("settings", part="Retention")) if label.startswith("Delete after")]
