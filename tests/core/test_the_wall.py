"""Nothing crosses from one workspace to another: no list, count, id, search, known file, estimate or reused answer."""

import asyncio
import io
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from core import overview
from core.asking import templates
from core.batch import report as batch_report
from core.calls import resilience
from core.documents import content, deletion, extract, read_again, upload
from core.documents import report as documents_report
from core.documents.report import Filters
from core.errors import InvalidInput, NotFound
from core.fields import FieldSpec
from core.insights import changes_report, evidence_report, facets_report, history, merging
from core.insights import report as insights_report
from core.insights.report import Filters as InsightFilters
from core.jobs import (
    batches_report,
    canary,
    control,
    launch,
    moving,
    output,
    own_requests,
    requests_report,
    resend,
    stats,
)
from core.jobs import deletion as jobs_deletion
from core.jobs import report as jobs_report
from core.jobs.launch import JobSpec
from core.live import single_text
from core.money import costs
from core.money import sums as cost_sums
from core.money.stretches import Stretch
from core.requests import reuse, savings
from core.requests.reuse import Which
from core.runtime import db, worker_lease, workspace
from core.upkeep import requeue_by_hand, stuck
from tests import emptying, pipeline
from tests.pages import made
from tests.pipeline import TEXT, rows, run_job

NOW = datetime(2026, 5, 1, tzinfo=UTC)
HERE, THERE, NOBODY = workspace.DEFAULT, "ws_there", "ws_nobody"
TEXTS = (TEXT, "The pumps were replaced in June. The plant works again since July.")
COLLECTIONS = ("default", "letters")
FIELDS = (FieldSpec("verdict", "string", "What it says."),)


@dataclass
class Office:
    """What somebody in one workspace has made so far; `seen` is what they were told."""

    documents: list[str] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)
    templates: list[str] = field(default_factory=list)
    seen: list[Any] = field(default_factory=list)


def add(office: Office, text: int, collection: int) -> None:
    added = upload.add(f"{text}.txt", io.BytesIO(TEXTS[text].encode()), COLLECTIONS[collection])
    office.seen.append(added.duplicate)
    if not added.duplicate:
        office.documents.append(added.document.id)
        with workspace.bound(NOBODY):
            extract.extract_document(added.document.id, worker_lease.register("test"), threading.Event())


def ask(office: Office, template: int, collection: int) -> None:
    chosen = ["key_points", "qa", *office.templates[:1]][template % (2 + bool(office.templates))]
    spec = JobSpec(chosen, "offline", collection=COLLECTIONS[collection], params=params_of(chosen))
    try:
        expected = launch.estimate(spec, NOW)
        job = launch.create(spec, NOW)
    except (NotFound, InvalidInput) as error:  # nothing is there yet
        office.seen.append(error.message)
        return
    with workspace.bound(NOBODY):
        run_job(job)
    found = jobs_report.get(job)
    office.jobs.append(job)
    office.seen.append((expected.requests, expected.reused, found.total, found.reused))
    assert found.state == "completed"


PARAMS: dict[str, dict[str, Any]] = {"key_points": {"count": 2}, "qa": {"question": "What was replaced?"}}


def params_of(template: str) -> dict[str, Any]:
    return PARAMS.get(template, {})


def write_template(office: Office) -> None:
    office.templates.append(templates.create("Own", "Judge it.", FIELDS, insights=True).id)


def ask_one_text(office: Office, text: int) -> None:
    office.seen.append(
        asyncio.run(single_text.process("key_points", TEXTS[text], {"count": 1}, "offline", None)).reused
    )


def delete_document(office: Office) -> None:
    if office.documents:
        deletion.delete(office.documents.pop(0))


def delete_job(office: Office) -> None:
    if office.jobs:
        jobs_deletion.delete(office.jobs.pop(0))


def forget_answers(office: Office, collection: int) -> None:
    try:
        office.seen.append(reuse.invalidate(Which(collection=COLLECTIONS[collection])))
    except NotFound as error:
        office.seen.append(error.message)


STEPS = st.one_of(
    st.tuples(st.just(add), st.integers(0, 1), st.integers(0, 1)),
    st.tuples(st.just(ask), st.integers(0, 2), st.integers(0, 1)),
    st.tuples(st.just(write_template)),
    st.tuples(st.just(ask_one_text), st.integers(0, 1)),
    st.tuples(st.just(delete_document)),
    st.tuples(st.just(delete_job)),
    st.tuples(st.just(forget_answers), st.integers(0, 1)),
)
# Both begin with the same file and the same questions, asked twice, so that there is something to reuse and to cross.
ASKED: list[tuple[Any, ...]] = [(ask, 0, 0), (ask_one_text, 0)]
BEGIN: list[tuple[Any, ...]] = [(add, 0, 0), *ASKED, *ASKED, (write_template,)]


def in_both(steps: list[tuple[str, tuple[Any, ...]]]) -> dict[str, Office]:
    """Take the steps, each in its workspace."""
    reuse.memory = reuse.Memory(reuse.MEMORY_ENTRIES)
    pipeline.change("INSERT INTO workspace (id, name) VALUES (:id, 'there') ON CONFLICT DO NOTHING", id=THERE)
    offices = {HERE: Office(), THERE: Office()}
    for where, (step, *arguments) in steps:
        with workspace.bound(where):
            step(offices[where], *arguments)
    return offices


def told(value: Any) -> Any:
    """Without what differs from run to run: ids, times, and what they are made of."""
    leave = {"id", "created_at", "started_at", "finished_at", "first_seen", "last_seen", "time", "since", "latency_ms"}
    leave |= {"job", "request", "document", "insight", "response", "template", "correlation_id", "job_id", "params"}
    leave |= {"bytes", "request_id", "custom_id", "stated", "head"}
    if hasattr(value, "__dataclass_fields__"):
        value = asdict(value)
    if isinstance(value, dict):
        return {name: told(one) for name, one in value.items() if name not in leave}
    if isinstance(value, list | tuple):
        return sorted((told(one) for one in value), key=repr)
    return value


def everything(office: Office) -> dict[str, Any]:
    """What all reads of the doors say."""
    insights = insights_report.find().items
    found_jobs = jobs_report.find().items
    return told(
        {
            "seen": repr(office.seen),
            "collections": documents_report.collections(),
            "documents": documents_report.find().items,
            "documents by state": documents_report.count_by_state(),
            "documents with text": documents_report.count(Filters()),
            "summed up": [documents_report.sum_up(name) for name in COLLECTIONS],
            "jobs": found_jobs,
            "jobs by state": jobs_report.count_by_state(),
            "jobs found": [jobs_report.find(text="key").items, jobs_report.find(text="Own").items],
            "requests": [requests_report.requests(job.id).items for job in found_jobs],
            "responses": [requests_report.responses(job.id).items for job in found_jobs],
            "insights": insights,
            "insights counted": insights_report.count(),
            "insights searched": insights_report.find(InsightFilters(q="pumps")).items,
            "insights by collection": [
                insights_report.find(InsightFilters(collection=name)).items for name in COLLECTIONS
            ],
            # But for the ids of own templates.
            "facets": [
                replace(facets_report.facets(given), templates=())
                for given in (
                    None,
                    InsightFilters(q="pumps"),
                    *(InsightFilters(collection=name) for name in COLLECTIONS),
                )
            ],
            "changes": changes_report.changes(since=datetime(2020, 1, 1, tzinfo=UTC)),
            "languages": insights_report.search(),
            "evidence": evidence_report.evidence([row.id for row in insights]),
            "templates": [(one.name, one.version) for one in templates.list_all()],
            **spent(),
            "records": costs.records().items,
            "overview": overview.read(NOW),
            "stats": {name: value for name, value in stats.overview().items() if name != "by_day"},
            "savings": savings.read(datetime(2020, 1, 1, tzinfo=UTC)),
            "answers": [reuse.count(Which(everything=True)), reuse.count(Which(model="offline-1"))],
            "answers by template": reuse.count(Which(template="key_points")),
        }
    )


def spent() -> dict[str, Any]:
    """Of templates and jobs without their ids, which differ from run to run."""
    with costs.reading() as now:
        tables = {by: now.table([by]).rows for by in ("model", "lane", "template", "job")}
        always = Stretch(datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
        return {
            "total": now.total(),
            "costs": [tables[by] for by in ("model", "lane")],
            "costs by template and job": [[row.sums for row in tables[by]] for by in ("template", "job")],
            "new insights": [now.new_insights(always), now.new_insights(always, cost_sums.Filters(lane=("live",)))],
        }


@settings(max_examples=5, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from((HERE, THERE)), STEPS), max_size=8))
def test_each_of_two_workspaces_sees_what_it_would_see_alone(
    database: str, more: list[tuple[str, tuple[Any, ...]]]
) -> None:
    emptying.empty(database)
    steps = [(where, step) for step in BEGIN for where in (HERE, THERE)] + more
    together = in_both(steps)
    found = {}
    for where in (HERE, THERE):
        with workspace.bound(where):
            found[where] = everything(together[where])
    for where in (HERE, THERE):
        emptying.empty(database)
        alone = in_both([step for step in steps if step[0] == where])[where]
        with workspace.bound(where):
            assert found[where] == everything(alone)


@pytest.fixture
def there(database: str) -> Office:
    """A workspace with some of everything, seen from another one that has nothing."""
    return in_both([(THERE, step) for step in BEGIN])[THERE]


BY_DOCUMENT: list[Callable[[str], object]] = [
    content.get,
    content.text_of,
    content.original,
    lambda id_: content.quoted_in(id_, 0, 3),
    deletion.delete,
    extract.retry,
    lambda id_: launch.estimate(JobSpec("key_points", "offline", documents=(id_,)), NOW),
    lambda id_: launch.create(JobSpec("key_points", "offline", documents=(id_,)), NOW),
]
BY_JOB: list[Callable[[str], object]] = [
    jobs_report.get,
    jobs_report.check_exists,
    jobs_deletion.removal,
    jobs_deletion.delete,
    control.pause,
    control.resume,
    control.cancel,
    lambda id_: control.rename(id_, "Mine", ""),
    launch.start,
    resend.retry,
    lambda id_: resend.resend_estimate(id_, NOW),
    lambda id_: moving.to_lane(id_, "batch"),
    lambda id_: moving.to_model(id_, "offline", "offline-1"),
    lambda id_: moving.estimate(id_, NOW),
    lambda id_: own_requests.forecast(id_, NOW),
    lambda id_: own_requests.add(id_, [b"{}"], NOW),
    lambda id_: changes_report.changes(job=id_),
    requests_report.requests,
    requests_report.responses,
    requests_report.events,
    batches_report.provider_batches,
    output.lines,
]
BY_TEMPLATE: list[Callable[[str], object]] = [
    templates.get,
    lambda id_: templates.change(id_, "Mine", "Judge.", FIELDS, insights=True),
    lambda id_: asyncio.run(single_text.process(id_, TEXT, {}, "offline", None)),
    lambda id_: launch.check(JobSpec(id_, "offline", collection="default")),
    lambda id_: reuse.count(Which(template=id_)),
    lambda id_: resilience.change({"preset": "simple"}, id_),
]

BY_INSIGHT: list[Callable[[str], object]] = [
    insights_report.get,
    lambda id_: merging.preview(id_, [id_]),
    lambda id_: merging.merge(id_, [id_], force=True),
    lambda id_: merging.unmerge(insight_id=id_),
]


def refused(call: Callable[[str], object], id_: str) -> str:
    with pytest.raises((NotFound, InvalidInput)) as caught:
        call(id_)
    return caught.value.message.replace(id_, "ID")


def test_an_id_of_another_workspace_is_as_one_that_never_was(there: Office) -> None:
    insight = rows("SELECT id FROM insight LIMIT 1")[0]["id"]
    batch = made.batch(there.jobs[0], "settling")
    before = (
        rows("SELECT state, name FROM job")
        + rows("SELECT name, version FROM template")
        + rows("SELECT state FROM document")
    )
    for id_, calls in (
        (there.documents[0], BY_DOCUMENT),
        (there.jobs[0], BY_JOB),
        (there.templates[0], BY_TEMPLATE),
        (insight, BY_INSIGHT),
        (batch, [resend.give_up_looking]),
    ):
        for call in calls:
            assert refused(call, id_) == refused(call, "never")
    assert before == rows("SELECT state, name FROM job") + rows("SELECT name, version FROM template") + rows(
        "SELECT state FROM document"
    )


def test_what_hangs_on_a_job_or_a_document_of_another_workspace_is_empty(there: Office) -> None:
    job, document = there.jobs[0], there.documents[0]
    batch = made.batch(job, "settling", tries=9, next_at=datetime(2020, 1, 1, tzinfo=UTC))
    made.odd_line(batch, "broken", b"secret")
    made.usage(job, status="unheard")
    pipeline.change("UPDATE usage_record SET workspace_id = :there", there=THERE)
    pipeline.change("UPDATE request SET state = 'failed'")
    pipeline.change("UPDATE document SET waiting_since = '2020-01-01', state = 'queued'")
    assert documents_report.by_ids([document]) == []
    assert documents_report.sum_up([document]).documents == documents_report.sum_up_job(job).documents == 0
    insights = [row["id"] for row in rows("SELECT id FROM insight")]
    assert evidence_report.evidence(insights) == list(evidence_report.page(insights[0]).items) == []
    assert evidence_report.totals(insights) == {}
    assert history.of_insight(insights[0]).items == merging.merges(insight=insights[0]).items == ()
    assert batch_report.odd_lines(job) == batch_report.beyond(job) == requests_report.failures(job) == []
    assert batch_report.odd_counts(job) == batch_report.summary(job, "offline").groups == {}
    assert overview.troubled_jobs() == stuck.read() == []
    with pytest.raises(AssertionError):
        canary.read(job, NOW)
    assert (
        requeue_by_hand.requeue("documents", [document], NOW) == requeue_by_hand.requeue("batches", [batch], NOW) == 0
    )
    assert read_again.ask_all(Filters()) == 0
    with workspace.bound(THERE):
        assert {row.kind for row in stuck.read()} == {"documents", "batches"}
        assert {row.id for row in overview.troubled_jobs()} == set(there.jobs)
        assert (
            len(batch_report.odd_lines(job)) == len(batch_report.beyond(job)) == len(requests_report.failures(job)) == 1
        )


def test_everybody_has_the_built_in_templates(there: Office) -> None:
    with workspace.bound(THERE):
        assert [one.name for one in templates.list_all() if not one.built_in] == ["Own"]
    assert all(one.built_in for one in templates.list_all())
    with db.transaction() as session, pytest.raises(NotFound, match="GET /api/v1/templates lists them"):
        templates.asked_now(session, there.templates[0], {}, "offline")
