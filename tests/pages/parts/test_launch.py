"""Analyse before launch: both prices, how long batches took, the canary, and what happens to what is left over."""

import io
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.documents import upload
from core.settings import defaults, limits
from pages.parts import launch
from tests.pages import made
from tests.pages.seeing import press, show, words
from tests.pipeline import ready_documents, rows

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def analyse(openai: object) -> AppTest:
    """Ten documents, and OpenAI chosen in the batch lane."""
    ready_documents(10)
    at = show("analyse")
    next(box for box in at.selectbox if box.label == "Provider").set_value("openai").run()
    at.segmented_control(key="ask_lane").set_value("batch").run()
    assert not at.exception
    return at


@pytest.mark.parametrize(
    ("live", "batch", "says"),
    [
        ("2", "1", "-$1.00 (50% less)"),
        ("0.0042", "0.0021", "-$0.0021 (50% less)"),
        ("0", "0", None),
        ("2", "2", None),
        (None, None, None),
    ],
)
def test_what_the_batch_lane_saves(live: str | None, batch: str | None, says: str | None) -> None:
    amounts = [None if amount is None else Decimal(amount) for amount in (live, batch)]
    assert launch.saving(*amounts) == says


def test_both_prices_and_the_difference_stand_side_by_side(analyse: AppTest) -> None:
    shown = {metric.label: (metric.value, metric.delta) for metric in analyse.metric}
    live, batch = shown["Live, about"], shown["Batch, about"]
    assert live[0].startswith("$0.00")
    assert live[1] in (None, "")
    assert "(50% less)" in batch[1]


def test_how_long_batches_took_here(analyse: AppTest) -> None:
    assert "No batch of this model has been through here yet" in words(analyse)
    assert "OpenAI promises 24 hours" in words(analyse)
    job, at = made.job("completed"), datetime.now(UTC)
    for minutes in (10, 20, 30):
        made.batch(job, "completed", submitted_at=at - timedelta(minutes=minutes), ended_at=at)
    text = words(analyse.run())
    assert "The last 3 batches of this model here\\: half were done in 20 min, 95 of 100 in 29 min" in text


def test_a_batch_job_is_launched_as_chosen(analyse: AppTest) -> None:
    analyse.toggle(key="canary").set_value(True).run()
    text = words(analyse)
    live = next(Decimal(str(metric.value).strip("$")) for metric in analyse.metric if metric.label == "Live, about")
    first = re.search(r"3 of 10 go first, live, for about \$([0-9.]+): short ones", text)
    assert first
    assert abs(Decimal(first[1]) / live - Decimal("0.3")) < Decimal("0.02")
    assert "The rest, in the batch lane, is held until you have seen" in text
    analyse.toggle(key="leftovers").set_value(True)
    analyse.toggle(key="deadline").set_value(True)
    analyse.run()
    analyse.toggle(key="leftovers_live").set_value(True).run()
    assert "All of them live would be about" in words(analyse)
    analyse.number_input(key="leftovers_retries").set_value(1)
    analyse.number_input(key="canary_number").set_value(2)
    press(analyse, "Launch 10 requests")
    (job,) = rows("SELECT lane, canary, leftovers, deadline FROM job")
    assert (job["lane"], job["canary"]) == ("batch", 2)
    assert job["leftovers"] == {"retries": 1, "then_live": True}
    assert timedelta(hours=23) < job["deadline"] - datetime.now(UTC) <= timedelta(hours=24)


def test_a_job_that_is_launched_without_more_leaves_its_leftovers_to_a_person(analyse: AppTest) -> None:
    press(analyse, "Launch 10 requests")
    assert rows("SELECT lane, canary, leftovers, deadline FROM job") == [
        {"lane": "batch", "canary": 0, "leftovers": None, "deadline": None}
    ]


def test_temperature_and_longest_answer_stand_under_more(analyse: AppTest) -> None:
    analyse.number_input(key="temperature_openai").set_value(0.7)
    analyse.number_input(key="longest_answer").set_value(40)
    text = words(analyse.run())
    assert "takes no temperature: 0.7 is not used, its own is" in text.replace("\\", "")
    assert {metric.label: metric.value for metric in analyse.metric}["Output tokens"] == "~400"
    press(analyse, "Launch 10 requests")
    (job,) = rows("SELECT id, sampling, temperature_unused FROM job")
    assert (job["sampling"], job["temperature_unused"]) == ({"temperature": 0.7, "max_output_tokens": 40}, True)
    shown = words(show("job", id=job["id"])).replace("\\", "")
    assert "temperature: 0.7, longest answer: 40 tokens" in shown
    assert "The temperature of 0.7 was not used" in shown


def test_live_has_a_canary_and_no_leftovers(analyse: AppTest) -> None:
    analyse.segmented_control(key="ask_lane").set_value("live").run()
    analyse.toggle(key="canary").set_value(True).run()
    assert "The rest is held until" in words(analyse)
    assert "leftovers" not in [toggle.key for toggle in analyse.toggle]
    press(analyse, "Launch 10 requests")
    assert rows("SELECT lane, canary FROM job") == [{"lane": "live", "canary": 3}]


def test_one_call_needs_no_canary() -> None:
    ready_documents(1)
    assert "canary" not in [toggle.key for toggle in show("analyse").toggle]


def test_the_offline_engine_promises_no_day() -> None:
    ready_documents(3)
    at = show("analyse")
    at.segmented_control(key="ask_lane").set_value("batch").run()
    assert "been through here yet" in words(at)
    assert "24 hours" not in words(at)
    press(at, "Launch 3 requests")
    assert rows("SELECT lane, provider FROM job") == [{"lane": "batch", "provider": "offline"}]


def launched(at: AppTest) -> dict[str, str]:
    next(button for button in at.button if button.label.startswith("Launch")).click().run()
    params: dict[str, str] = rows("SELECT params FROM job ORDER BY created_at DESC LIMIT 1")[0]["params"]
    return params


def box(at: AppTest, label: str) -> Any:
    return next(one for one in at.selectbox if one.label == label)


def test_the_language_of_answers_is_chosen_per_job(openai: object) -> None:
    ready_documents(2)
    defaults.change_language("German")
    at = show("analyse")
    assert box(at, "Language of the answers").value == "German"
    assert launched(at)["language"] == "German"
    at = show("analyse")
    box(at, "Language of the answers").set_value("document").run()
    assert "language" not in launched(at)


def test_the_offline_engine_says_that_it_does_not_translate(openai: object) -> None:
    ready_documents(2)
    at = box(show("analyse"), "Provider").set_value("offline").run()
    assert "does not apply" not in words(at)
    defaults.change_language("German")
    assert "default language, German, does not apply" in words(at.run())
    assert "language" not in launched(at)


def test_an_answer_without_words_has_no_language_to_choose(openai: object) -> None:
    ready_documents(2)
    assert box(show("analyse"), "Language of the answers")
    assert "Language of the answers" not in [one.label for one in show("analyse", template="Sentiment").selectbox]


def launch_button(at: AppTest) -> Any:
    return next(button for button in at.button if button.label.startswith("Launch"))


def test_a_price_above_the_limit_is_confirmed_before_launch(openai: object) -> None:
    ready_documents(2)
    at = show("analyse")
    assert not at.checkbox
    limits.change("confirm_job_usd", Decimal(0))
    at = at.run()
    assert launch_button(at).disabled
    assert at.checkbox[0].label.startswith("I know that it costs about \\$0.")
    at = at.checkbox[0].check().run()
    launch_button(at).click().run()
    assert [row["state"] for row in rows("SELECT state FROM job")] == ["queued"]


def test_what_has_no_price_is_confirmed_too(openai: object) -> None:
    ready_documents(2)
    limits.change("confirm_job_usd", Decimal(1000))
    at = show("analyse")
    assert not at.checkbox
    defaults.change_model("openai", "house-model-1")
    at = show("analyse")
    assert at.checkbox[0].label == "I know that no price is known"


def test_what_documents_cost_that_are_still_being_read_is_not_known(openai: object) -> None:
    ready_documents(2)
    limits.change("confirm_job_usd", Decimal(1000))
    assert not show("analyse").checkbox
    upload.add("new.txt", io.BytesIO(b"New."))
    assert "documents are still being read" in show("analyse").checkbox[0].label


def test_a_draft_is_confirmed_on_its_own_page(openai: object) -> None:
    job = made.job("draft", estimate_usd=Decimal(7))
    made.requests(job, "pending")
    limits.change("confirm_job_usd", Decimal(5))
    at = show("job", id=job)
    start = next(button for button in at.button if button.label == "Start")
    assert start.disabled
    at = at.checkbox[0].check().run()
    press(at, "Start")
    assert [row["state"] for row in rows("SELECT state FROM job")] == ["queued"]


def test_without_a_limit_of_ones_own_the_pages_ask_above_five_dollars(openai: object) -> None:
    assert limits.confirm_usd() is None
    assert launch.confirmed("openai", Decimal("5.00"))
    assert launch.confirmed("openai", None)
    assert launch.confirmed("offline", Decimal(99))
    job = made.job("draft", estimate_usd=Decimal("5.01"))
    made.requests(job, "pending")
    at = show("job", id=job)
    assert next(button for button in at.button if button.label == "Start").disabled
    assert at.checkbox[0].label == "I know that it costs about \\$5.01"


def test_a_button_that_spends_says_how_much() -> None:
    assert launch.label("Launch 2 requests", "openai", Decimal("0.214")) == "Launch 2 requests · about \\$0\\.21"
    assert "at least" in launch.label("Launch 2 requests", "openai", Decimal("0.214"), unread=1)
    assert launch.label("Launch 2 requests", "openai", None) == "Launch 2 requests · price not known"
    assert launch.label("Launch 2 requests", "offline", Decimal(0)) == "Launch 2 requests · free"


def test_what_a_batch_saves_is_the_difference_of_what_is_shown() -> None:
    assert launch.saving(Decimal("0.214"), Decimal("0.107")) == "-$0.10 (50% less)"
