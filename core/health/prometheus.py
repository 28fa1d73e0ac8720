"""All metrics that Prometheus reads."""

from collections import Counter
from datetime import datetime

from core import __version__
from core.budgets import report as budgets_report
from core.errors import Unavailable
from core.health import components as health_components
from core.health import counters as health_counters
from core.health.components import Component, Health
from core.health.counters import Counters, Metric, gauge
from core.health.readings import PROVIDER
from core.health.report import WorkerRow
from core.money import anomalies, costs


def read(counters: Counters, at: datetime) -> list[Metric]:
    """All metrics; only a few while the database does not answer. A scrape must not fail just when it matters."""
    try:
        found = health_components.read(at)
        up = next(one for one in found.components if one.name == "database").figures
        return [*_standing(found.components, up=bool(up)), *(_of_the_database(counters, found) if up else [])]
    except Unavailable:
        return _standing([Component("database", False, "", {}, None, at)], up=False)


def _standing(components: list[Component], *, up: bool) -> list[Metric]:
    return [
        gauge("cairn_build_info", "The version that answers.", ({"version": __version__}, 1)),
        gauge(
            "cairn_component_healthy",
            "1 while a component is well; left out while that is not known.",
            *(({"component": one.name}, int(one.healthy)) for one in components if one.healthy is not None),
        ),
        gauge("cairn_database_up", "1 while the database answers.", ({}, int(up))),
    ]


def _of_the_database(counters: Counters, found: Health) -> list[Metric]:
    rows = [*_figures(found.components), *_processes(found.workers), *health_counters.states(), *counters.read()]
    return [*rows, *_money()]


def _money() -> list[Metric]:
    with costs.reading() as now:
        days = Counter(one.of for one in anomalies.read(now, with_jobs=0))
        budgets = budgets_report.every(now.as_of)
    of_budgets = [({"id": one.taken.id, "scope": one.taken.scope, "key": one.taken.key}, one.taken) for one in budgets]
    return [
        gauge(
            "cairn_cost_anomalies",
            "Ended days of the last week that cost far more than usual.",
            *(({"of": str(of)}, days[of]) for of in anomalies.OF),
        ),
        gauge("cairn_budget_limit_usd", "Budgets a month.", *((of, one.limit_usd) for of, one in of_budgets)),
        gauge(
            "cairn_budget_taken_usd",
            "Of budgets: spent this month, and held for what has not ended.",
            *((of, one.spent_usd + one.held_usd) for of, one in of_budgets),
        ),
    ]


# Metric, help, prefix of the components' names, their figure, and the factor that makes it Prometheus' unit.
FIGURES = (
    ("cairn_database_round_trip_seconds", "One round trip.", "database", "round_trip_ms", 0.001),
    ("cairn_database_bytes", "The size of the database.", "database", "bytes", 1),
    ("cairn_database_connections", "Connections of web in use.", "database", "connections", 1),
    ("cairn_scheduler_heartbeat_age_seconds", "Since the scheduler's last sample.", "scheduler", "heartbeat_age_s", 1),
    ("cairn_workers_alive", "Jobs processes that are alive.", "workers", "alive", 1),
    ("cairn_workers_busy", "Live calls in flight in jobs processes.", "workers", "busy", 1),
    ("cairn_queue_documents", "Documents that wait to be read.", "queue", "documents", 1),
    ("cairn_queue_requests", "Requests of running jobs that wait to be sent.", "queue", "requests", 1),
    ("cairn_queue_oldest_seconds", "How long the oldest item waits.", "queue", "oldest_s", 1),
    ("cairn_reuse_share", "Share of the last hour's answers that were reused.", "reuse", "share", 1),
    ("cairn_disk_free_bytes", "Free where DATA_DIR lies.", "disk", "free_bytes", 1),
    ("cairn_provider_error_share", "Share of calls that failed in ten minutes.", PROVIDER, "error_share", 1),
    ("cairn_provider_p95_seconds", "95 % of answers in ten minutes came within this.", PROVIDER, "p95_ms", 0.001),
    ("cairn_provider_rate_limit_headroom", "The share of the rate limit that is left.", PROVIDER, "headroom", 1),
    ("cairn_provider_last_success_age_seconds", "Since the last answer.", PROVIDER, "last_success_age_s", 1),
)


def _figures(components: list[Component]) -> list[Metric]:
    found = []
    for name, help_, component, figure, factor in FIGURES:
        samples = [
            (_labels(one.name), round(one.figures[figure] * factor, 6))
            for one in components
            if figure in one.figures and one.name.startswith(component)
        ]
        found.append(gauge(name, help_, *samples))
    return found


def _labels(component: str) -> dict[str, str]:
    return {"provider": component.removeprefix(PROVIDER)} if component.startswith(PROVIDER) else {}


def _processes(rows: list[WorkerRow]) -> list[Metric]:
    """Web and jobs processes, by their worker rows. A restarted container's process has the name of the one that died,
    whose lease may still hold: the newest row counts."""
    newest = {(row.name, row.kind): row for row in sorted(rows, key=lambda row: row.id) if row.alive}
    alive = [({"process": row.name, "kind": row.kind}, row) for row in newest.values()]
    return [
        gauge("cairn_process_up", "Processes that are alive.", *((of, 1) for of, _ in alive)),
        gauge("cairn_process_memory_bytes", "Resident memory.", *((of, row.memory_bytes) for of, row in alive)),
        Metric(
            "cairn_process_cpu_seconds_total",
            "counter",
            "CPU time used.",
            [(of, round(row.cpu_seconds, 2), "") for of, row in alive],
        ),
        gauge(
            "cairn_process_start_time_seconds",
            "When it started, since the epoch.",
            *((of, round(row.started_at.timestamp(), 3)) for of, row in alive),
        ),
        gauge(
            "cairn_leader", "1 for the process whose scheduler leads.", *((of, int(row.leader)) for of, row in alive)
        ),
    ]
