"""The state of each component now, for page, API and metrics: measured where that is cheap, else the newest sample."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.calls import report as calls_report
from core.calls.report import ModelRow
from core.environment import get_settings
from core.health import chain_check, database, readings, report, sampling
from core.health.database import DatabaseHealth
from core.health.readings import PROVIDER, Reading
from core.health.report import SampleRow, WorkerRow
from core.runtime import db, rights


@dataclass(frozen=True)
class Component:
    """`healthy` None: not known, because the newest sample is too old. `since`: from when on it has been so."""

    name: str
    healthy: bool | None
    message: str
    figures: dict[str, float]
    since: datetime | None
    checked_at: datetime


@dataclass(frozen=True)
class Health:
    """All components, with the processes and the models that they were measured from: none where the database does not
    answer, and is the only component."""

    components: list[Component]
    workers: list[WorkerRow]
    models: list[ModelRow]

    @property
    def reachable(self) -> bool:
        return len(self.components) > 1


def components(at: datetime) -> list[Component]:
    return read(at).components


def read(at: datetime) -> Health:
    """Reuse, disk and components of other processes come from the newest samples, the rest is measured."""
    found = database.database()
    if not found.connected:
        embedded = get_settings().database_url is None
        return Health([_measured(readings.database(found, None, embedded=embedded), None, at)], [], [])
    with db.side_by_side() as group:
        samples = group.read(report.latest_samples)
        workers = group.read(report.workers, kind=None)
        models = group.read(calls_report.models)
        queue = group.read(report.queue)
        allowed = group.read(rights.read)
        successes = group.read(calls_report.last_successes)
    last = {sample.component: sample for sample in samples.found}
    every = timedelta(seconds=get_settings().health_sample_seconds)
    # A component without a sample in the newest round is gone: a provider that was removed, for example.
    newest = max((sample.time for sample in last.values()), default=at)
    there = {name: one for name, one in last.items() if newest - one.time < every}
    measured = [
        *_of_machine(found, last, workers.found, at),
        readings.queue(queue.found, at),
        *readings.rights(allowed.found),
        *sampling.providers_of(_providers(there), models.found, successes.found, at),
        *readings.access(get_settings().open_access, get_settings().sign_in),
        *chain_check.reading(at),
        # Keys that are usable here may not be usable in the jobs process, which takes the samples: those count, then.
        *(one for one in sampling.stored_keys() if not one.healthy),
    ]
    names = {one.component for one in measured}
    components = [
        *(_measured(one, last.get(one.component), at) for one in measured),
        *(_sampled(one, at, every) for name, one in there.items() if name not in names),
    ]
    return Health(components, workers.found, models.found)


def _of_machine(
    found: DatabaseHealth, last: Mapping[str, SampleRow], workers: Sequence[WorkerRow], at: datetime
) -> list[Reading]:
    rows = [row for row in workers if row.kind == "jobs"]
    leader = next((row.name for row in rows if row.leader and row.alive), None)
    size = last["database"].figures.get("bytes") if "database" in last else None
    every = timedelta(seconds=get_settings().health_sample_seconds)
    return [
        readings.database(found, size, embedded=get_settings().database_url is None),
        readings.scheduler(last.get("scheduler"), leader, at, every),
        readings.workers(rows, at),
    ]


def _providers(there: Collection[str]) -> list[str]:
    return [name.removeprefix(PROVIDER) for name in there if name.startswith(PROVIDER)]


def _measured(one: Reading, last: SampleRow | None, at: datetime) -> Component:
    """`since` comes from the newest sample where it agrees."""
    since = last.since if last and last.healthy == one.healthy else None
    return Component(one.component, one.healthy, one.message, dict(one.figures), since, at)


def _sampled(sample: SampleRow, at: datetime, every: timedelta) -> Component:
    fresh = at - sample.time <= readings.stale_after(every)
    message = sample.message if fresh else "Not known: nobody takes samples. Start a jobs process: python -m jobs."
    return Component(
        sample.component, sample.healthy if fresh else None, message, dict(sample.figures), sample.since, sample.time
    )
