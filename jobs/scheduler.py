"""When: APScheduler in every jobs process, but only the leader's ticks do anything.

The leader holds a session-level advisory lock on a connection of its own. The server frees it the moment that
connection is gone or silent for longer than a lease, so another process leads at its next tick.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import psycopg
import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from core.environment import get_settings
from core.errors import Unavailable
from core.health import sampling
from core.jobs import moving
from core.money import folding, unpriced
from core.retention import removal
from core.retention.rules import FIRST_RUN
from core.runtime import engines, shared_clock
from core.settings import reporting_zone
from core.upkeep import tick as upkeep_tick

log = structlog.get_logger()
LEADER_LOCK = 0x0CA1_0003
# A tick that takes longer than this, or fails for as long, makes the scheduler unhealthy.
TICK_SECONDS = 30.0


class Leadership:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: psycopg.Connection[tuple[bool]] | None = None
        self.held = False

    def try_to_hold(self) -> bool:
        """True while this process is the leader. A lost connection loses the lock, too."""
        with self._lock:
            try:
                self._look()
            except psycopg.OperationalError:
                self._let_go()
            return self.held

    def close(self) -> None:
        with self._lock:
            self._let_go()

    def _look(self) -> None:
        if self._connection is None or self._connection.closed:
            self._connection = _connect()
            self.held = False
        if not self.held:
            row = self._connection.execute("SELECT pg_try_advisory_lock(%s)", (LEADER_LOCK,)).fetchone()
            self.held = bool(row and row[0])
        else:
            self._connection.execute("SELECT 1")

    def _let_go(self) -> None:
        self.held = False
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _connect() -> psycopg.Connection[tuple[bool]]:
    url = engines.engine().url.set(drivername="postgresql").render_as_string(hide_password=False)
    name = f"cairn leader {engines.process_name()}"
    connection = psycopg.connect(url, autocommit=True, connect_timeout=5, application_name=name)
    settings = get_settings()
    # A leader that is stopped, or loses its network, keeps its connection; it must not keep the lead as well.
    silence = settings.worker_lease_seconds + settings.scheduler_tick_seconds
    connection.execute("SELECT set_config('idle_session_timeout', %s, false)", (f"{silence * 1000:.0f}",))
    return connection


class AsLeader:
    """Work that only the leader does. A failure is logged; the work is tried again when it is due the next time."""

    def __init__(self, leadership: Leadership, work: Callable[[datetime], None], late_after: float):
        self._leadership = leadership
        self._work = work
        self._late_after = late_after
        self._ended_well = time.monotonic()

    @property
    def late(self) -> bool:
        """It fails, or hangs."""
        return time.monotonic() - self._ended_well > self._late_after

    def __call__(self) -> None:
        try:
            if self._leadership.try_to_hold():
                self._work(shared_clock.now())
        except Unavailable as error:
            log.warning("tick skipped", reason=error.message)
        except Exception:
            log.exception("a tick failed; it is tried again")
        else:
            self._ended_well = time.monotonic()


def _tick(at: datetime) -> None:
    upkeep_tick.tick(at)
    moving.follow_rules(at)
    unpriced.follow_list()


class SetBack:
    """APScheduler uses the machine's clock: set back by an hour, it would do nothing for an hour."""

    LOOK_EVERY_S = 1.0

    def __init__(self, scheduler: BackgroundScheduler):
        self._scheduler = scheduler
        self._stop = threading.Event()
        self._ahead = _ahead()
        self._thread = threading.Thread(target=self._run, name="clock set back", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        while not self._stop.wait(self.LOOK_EVERY_S):
            before, self._ahead = self._ahead, _ahead()
            if self._ahead < before - self.LOOK_EVERY_S:
                log.warning("the clock was set back; the scheduler goes on", seconds=round(before - self._ahead))
                self._go_on(datetime.now(UTC))

    def _go_on(self, at: datetime) -> None:
        for job in self._scheduler.get_jobs():
            by_itself = job.trigger.get_next_fire_time(None, at)
            job.modify(next_run_time=min(by_itself, at + job.trigger.interval))


def _ahead() -> float:
    return time.time() - time.monotonic()


def make(leadership: Leadership) -> BackgroundScheduler:
    """A scheduler with the leader's jobs; started by the caller."""
    settings = get_settings()
    scheduler = BackgroundScheduler(
        timezone=UTC,
        executors={"default": ThreadPoolExecutor(4)},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )

    tick = AsLeader(leadership, _tick, late_after=settings.scheduler_tick_seconds + TICK_SECONDS)
    samples = AsLeader(leadership, lambda at: sampling.take(at, well=not tick.late), late_after=0)
    # Apart from the tick, which must not wait while all sums are made anew.
    sums = AsLeader(leadership, lambda at: folding.keep_up(reporting_zone.name()[0]), late_after=0)
    start = datetime.now(UTC)
    for name, run, seconds in (
        ("tick", tick, settings.scheduler_tick_seconds),
        ("sums", sums, settings.scheduler_tick_seconds),
        ("health", samples, settings.health_sample_seconds),
    ):
        scheduler.add_job(run, "interval", seconds=seconds, id=name, next_run_time=start)
    removing = AsLeader(leadership, removal.run, late_after=0)
    # Not at the start: the Settings page shows when the next run is.
    every = settings.retention_every_seconds
    scheduler.add_job(removing, "interval", seconds=every, id="retention", start_date=FIRST_RUN)
    return scheduler
