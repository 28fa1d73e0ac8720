"""How it stands now, for the page, the API and the metrics: the newest samples, and what may not wait for one."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.environment import get_settings
from core.health import database, readings, report, sampling
from core.health.readings import PROVIDER, Reading
from core.health.report import SampleRow


@dataclass(frozen=True)
class Component:
    """`healthy` None: not known, because its newest sample is too old. `since`: how long it has been so."""

    name: str
    healthy: bool | None
    message: str
    figures: dict[str, float]
    since: datetime | None
    checked_at: datetime


def components(at: datetime) -> list[Component]:
    """All but reuse and the disk as it is at this moment; those two, and what else there is, as it was sampled last.

    With the database away, only that is known.
    """
    found = database.database()
    embedded = get_settings().database_url is None
    if not found.connected:
        return [_measured(readings.database(found, None, embedded=embedded), None, at)]
    last = {sample.component: sample for sample in report.latest_samples()}
    every = timedelta(seconds=get_settings().health_sample_seconds)
    # One that the newest round left out is not there any more: a provider that was taken out, for one.
    newest = max((sample.time for sample in last.values()), default=at)
    there = {name: one for name, one in last.items() if newest - one.time < every}
    rows = report.workers()
    leader = next((row.name for row in rows if row.leader and row.alive), None)
    size = last["database"].figures.get("bytes") if "database" in last else None
    measured = [
        readings.database(found, size, embedded=embedded),
        readings.scheduler(last.get("scheduler"), leader, at, every),
        readings.workers(rows, at),
        readings.queue(report.queue(), at),
        *sampling.providers_of([name.removeprefix(PROVIDER) for name in there if name.startswith(PROVIDER)], at),
        # Usable here, they may not be where calls are made; the sample tells of that.
        *(one for one in sampling.stored_keys() if not one.healthy),
    ]
    names = {one.component for one in measured}
    return [
        *(_measured(one, last.get(one.component), at) for one in measured),
        *(_sampled(one, at, every) for name, one in there.items() if name not in names),
    ]


def _measured(one: Reading, last: SampleRow | None, at: datetime) -> Component:
    """`since` is of the samples where they say the same."""
    since = last.since if last and last.healthy == one.healthy else None
    return Component(one.component, one.healthy, one.message, dict(one.figures), since, at)


def _sampled(sample: SampleRow, at: datetime, every: timedelta) -> Component:
    fresh = at - sample.time <= readings.stale_after(every)
    message = sample.message if fresh else "Not known: nobody takes samples. Start a jobs process: python -m jobs."
    return Component(
        sample.component, sample.healthy if fresh else None, message, dict(sample.figures), sample.since, sample.time
    )
