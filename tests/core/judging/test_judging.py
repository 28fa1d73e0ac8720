"""A model is asked what pairs are: priced, carried out where its words stand there, and taken back as one."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from core.access import actor
from core.answers import derive
from core.documents import deletion as documents_deletion
from core.errors import Conflict, InvalidInput, NotConfirmed, NotFound
from core.insights import history, life, merging, report, review, review_report
from core.insights.life import Change
from core.jobs import deletion, moving
from core.jobs import report as jobs_report
from core.judging import launch, undo, verdicts
from core.judging import report as judging_report
from core.judging.launch import JudgeSpec
from core.requests import expansion
from core.runtime import workspace
from core.upkeep import tick
from tests.batch_provider import BatchProvider, Line
from tests.callers import by
from tests.core.judging import saying
from tests.core.judging.saying import CRACK, LAMP, PUMP, by_statement, whole
from tests.local_provider import LocalProvider
from tests.pipeline import batch_rows, change, ended, rows, run_batches, run_job, states, with_lane

pytestmark = pytest.mark.usefixtures("database")
TOLD = by_statement(
    turbine=("same", "manifold cracked", "manifold of the turbine has cracked"),
    pump=("conflict", "300 euros", "500 euros"),
    lamp=("unsure", "", ""),
)


def ask(**spec: Any) -> str:
    return launch.create(JudgeSpec("openai", "gpt-5-mini", **spec), datetime.now(UTC))


def estimate(**spec: Any) -> launch.JudgeEstimate:
    return launch.estimate(JudgeSpec("openai", "gpt-5-mini", **spec), datetime.now(UTC))


def judged(**spec: Any) -> str:
    job = ask(**spec)
    run_job(job)
    return job


def became(job: str) -> dict[str, int]:
    return {str(name): number for name, number in judging_report.sum_up(job).became.items()}


def without_reading(job: str) -> None:
    """All of a job but that its verdicts are read."""
    expansion.expand_job(job)

    async def pump(lane: Any) -> None:
        await lane.pump(job)
        while set(await asyncio.to_thread(states, job)) != {"succeeded"}:
            await asyncio.to_thread(derive.derive_chunk)

    with_lane(pump)


def everything() -> list[Any]:
    """What a judge may change, but for times and versions of what was done."""
    return [
        rows("SELECT * FROM insight ORDER BY id"),
        rows("SELECT id, state, kind, verdict, actor, merge_id, judged_in, grounds FROM pair ORDER BY id"),
        rows("SELECT insight_id, into_id FROM merged WHERE active ORDER BY insight_id"),
    ]


def test_a_live_job_settles_what_the_words_decide_and_is_priced_and_undone_as_one(openai: LocalProvider) -> None:
    one, other, cheap, dear, *_ = saying.pairs(CRACK, LAMP)[:2] + saying.pairs(PUMP, kind="conflict")
    openai.plan = saying.plan(TOLD)
    before = everything()
    figures = estimate()
    assert (figures.pairs, figures.requests, figures.reused, figures.output_tokens) == (3, 1, 0, 3 * 45)
    assert figures.cost_live is not None
    assert figures.cost_batch == figures.cost_live / 2 > 0
    job = judged()
    row = jobs_report.get(job)
    assert (row.state, row.succeeded, row.name, row.template, row.estimate_usd) == (
        "completed", 1, "Judge 3 pairs", "judge", figures.cost_live,
    )  # fmt: skip
    assert [use["template_id"] for use in rows("SELECT template_id FROM usage_record")] == ["judge"]
    assert len(openai.asked) == 1
    assert became(job) == {"settled": 2, "undecided": 1}
    assert judging_report.sum_up(job).verdicts == {"same": 1, "conflict": 1}
    same, conflict = (review_report.items(kind=kind, state="settled").items[0] for kind in ("merge", "conflict"))
    assert (same.verdict, same.actor, same.judged_in) == ("same", "gpt-5-mini (judge)", job)
    assert set(same.grounds) == {"manifold cracked", "manifold of the turbine has cracked"}
    assert dict(zip((conflict.a.id, conflict.b.id), conflict.grounds, strict=True)) == {
        cheap: "300 euros",
        dear: "500 euros",
    }
    assert [(merge.found_by, merge.actor) for merge in merging.merges().items] == [("judge", "gpt-5-mini (judge)")]
    assert {report.get(one).head, report.get(other).head} - {None} in ({one}, {other})
    assert report.get(cheap).confidence == 0.5
    # Asked again of the same model it costs nothing, and makes nothing new.
    again = estimate()
    assert (again.pairs, again.requests, again.reused, again.cost_live) == (1, 1, 1, Decimal(0))
    second = judged()
    assert (len(openai.asked), jobs_report.get(second).reused, jobs_report.get(second).cost_usd) == (1, 1, 0)
    assert became(second) == {"undecided": 1}
    # Another model is asked.
    assert launch.estimate(JudgeSpec("openai", "gpt-5"), datetime.now(UTC)).reused == 0
    undone = undo.undo(job)
    assert (undone.reopened, len(undone.restored)) == (2, 1)
    assert everything() == before
    assert became(job) == {"taken_back": 2, "undecided": 1}
    assert undo.undo(job).reopened == 0
    assert [entry.action for entry in history.of_insight(cheap).items] == ["review", "review"]
    # What was taken back is asked for nothing, too.
    assert (estimate().pairs, estimate().requests, estimate().reused) == (3, 1, 1)
    third = judged()
    assert (len(openai.asked), became(third)) == (1, {"settled": 2, "undecided": 1})
    deletion.delete(third)
    assert rows("SELECT count(*) AS n FROM judged_pair q JOIN request r ON r.id = q.request_id")[0]["n"] == 4
    assert undo.undo(third).reopened == 2
    assert everything() == before


def test_words_that_do_not_stand_there_are_no_verdict(openai: LocalProvider) -> None:
    saying.pairs(CRACK, LAMP, PUMP)
    openai.plan = saying.plan(
        by_statement(
            turbine=("same", "manifold cracked", "the manifold burst"),
            lamp=("different", "hall", "hall"),
            pump=("conflict", "00 euros", "500 euros"),
        )
    )
    before = everything()
    job = judged()
    assert became(job) == {"unfounded": 3}
    assert everything() == before
    assert {row.verdict for row in judging_report.pairs(job).items} == {"same", "different", "conflict"}


@pytest.mark.parametrize(
    ("said", "there", "stands"),
    [
        (("same", "The pump", "pump"), PUMP, True),
        (("same", "THE  PUMP costs", "“pump” costs"), PUMP, True),
        (("same", "", "pump"), PUMP, False),
        (("same", "pump", "…"), PUMP, False),
        (("same", "um", "pump"), PUMP, False),
        (("same", "The pump euros", "pump"), PUMP, False),
        (("conflict", "pump", "pump"), PUMP, False),
        (("conflict", "The pump", "pump costs"), PUMP, False),
        (("conflict", "300", "costs"), PUMP, True),
        (("conflict", "Ann paid Ben", "Ben paid Ann"), ("Ann paid Ben.", "Ben paid Ann."), True),
        (("conflict", "500 euros", "300 euros"), PUMP, False),
    ],
)
def test_which_words_decide(said: saying.Said, there: tuple[str, str], stands: bool) -> None:
    verdict, a, b = said
    assert verdicts.founded(verdicts.Said(verdict, (a, b)), there) is stands  # type: ignore[arg-type]


def test_an_answer_that_says_two_things_of_a_pair_or_nothing_is_no_verdict() -> None:
    def one(pair: int, verdict: str) -> dict[str, Any]:
        return {"pair": pair, "verdict": verdict, "a_words": "a", "b_words": "b"}

    result = {"verdicts": [one(1, "same"), one(2, "same"), one(2, "different"), one(3, "unsure"), one(99, "same")]}
    assert [verdicts.verdict_of(result, number) for number in (1, 2, 3, 4)] == [
        verdicts.Said("same", ("a", "b")), None, None, None,
    ]  # fmt: skip
    assert verdicts.verdict_of({}, 1) is None


def test_it_never_merges_what_differs_or_what_a_person_dismissed_and_keeps_what_one_confirmed(
    openai: LocalProvider,
) -> None:
    ids = saying.pairs(PUMP, CRACK, LAMP)
    life.change(ids[2], Change(state="dismissed"))
    life.change(ids[5], Change(state="confirmed"))
    change("UPDATE insight SET support = 9 WHERE id = :id", id=ids[4])
    openai.plan = saying.plan(whole("same"))
    job = judged()
    assert became(job) == {"refused": 2, "settled": 1}
    assert [merge.head for merge in merging.merges().items] == [ids[5]]
    assert report.get(ids[5]).state == "confirmed"


def test_what_a_person_did_meanwhile_stays_and_survives_the_undo(openai: LocalProvider) -> None:
    one, _, cheap, dear, lamp, hall = saying.pairs(CRACK, PUMP, LAMP)
    openai.plan = saying.plan(whole("different"))
    job = ask()
    with pytest.raises(InvalidInput, match="being judged already"):
        ask()
    pair = {frozenset((item.a.id, item.b.id)): item.id for item in review_report.items().items}
    with actor.bound(by("Ada")):
        review.settle(pair[frozenset((cheap, dear))], "over_time")
        merging.merge(one, [lamp], force=True)
    without_reading(job)
    assert jobs_report.get(job).state == "running"
    with pytest.raises(Conflict, match="at work"):
        undo.undo(job)
    while verdicts.read_some():
        pass
    assert became(job) == {"late": 2, "settled": 1}
    assert jobs_report.get(job).state == "completed"
    assert review_report.get(pair[frozenset((cheap, dear))]).actor == "Ada"
    assert review_report.get(pair[frozenset((lamp, hall))]).state == "open"
    undo.undo(job)
    assert review_report.get(pair[frozenset((cheap, dear))]).verdict == "over_time"


def test_reading_that_is_done_twice_or_at_once_ends_in_the_same_rows(openai: LocalProvider) -> None:
    many = [(f"Engine {n} cracked at the weld.", f"At the weld engine {n} cracked.") for n in range(100, 124)]
    saying.pairs(*many)
    openai.plan = saying.plan(whole("same"))
    assert (estimate().pairs, estimate().requests) == (24, 2)
    assert (estimate(limit=20).pairs, estimate(limit=20).requests) == (20, 1)
    assert estimate(kind="conflict").pairs == estimate(collection="elsewhere").pairs == 0
    assert estimate(collection="default").pairs == 24
    job = ask()
    without_reading(job)
    assert not ended(job)
    assert rows("SELECT 1 FROM procrastinate_jobs WHERE task_name = 'read_verdicts'")
    change("DELETE FROM procrastinate_jobs")
    tick.tick(datetime.now(UTC))
    assert rows("SELECT 1 FROM procrastinate_jobs WHERE task_name = 'read_verdicts'")
    with ThreadPoolExecutor(2) as both:
        read = sum(both.map(lambda _: verdicts.read_some(), range(2)))
    while some := verdicts.read_some():
        read += some
    assert (read, became(job), len(merging.merges(limit=500).items)) == (24, {"settled": 24}, 24)
    settled = everything()
    # As after a worker's death between keeping and deriving.
    change("UPDATE request SET state = 'answered' WHERE job_id = :job", job=job)
    change("UPDATE job SET state = 'running' WHERE id = :job", job=job)
    while derive.derive_chunk():
        pass
    assert verdicts.read_some() == 0
    assert (everything(), jobs_report.get(job).state) == (settled, "completed")
    assert (undo.undo(job).reopened, merging.merges(undone=False).items) == (24, ())


def test_the_batch_lane_and_a_schema_that_is_broken_once(batch_server: BatchProvider) -> None:
    saying.pairs(CRACK, LAMP, PUMP)

    def broken_at_first(asked: Any) -> Line:
        question, again = asked.body["messages"][:2], asked.body["messages"][2:]
        return Line(content=saying.verdicts({"messages": question}, TOLD) if again else '{"verdicts": 7}')

    batch_server.line_plan = broken_at_first
    job = ask(lane="batch")
    run_batches(job)
    assert became(job) == {"settled": 2, "undecided": 1}
    assert len(batch_rows(job)) == 2
    assert {use["lane"] for use in rows("SELECT lane FROM usage_record")} == {"batch"}
    assert [item.verdict for item in review_report.items(kind="conflict", state="settled").items] == ["conflict"]
    assert undo.undo(job).reopened == 2
    assert {item.kind for item in review_report.items().items} == {"merge"}


def test_what_cannot_be_asked_is_refused(openai: LocalProvider, setting: Any) -> None:
    with pytest.raises(InvalidInput, match="No pair is open"):
        ask()
    assert estimate().pairs == 0
    saying.pairs(CRACK)
    with pytest.raises(InvalidInput, match="cannot say what two statements mean"):
        launch.create(JudgeSpec("offline"), datetime.now(UTC))
    with pytest.raises(InvalidInput, match="limit"):
        estimate(limit=0)
    setting(CONFIRM_JOB_USD=0)
    with pytest.raises(NotConfirmed):
        ask()
    assert rows("SELECT 1 FROM job") == rows("SELECT 1 FROM judged_pair") == []
    job = ask(confirmed=True)
    with pytest.raises(Conflict, match="judged by the model"):
        moving.to_model(job, "openai", "gpt-5")
    assert moving.estimate(job, datetime.now(UTC)).requests == 1
    moving.to_lane(job, "batch")
    assert jobs_report.get(job).lane == "batch"


def test_of_a_deleted_statement_no_word_stays_with_the_judge(openai: LocalProvider) -> None:
    one, *_ = saying.pairs(CRACK, LAMP)
    openai.plan = saying.plan(whole("different"))
    job = judged()
    undo.undo(job)
    later = ask()
    documents_deletion.delete("doc_0000")
    assert rows("SELECT 1 FROM insight WHERE id = :id", id=one) == []
    assert rows("SELECT 1 FROM request_body") == rows("SELECT 1 FROM response") == []
    assert rows("SELECT DISTINCT fingerprint, grounds FROM judged_pair") == [{"fingerprint": "", "grounds": None}]
    assert [row.a_statement or row.b_statement for row in judging_report.pairs(job).items] == [CRACK[1], LAMP[1]]
    # And what is under way is not sent any more.
    assert states(later) == {"cancelled": 1}
    expansion.expand_job(later)
    assert ended(later)


def test_nothing_of_it_crosses_to_another_workspace(openai: LocalProvider) -> None:
    saying.pairs(CRACK)
    openai.plan = saying.plan(whole("different"))
    job = judged()
    with workspace.bound("ws_other"):
        assert estimate().pairs == 0
        assert judging_report.sum_up(job).pairs == 0
        assert judging_report.pairs(job).items == ()
        with pytest.raises(NotFound):
            undo.undo(job)
    assert undo.undo(job).reopened == 1
