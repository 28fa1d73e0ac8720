"""A model is asked on Review, with the price on the button; its job shows what it said, and takes it back."""

from datetime import UTC, datetime

import pytest

from core.insights import review_report
from core.judging import launch
from core.judging.launch import JudgeSpec
from pages.words import judging as judging_words
from tests.core.judging import saying
from tests.core.judging.saying import CRACK, LAMP, PUMP, by_statement
from tests.local_provider import LocalProvider
from tests.pages.seeing import links, press, show, words
from tests.pipeline import rows, run_job

pytestmark = pytest.mark.usefixtures("database")


def test_without_a_language_model_or_pairs_the_button_says_why() -> None:
    at = show("review")
    assert at.button(key="ask-a-model").disabled
    assert at.button(key="ask-a-model").help == judging_words.NEEDS_A_MODEL


def test_the_price_stands_on_the_button_before_it_is_asked(openai: LocalProvider) -> None:
    saying.pairs(CRACK, LAMP)
    at = show("review").button(key="ask-a-model").click().run()
    assert not at.exception
    assert "2 pairs in 1 request." in words(at)
    assert "Ask about 2 pairs, about \\$0\\.00" in at.button(key="judge_launch").label
    at.button(key="judge_launch").click().run()
    assert [job["name"] for job in rows("SELECT name FROM job")] == ["Judge 2 pairs"]
    assert len(openai.asked) == 0


def test_its_job_shows_each_pair_with_its_words_and_undoes_all(openai: LocalProvider) -> None:
    saying.pairs(CRACK, PUMP, LAMP)
    openai.plan = saying.plan(
        by_statement(
            turbine=("same", "manifold cracked", "manifold of the turbine has cracked"),
            pump=("conflict", "300 euros", "900 euros"),
            lamp=("different", "hangs", "painted green"),
        )
    )
    job = launch.create(JudgeSpec("openai", "gpt-5-mini"), datetime.now(UTC))
    assert "3 without an answer" in words(show("job", id=job))
    run_job(job)
    assert "Judge 3 pairs" in str(show("jobs").dataframe[0].value)
    at = show("job", id=job)
    assert not at.exception
    assert "2 settled: 1 the same, 1 different" in words(at) or "2 settled: 1 different, 1 the same" in words(at)
    assert "1 left open: the words that the model names do not stand there" in words(at)
    marked = [one.proto.body for one in at.get("html") if "marked-text" in one.proto.body]
    assert sum(">manifold cracked</mark>" in one for one in marked) == 1
    settled = show("review", state="settled")
    assert "Settled as the same, by gpt\\-5\\-mini \\(judge\\)" in words(settled)
    assert "Its job, with the undo of all" in links(settled)
    at = press(at, "Undo its verdicts (2)")
    assert len(review_report.items().items) == 3
    assert "Undo its verdicts" not in words(at)
    assert "2 pairs are open again. 1 insight stands alone again." in words(at).replace("\\", "")
    assert "Download table" not in words(at)
    for tab in ("Requests", "Timeline"):
        assert not show("job", id=job, tab=tab).exception
