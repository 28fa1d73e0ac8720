"""Samples every 30 s by the leader, kept for 30 days; whole hours are rolled up and kept for longer."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from core.calls import clients, statistics
from core.calls import report as calls_report
from core.calls.report import ModelRow
from core.documents.extraction import sandbox
from core.environment import get_settings
from core.health import database, readings
from core.health import report as reports_health
from core.health.readings import Reading
from core.providers.known_models import ends_on
from core.requests import reuse
from core.runtime import db, disk, rights
from core.settings import credentials, defaults, provider_rows
from core.tables.health import HealthSample

KEEP_SAMPLES = timedelta(days=30)
KEEP_HOURS = timedelta(days=400)


def take(at: datetime, *, well: bool) -> None:
    """Store one sample of each component. `well`: the scheduler's ticks end without an error."""
    found = [*measured(at), readings.ticking(well)]
    with db.transaction() as session:
        session.add_all(
            HealthSample(component=one.component, healthy=one.healthy, message=one.message, figures=dict(one.figures))
            for one in found
        )
    roll_up()


def measured(at: datetime) -> list[Reading]:
    """All components but the scheduler, as they are now."""
    size = reports_health.database_bytes()
    free, total = disk.room()
    return [
        readings.database(database.database(), size, embedded=get_settings().database_url is None),
        readings.workers(reports_health.workers(), at),
        readings.queue(reports_health.queue(), at),
        *providers_of(list(clients.configured()), calls_report.models(), calls_report.last_successes(), at),
        readings.reuse(reports_health.reuse(), reuse.health()),
        readings.disk(free, total),
        *stored_keys(),
        *readings.ending(ends_of_models(), at.date()),
        *readings.ocr(get_settings().extraction_ocr),
        *readings.rights(rights.read()),
        *readings.sandbox(get_settings().extraction_sandbox, sandbox.missing()),
    ]


def providers_of(
    set_up: Sequence[str], models: Sequence[ModelRow], successes: Mapping[str, datetime], at: datetime
) -> list[Reading]:
    """Readings of providers that are set up or were called in the last ten minutes, of all that `models` tell."""
    names = [*set_up, *(row.provider for row in models if row.calls)]
    return [
        readings.provider(name, [row for row in models if row.provider == name], successes.get(name), at)
        for name in dict.fromkeys(names)
    ]


def stored_keys() -> list[Reading]:
    """A reading of the keys set on the Settings page, as this process sees them; empty where there are none."""
    found = [how for name in provider_rows.remote() if credentials.is_set_here(name) and (how := credentials.of(name))]
    return [readings.keys(len(found), [how.warning for how in found if how.trouble and how.warning])] if found else []


def ends_of_models() -> dict[tuple[str, str], date]:
    """When those models in use end of which that is known: defaults of what is set up, and models of recent jobs."""
    chosen = {(name, defaults.model_of(name)[0]) for name in clients.configured()}
    found = {one: ends_on(*one) for one in chosen | reports_health.models_of_jobs()}
    return {one: day for one, day in found.items() if day is not None}


def roll_up() -> None:
    """Roll up all hours that are over and were not yet; then delete samples and hours that are too old."""
    with db.transaction() as session:
        if not db.execute(session, ROLL_UP_HOURS):
            return
        db.execute(session, "DELETE FROM health_sample WHERE time < now() - CAST(:keep AS interval)", keep=KEEP_SAMPLES)
        db.execute(session, "DELETE FROM health_hour WHERE hour < now() - CAST(:keep AS interval)", keep=KEEP_HOURS)
        statistics.fold(session, KEEP_SAMPLES)


ROLL_UP_HOURS = """
WITH due AS MATERIALIZED (
  SELECT component, date_trunc('hour', time, 'UTC') AS hour, healthy, figures FROM health_sample
  WHERE time >= coalesce((SELECT max(hour) + interval '1 hour' FROM health_hour), '-infinity')
    AND time < date_trunc('hour', now(), 'UTC')
), figure AS (
  SELECT component, hour, key, avg(value::float8) AS mean, max(value::float8) AS most
  FROM due CROSS JOIN LATERAL jsonb_each_text(figures) GROUP BY 1, 2, 3
), figures AS (
  SELECT component, hour, jsonb_object_agg(key, mean) AS figures, jsonb_object_agg(key, most) AS most
  FROM figure GROUP BY 1, 2
)
INSERT INTO health_hour (component, hour, samples, healthy, figures, most)
SELECT component, hour, d.samples, d.healthy, coalesce(figures, '{}'), coalesce(most, '{}')
FROM (SELECT component, hour, count(*) AS samples, count(*) FILTER (WHERE healthy) AS healthy FROM due GROUP BY 1, 2) d
LEFT JOIN figures USING (component, hour)
ON CONFLICT (component, hour) DO NOTHING
"""
