"""Rules of what is healthy: figures in, a reading out. One definition for samples, page, API and metrics.

The message of an unhealthy reading names what to do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from core.calls.report import ModelRow, added, quantile_ms
from core.environment import SignIn
from core.health.database import DatabaseHealth
from core.health.report import QueueRow, ReuseRow, SampleRow, WorkerRow
from core.requests.reuse import ReuseHealth
from core.runtime.rights import Rights
from core.upkeep.stuck import LATE

# With fewer calls, a large share of failures may be chance.
FEW_CALLS = 10
BAD_SHARE = 0.5
LEAST_FREE_BYTES = 1 << 30
PROVIDER = "provider:"
ACCESS = "access"
ENDS_SOON = timedelta(days=30)


@dataclass(frozen=True)
class Reading:
    component: str
    healthy: bool
    message: str
    figures: Mapping[str, float] = field(default_factory=dict)


def database(found: DatabaseHealth, size_bytes: float | None, *, embedded: bool) -> Reading:
    if not found.connected:
        return Reading("database", False, AWAY_EMBEDDED if embedded else AWAY)
    figures = {
        "round_trip_ms": found.response_time_ms or 0.0,
        "connections": float(found.active_connections),
        "connections_most": float(found.pool_size),
    }
    if size_bytes is not None:
        figures["bytes"] = float(size_bytes)
    parts = [
        f"{found.response_time_ms} ms a round trip",
        f"{found.active_connections} of {found.pool_size} connections in use",
        f"schema {found.revision} is up to date",
    ]
    if size_bytes is not None:
        parts.append(_size(size_bytes))
    message = found.error or ", ".join(parts)
    return Reading("database", found.healthy, message, figures)


def _size(number: float) -> str:
    return f"{number / (1 << 30):,.1f} GB" if number >= 1 << 30 else f"{number / (1 << 20):,.0f} MB"


AWAY = "It cannot be reached. Check that PostgreSQL runs and that DATABASE_URL points at it."
AWAY_EMBEDDED = "It cannot be reached. It is started again by itself; if it stays away, the log says why."


def scheduler(last: SampleRow | None, leader: str | None, at: datetime, every: timedelta) -> Reading:
    """By its newest sample. The scheduler takes the samples itself: without one it has stopped."""
    start = "Start a jobs process: python -m jobs."
    if last is None:
        return Reading("scheduler", False, f"No heartbeat yet. {start}")
    age = at - last.time
    figures = {"heartbeat_age_s": age.total_seconds()}
    if age > stale_after(every):
        return Reading("scheduler", False, f"No heartbeat for {int(age.total_seconds() // 60)} min. {start}", figures)
    if not last.healthy:
        return Reading("scheduler", False, last.message, figures)
    who = f"ticking; {leader} leads" if leader else "ticking"
    return Reading("scheduler", True, f"{who}, last heartbeat {_ago(age)}", figures)


def _ago(age: timedelta) -> str:
    seconds = max(0, int(age.total_seconds()))
    return f"{seconds} s ago" if seconds < 120 else f"{seconds // 60:,} min ago"


def _ahead(time: timedelta) -> str:
    seconds = int(time.total_seconds())
    if seconds <= 0:
        return "any moment now"
    return f"in {seconds} s" if seconds < 120 else f"in {seconds // 60:,} min"


def stale_after(every: timedelta) -> timedelta:
    """The age from which on a sample is too old: three were missed."""
    return max(every * 3, timedelta(seconds=90))


def ticking(well: bool) -> Reading:
    """The leader's sample of itself."""
    if well:
        return Reading("scheduler", True, "ticking")
    return Reading("scheduler", False, "Its rounds fail or hang. The log of the jobs process says why.")


def workers(rows: Sequence[WorkerRow], at: datetime) -> Reading:
    alive = [row for row in rows if row.alive]
    busy = sum(row.busy for row in alive)
    figures = {"alive": float(len(alive)), "busy": float(busy)}
    if alive:
        return Reading("workers", True, f"{len(alive)} alive, {busy:,} {_calls(busy)} in flight", figures)
    seen = max((row.last_seen for row in rows), default=None)
    last = f" The last one was seen {_ago(at - seen)}." if seen else ""
    return Reading("workers", False, f"None is alive.{last} Start one: python -m jobs.", figures)


def _calls(number: int) -> str:
    return "call" if number == 1 else "calls"


def queue(row: QueueRow, at: datetime) -> Reading:
    waited = max(timedelta(0), at - row.oldest) if row.oldest else timedelta(0)
    figures = {
        "documents": float(row.queued_documents),
        "requests": float(row.pending_requests),
        "in_flight": float(row.in_flight_requests),
        "tasks": float(row.tasks),
        "oldest_s": waited.total_seconds(),
    }
    depth = (
        f"{row.queued_documents:,} documents to be read, {row.pending_requests:,} requests to be sent, "
        f"{row.in_flight_requests:,} in flight"
    )
    if waited > LATE:
        minutes = int(waited.total_seconds() // 60)
        remedy = "Start another jobs process, or look at what is stuck below."
        return Reading("queue", False, f"The oldest item waits for {minutes:,} min: {depth}. {remedy}", figures)
    oldest = f"; the oldest waits for {int(waited.total_seconds()):,} s" if waited >= timedelta(seconds=1) else ""
    return Reading("queue", True, f"{depth}{oldest}", figures)


def provider(name: str, models: Sequence[ModelRow], last_success: datetime | None, at: datetime) -> Reading:
    """One provider over all its models."""
    answered, failed = sum(row.answered for row in models), sum(row.failed for row in models)
    spread = added([row.latencies for row in models])
    figures = {"calls": float(answered + failed)}
    if answered + failed:
        figures["error_share"] = failed / (answered + failed)
    for figure, share in (("p50_ms", 0.5), ("p95_ms", 0.95)):
        if (latency := quantile_ms(spread, share)) is not None:
            figures[figure] = round(latency, 1)
    room = [row.headroom for row in models if row.headroom is not None]
    if room:
        figures["headroom"] = round(min(room), 3)
    if last_success is not None:
        figures["last_success_age_s"] = max(0.0, (at - last_success).total_seconds())
    trouble = _trouble(models, answered, failed, at)
    last = f" Last answer {_ago(at - last_success)}." if trouble and last_success else ""
    message = f"{trouble}{last}" if trouble else _well(answered + failed, figures, last_success, at)
    return Reading(f"{PROVIDER}{name}", trouble is None, message, figures)


def _trouble(models: Sequence[ModelRow], answered: int, failed: int, at: datetime) -> str | None:
    for row in models:
        # One that may be tried again, and that nobody needs, keeps nothing waiting.
        due = row.breaker == "open" and not row.by_hand and row.retry_at is not None and row.retry_at <= at
        if row.breaker != "closed" and not due:
            return _open(row, at)
    calls = answered + failed
    if calls >= FEW_CALLS and failed >= calls * BAD_SHARE:
        share = f"{failed / calls:.0%} of {calls:,} calls failed in the last 10 min"
        return f"{share}. Look at the failures of a running job, and at the provider's own status page."
    return None


def _open(row: ModelRow, at: datetime) -> str:
    if row.by_hand:
        return f"{row.model} was stopped by hand: its live work waits. Resume it on the Health page when it may go on."
    if row.breaker == "half_open" or row.retry_at is None:
        return f"{row.model} failed too often; one call tries it again now. Its live work waits for that one."
    again = f"it is called again {_ahead(row.retry_at - at)}"
    return (
        f"{row.model} failed too often: {again}, and its live work waits. Look at the "
        "provider's status page; what cannot wait goes on with another model."
    )


def _well(calls: int, figures: Mapping[str, float], last_success: datetime | None, at: datetime) -> str:
    answered = f"last answer {_ago(at - last_success)}" if last_success else ""
    if not calls:
        return "set up; not called in the last 10 min" + (f", {answered}" if answered else "")
    parts = [f"{calls:,} {_calls(calls)} in 10 min", f"{figures['error_share']:.1%} failed"]
    if "p95_ms" in figures:
        parts.append(f"p50 {figures['p50_ms']:,.0f} ms, p95 {figures['p95_ms']:,.0f} ms")
    if "headroom" in figures:
        parts.append(f"{figures['headroom']:.0%} of the rate limit left")
    return ", ".join([*parts, answered] if answered else parts)


def reuse(row: ReuseRow, lookups: ReuseHealth) -> Reading:
    if not lookups.healthy:
        return Reading("reuse", False, lookups.message)
    answers = row.called + row.reused
    if not answers:
        return Reading("reuse", True, "nothing was asked in the last hour")
    share = row.reused / answers
    message = f"{share:.0%} of {answers:,} answers in the last hour were there already"
    return Reading("reuse", True, message, {"share": share, "answers": float(answers)})


def ocr(mode: str) -> list[Reading]:
    """Empty where it is on."""
    said = "Switched off by EXTRACTION_OCR: scans and other pictures are not read."
    return [Reading("ocr", True, said)] if mode == "off" else []


def access(open_access: bool, sign_in: SignIn = "none") -> list[Reading]:
    """Empty where nobody is asked, and this machine alone gets here."""
    if sign_in != "none":
        how = "by OIDC" if sign_in == "oidc" else "at a proxy, which names them"
        return [Reading(ACCESS, True, f"People sign in {how}.")]
    said = (
        "Nobody is asked who they are (ALLOW_OPEN_ACCESS): everybody who reaches Cairn can read and change everything."
    )
    return [Reading(ACCESS, True, said)] if open_access else []


def sandbox(mode: str, missing: str) -> list[Reading]:
    """Empty where the readers of files are in their sandbox."""
    if mode == "off":
        return [Reading("sandbox", True, "Switched off by EXTRACTION_SANDBOX: readers of files can reach everything.")]
    if not missing:
        return []
    remedy = "No file is read" if mode == "required" else "Files are read without it"
    return [Reading("sandbox", mode == "auto", f"{missing} {remedy}.")]


def rights(found: Rights) -> list[Reading]:
    """Empty where the database itself keeps Cairn from what it must not do. Without that its own code alone does."""
    if not found.missing:
        return []
    said = f"The database does not hold audit and wall: {' '.join(found.missing)} {REMEDY_OF_RIGHTS}"
    return [Reading("rights", True, said)]


REMEDY_OF_RIGHTS = "See README, Your own PostgreSQL."


def disk(free_bytes: int, total_bytes: int) -> Reading:
    figures = {"free_bytes": float(free_bytes), "total_bytes": float(total_bytes)}
    free = f"{free_bytes / (1 << 30):,.1f} GB free of {total_bytes / (1 << 30):,.0f}"
    if free_bytes < LEAST_FREE_BYTES:
        return Reading("disk", False, f"{free}. Make room where DATA_DIR lies, or move it to a larger disk.", figures)
    return Reading("disk", True, f"{free}, where DATA_DIR lies", figures)


def ending(ends: Mapping[tuple[str, str], date], today: date) -> list[Reading]:
    """Models in use, by provider and name, that are switched off within ENDS_SOON; empty where there are none."""
    soon = {name: day for name, day in ends.items() if day - today <= ENDS_SOON}
    if not soon:
        return []
    over = any(day <= today for day in soon.values())
    said = [
        f"{provider}/{model} {'was' if day <= today else 'is'} switched off on {day.isoformat()}"
        for (provider, model), day in sorted(soon.items(), key=lambda item: (item[1], item[0]))
    ]
    remedy = "Choose another default model in Settings, and for jobs that are under way on their pages."
    return [Reading("models", not over, f"{'; '.join(said)}. {remedy}")]


def keys(number: int, warnings: Sequence[str]) -> Reading:
    """Provider keys that were set on the Settings page: how many, and the warnings of those that cannot be used."""
    message = " ".join(warnings) or f"{number} set on the Settings page, usable"
    return Reading("keys", not warnings, message)
