"""What needs somebody's attention, the most urgent first: each a sentence with the page that helps."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import streamlit as st

from core import overview
from core.calls import breaker_report
from core.calls.breaker_report import BreakerRow
from core.health import components
from core.health.components import Component
from core.health.readings import PROVIDER
from core.insights import review_report
from core.insights.report import Count
from core.jobs.report import JobRow
from core.overview import Overview, TroubledJob
from core.runtime.abreast import Group, Report
from core.tables.insights import PairKind
from pages.common import formats, widgets
from pages.words import breakers, health, jobs, review

MOST = 5


@dataclass(frozen=True)
class Trouble:
    """`query`: of the page that helps."""

    what: str
    page: str
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Wrong:
    """What was read to tell."""

    breakers: Report[list[BreakerRow]]
    health: Report[list[Component]]
    jobs: Report[list[TroubledJob]]
    to_review: Report[Mapping[PairKind, Count]]


def read(group: Group) -> Wrong:
    return Wrong(
        group.read(breaker_report.every),
        group.read(lambda: components.components(formats.utc_now())),
        group.read(overview.troubled_jobs, MOST),
        group.read(review_report.open_counts),
    )


def show(wrong: Wrong, found: Overview, at_work: Sequence[JobRow], now: datetime) -> None:
    """`at_work`: the newest jobs that are going or paused."""
    st.header("Needs attention")
    breakers = wrong.breakers.found
    troubles = [
        *_of_the_machine(breakers, wrong.health.found, now),
        *_of_jobs(at_work, breakers, now),
        *(_failed(job) for job in wrong.jobs.found),
        *_of_the_rest(found, wrong.to_review.found),
    ]
    with widgets.lines("wrong"):
        for one in troubles:
            widgets.link(formats.plain(one.what), one.page, ":material/error:", **one.query)
    if not troubles:
        st.caption("Nothing. All is well.")


def _of_the_machine(known: Sequence[BreakerRow], parts: Sequence[Component], now: datetime) -> Iterator[Trouble]:
    """Open breakers, then what Health shows in red. A provider behind an open breaker is named once."""
    stopped = [one for one in known if one.state != "closed"]
    for one in stopped:
        behind = f". Waiting: {breakers.behind(one.requests, one.jobs)}" if one.requests else ""
        name = breakers.name(one.provider, one.model)
        yield Trouble(f"{name} {breakers.meaning(one, now)}{behind}", "health/health.py")
    named = {f"{PROVIDER}{one.provider}" for one in stopped}
    for part in parts:
        if part.healthy is False and part.name not in named:
            yield Trouble(f"{health.name(part.name)}: {part.message}", "health/health.py")


def _of_jobs(at_work: Sequence[JobRow], known: Sequence[BreakerRow], now: datetime) -> Iterator[Trouble]:
    """What a person has to decide, then what waits."""
    for job in [job for job in at_work if job.state == "paused"][:MOST]:
        words = "its canary is through, decide on the rest" if jobs.waits_for_decision(job) else "paused"
        yield Trouble(f"{job.name}: {words}", "job/job.py", {"id": job.id})
    open_breakers = {(one.provider, one.model): one for one in known if one.state != "closed"}
    for job in [job for job in at_work if job.waits_for and job.state != "paused"][:MOST]:
        words = jobs.waits_for(job, open_breakers, now)
        yield Trouble(f"{job.name} waits for {words}", "job/job.py", {"id": job.id})


def _failed(job: TroubledJob) -> Trouble:
    return Trouble(f"{job.failed:,} failed in {job.name}", "job/job.py", {"id": job.id})


def _of_the_rest(found: Overview, to_review: Mapping[PairKind, Count]) -> Iterator[Trouble]:
    if found.failed_documents:
        unread = f"{formats.count(found.failed_documents, 'document')} could not be read"
        yield Trouble(unread, "documents/documents.py", {"state": "failed"})
    if waiting := review.waiting(to_review):
        yield Trouble(waiting, "review/review.py")
