"""Jobs that set how their answers are written: asked so, reused only so, and honest about what was not used."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core.errors import InvalidInput
from core.jobs import launch, moving, report
from core.jobs.launch import Fallback, JobSpec
from core.providers.sampling import Sampling
from core.settings import learned_contexts, store
from tests import local_provider
from tests.batch_provider.lines import AskedLine, Line
from tests.batch_provider.server import BatchProvider
from tests.core.live.loopback_jobs import live_job, requests
from tests.local_provider import LocalProvider, Reply
from tests.pipeline import add_document, make_job, rows, run_batches, run_job, states

pytestmark = pytest.mark.usefixtures("database")

SPEC = JobSpec("summarize", "openai", collection="default", model="llama-3", params={"length": "long"})
NO_TEMPERATURE = "Unsupported value: 'temperature' does not support 0.7 with this model."


def events(job: str) -> list[str]:
    return [row["message"] for row in rows("SELECT message FROM job_event WHERE kind = 'temperature'")]


def test_it_is_part_of_what_decides_an_answer(openai: LocalProvider) -> None:
    document = add_document()

    def asked(**set_to: float) -> int:
        job = live_job([document], model="llama-3", sampling=Sampling(**set_to))  # type: ignore[arg-type]
        run_job(job)
        assert states(job) == {"succeeded": 1}
        assert not report.get(job).temperature_unused
        return len(openai.asked)

    # Without sampling, as ever; then each setting once, and each again from what is known.
    assert [asked(), asked(temperature=0.7), asked(temperature=0.8), asked(temperature=0.7, max_output_tokens=300)] == [
        1,
        2,
        3,
        4,
    ]
    assert [asked(), asked(temperature=0.7), asked(temperature=0.7, max_output_tokens=300)] == [4, 4, 4]
    last = openai.asked[-1].body
    assert (last["temperature"], last["max_tokens"]) == (0.7, 300)


def test_a_server_that_takes_no_temperature_is_said_on_the_job_and_before_the_next(openai: LocalProvider) -> None:
    def plan(asked: local_provider.Asked) -> Reply:
        return local_provider.error(400, message=NO_TEMPERATURE) if "temperature" in asked.body else Reply()

    openai.plan = plan
    add_document()
    warm = replace(SPEC, sampling=Sampling(0.7))
    assert launch.estimate(warm, datetime.now(UTC)).warnings == ()
    job = launch.create(warm, datetime.now(UTC))
    assert not report.get(job).temperature_unused
    run_job(job)
    assert states(job) == {"succeeded": 1}
    assert len(openai.asked) == 2
    assert report.get(job).temperature_unused
    assert events(job) == ["openai/llama-3 takes no temperature: 0.7 is not used, its own is."]
    (said,) = launch.estimate(warm, datetime.now(UTC)).warnings
    assert "has refused a temperature for llama-3 before: 0.7 is not used" in said
    # The next job says so from the start; one that sets none has nothing to say.
    assert report.get(launch.create(warm, datetime.now(UTC))).temperature_unused
    assert not report.get(launch.create(SPEC, datetime.now(UTC))).temperature_unused
    assert launch.estimate(SPEC, datetime.now(UTC)).warnings == ()


def test_a_model_that_is_known_to_take_none_is_said_before_launch(openai: LocalProvider) -> None:
    add_document()
    warm = replace(SPEC, model="gpt-5-mini", sampling=Sampling(0.7, 40))
    found = launch.estimate(warm, datetime.now(UTC))
    assert found.warnings == (
        "gpt-5-mini takes no temperature: 0.7 is not used, its own is. Choose another model, or leave it out.",
    )
    assert found.output_tokens == 40 < launch.estimate(SPEC, datetime.now(UTC)).output_tokens
    run_job(job := launch.create(warm, datetime.now(UTC)))
    assert (len(openai.asked), report.get(job).temperature_unused) == (1, True)
    assert report.get(job).sampling == {"temperature": 0.7, "max_output_tokens": 40}


def test_batches_have_it_and_say_where_it_was_not_used(batch_server: BatchProvider) -> None:
    lines: list[tuple[object, object]] = []

    def plan(asked: AskedLine) -> Line:
        lines.append(
            (asked.body.get("temperature"), asked.body.get("max_tokens", asked.body.get("max_completion_tokens")))
        )
        if "max_tokens" in asked.body:
            return Line(status=400, message="Unsupported parameter: 'max_tokens' is not supported with this model.")
        if "temperature" in asked.body:
            return Line(status=400, message=NO_TEMPERATURE)
        return Line(content='{"summary": "Short."}')

    batch_server.line_plan = plan
    made_with = {"provider": "openai", "model": "llama-3", "lane": "batch", "sampling": Sampling(0.7, 300)}
    job = make_job([add_document()], "summarize", **made_with)
    run_batches(job)
    assert states(job) == {"succeeded": 1}
    assert lines == [(0.7, 300), (0.7, 300), (None, 300)]
    assert report.get(job).temperature_unused
    assert len(events(job)) == 1


def test_an_answer_that_was_cut_names_the_limit_and_what_to_do(openai: LocalProvider) -> None:
    def usage(written: int) -> dict[str, int]:
        return {"prompt_tokens": 300, "completion_tokens": written, "total_tokens": 300 + written}

    document = add_document()
    openai.plan = lambda _: Reply(content='{"poi', finish="length", usage=usage(300))
    run_job(live_job([document], model="llama-3", sampling=Sampling(None, 300)))
    assert "cut off at its longest, 300 tokens" in requests()[-1]["error_message"]
    assert "sampling.max_output_tokens" in requests()[-1]["error_message"]
    openai.plan = lambda _: Reply(content='{"poi', finish="length", usage=usage(120))
    run_job(live_job([document], model="llama-3", sampling=Sampling(None, 300), reuse=False))
    assert "after 120 tokens, before the 300 that it was asked for" in requests()[-1]["error_message"]


def test_what_cannot_be_asked_is_refused_before(openai: LocalProvider) -> None:
    add_document()
    at = datetime.now(UTC)
    for spec, why in (
        (replace(SPEC, sampling=Sampling(3)), "from 0 to 2"),
        (replace(SPEC, sampling=Sampling(None, 200_000)), "leaves no room for a document: llama-3 takes 128,000"),
        (replace(SPEC, provider="offline", model=None, sampling=Sampling(0)), "for language models"),
        (JobSpec(None, "openai", sampling=Sampling(0)), "Custom requests say in their bodies"),
        (replace(SPEC, sampling=Sampling(1.5), fallback=Fallback(provider="offline")), "for language models"),
    ):
        with pytest.raises(InvalidInput, match=why):
            launch.create(spec, at, start=spec.template is not None)
    job = launch.create(replace(SPEC, sampling=Sampling(1.5)), at)
    with pytest.raises(InvalidInput, match="for language models"):
        moving.to_model(job, "offline")
    store.load()
    learned_contexts.learn("openai", openai.openai_url, "llama-3", "maximum context length is 4096 tokens")
    with pytest.raises(InvalidInput, match="llama-3 takes 4,096"):
        launch.create(replace(SPEC, sampling=Sampling(None, 4_000)), at)
