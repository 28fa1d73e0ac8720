"""The live lane of one worker process: calls over shared clients, and answers kept in small groups.

Backpressure: a slot is taken before a request is claimed, and is free again only when its outcome is committed. There
are never more calls in flight, with answers that wait to be stored, than slots.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import orjson
import structlog
from sqlalchemy.exc import DataError
from sqlmodel import Session

from core.answers import derive, keep
from core.answers.derive import DERIVE_AT_ONCE
from core.asking import templates
from core.asking.request_plan import OWN_OUTPUT_TOKENS
from core.budgets import holding
from core.calls import ask, clients
from core.calls.outcomes import Call, Failed, Kept, Outcome
from core.errors import Unavailable
from core.live import claims, release
from core.live import waiting as live_waiting
from core.requests import refitting, reuse
from core.requests import waiting as requests_waiting
from core.runtime import correlation, db, shared_clock
from core.tables.jobs import Job

log = structlog.get_logger()
T = TypeVar("T")
DATABASE_THREADS = "database"
# Few enough that slots come free again while the next ones are being stored.
KEEP_AT_MOST = 16
# How long answers are gathered before they are derived, while calls are under way.
GATHER_SECONDS = 0.2
# Seconds. A twin in the live lane is answered by then; for one in a batch, which may take a day, the tick pumps again.
WAIT_FOR_TWINS = 3.0
# Seconds. For longer waits for headroom in a rate limit the tick pumps again. Within them the limit is looked at again
# and again: caps may change, and other processes use it as well.
WAIT_FOR_ROOM = 15.0
LOOK_AGAIN = 0.1, 1.0
# Seconds. At the end, how long storing outcomes may take; a database that is away must not keep us from ending.
STORE_SECONDS = 2
# Seconds. How often a raised limit is looked for while claims wait for a slot.
LOOK_SECONDS = 0.5


class Slots:
    """As many at once as the limit says at the moment; when it falls, slots that are taken stay taken."""

    def __init__(self, limit: Callable[[], int]):
        self._limit = limit
        self._taken = 0
        self._freed = asyncio.Event()

    @property
    def _free(self) -> int:
        return self._limit() - self._taken

    async def take(self) -> int:
        """Wait for a free slot and take all that are free. Returns how many. First come, first served."""
        while self._free < 1:
            self._freed.clear()
            await self._freed.wait()
        taken = self._free
        self._taken += taken
        return taken

    def give_back(self, number: int) -> None:
        self._taken -= number
        self._freed.set()

    async def look_forever(self) -> None:
        """Wake waiting claims when the limit has risen."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self._free > 0:
                self._freed.set()


class LiveLane:
    def __init__(self, worker_id: int, concurrency: Callable[[], int]):
        """`concurrency` returns the most calls at once; it is asked anew for each claim."""
        self.worker_id = worker_id
        self.slots = Slots(concurrency)
        self.stopping = asyncio.Event()
        self.in_flight: set[asyncio.Task[None]] = set()
        self._outcomes: asyncio.Queue[tuple[Outcome, asyncio.Future[None] | None]] = asyncio.Queue()
        self._answered = asyncio.Event()
        self._database = ThreadPoolExecutor(4, thread_name_prefix=DATABASE_THREADS)
        self.background: list[asyncio.Task[None]] = []
        self._pumping: set[str] = set()
        self._nudged: set[str] = set()
        self._claiming: set[asyncio.Task[claims.Claimed]] = set()
        self._claim_lock = asyncio.Lock()
        self._calling: set[int] = set()
        # A connection broke in a claim: it may have been committed without its calls being known here.
        self.unsure = False

    async def open(self) -> None:
        forever = (self._keep_forever(), self._derive_forever(), self.slots.look_forever())
        self.background = [asyncio.create_task(work) for work in forever]
        # Importing an SDK takes seconds: begin before the first claim needs it.
        self._database.submit(clients.get_ready)

    async def close(self, grace_seconds: float) -> None:
        """Let calls in flight end within the grace, cancel the others (outcome unknown), and store all outcomes."""
        self.stopping.set()
        if self.in_flight:
            await asyncio.wait(self.in_flight, timeout=grace_seconds)
        for task in self.in_flight:
            task.cancel()
        if self.in_flight:
            await asyncio.wait(self.in_flight, timeout=1)
        if self._claiming:
            await asyncio.wait(self._claiming, timeout=1)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._outcomes.join(), timeout=STORE_SECONDS)
        for task in self.background:
            task.cancel()
        await asyncio.gather(*self.background, return_exceptions=True)
        self._database.shutdown(wait=False, cancel_futures=True)

    async def pump(self, job_id: str) -> None:
        """Send a job's requests until none is left to send. A second pump of a job only nudges the first."""
        self._nudged.add(job_id)
        if job_id in self._pumping:
            return
        self._pumping.add(job_id)
        try:
            while job_id in self._nudged and not self.stopping.is_set():
                self._nudged.discard(job_id)
                await self._pump_until_empty(job_id)
        finally:
            self._pumping.discard(job_id)

    async def _pump_until_empty(self, job_id: str) -> None:
        mine: set[asyncio.Task[None]] = set()
        patience = WAIT_FOR_TWINS
        while not self.stopping.is_set():
            # A cancelled pump must not separate a claim from its calls: they would stay in flight for ever.
            claiming = asyncio.create_task(self.claim_and_call(job_id, mine))
            self._claiming.add(claiming)
            claiming.add_done_callback(self._claiming.discard)
            claimed = await asyncio.shield(claiming)
            if claimed.reused:
                self._answered.set()
            elif claimed.calls:
                continue
            elif claimed.full and (mine or claimed.full.seconds < WAIT_FOR_ROOM):
                await self._pause(min(max(claimed.full.seconds, LOOK_AGAIN[0]), LOOK_AGAIN[1]))
            elif mine:
                await asyncio.wait(mine, return_when=asyncio.FIRST_COMPLETED)
            elif claimed.waiting and patience > 0:
                patience -= 0.1
                await asyncio.sleep(0.1)
            else:
                return

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), seconds)

    async def claim_and_call(self, job_id: str, mine: set[asyncio.Task[None]]) -> claims.Claimed:
        """One step of a pump: claim for all free slots and start the calls; their tasks are added to `mine`."""
        taken = await self.slots.take()
        used = 0
        try:
            # One at a time: the calls of a claim are known here before the next claim puts back unknown ones.
            async with self._claim_lock:
                claimed = await self._claim(job_id, taken)
                used = len(claimed.calls)
                for call in claimed.calls:
                    self._send(call, mine)
                return claimed
        finally:
            self.slots.give_back(taken - used)

    async def _claim(self, job_id: str, limit: int) -> claims.Claimed:
        """Claim, and put back what was claimed while the worker was being stopped: none of it was sent."""
        if self.stopping.is_set():
            return claims.NOTHING
        try:
            if self.unsure:
                await self._in_thread(lambda: _forget_unsent(self.worker_id, sorted(self._calling)))
                self.unsure = False
            claimed = await self._in_thread(lambda: claim(job_id, self.worker_id, limit))
        except Unavailable:
            self.unsure = True
            raise
        if not self.stopping.is_set():
            return claimed
        for call in claimed.calls:
            self._outcomes.put_nowait((Failed(call, "interrupted", "The worker was stopped.", again=True), None))
        return claims.Claimed((), claimed.reused, waiting=False)

    def _send(self, call: Call, mine: set[asyncio.Task[None]]) -> None:
        self._calling.add(call.request_id)
        with correlation.bound(call.correlation_id, job=call.job_id, request=call.request_id, attempt=call.attempt):
            task = asyncio.create_task(self._answer(call))
        for group in (mine, self.in_flight):
            group.add(task)
            task.add_done_callback(group.discard)

    async def _answer(self, call: Call) -> None:
        try:
            try:
                outcome = await ask.ask(call, note=lambda unknown: self._outcomes.put_nowait((unknown, None)))
            except asyncio.CancelledError:
                # The worker is being stopped; `close` waits until these outcomes are stored.
                self._outcomes.put_nowait((ask.unknown_outcome(call), None))
                message = "The worker was stopped before the answer came."
                self._outcomes.put_nowait((Failed(call, "interrupted", message, again=True), None))
                raise
            except Exception:  # outer boundary of one call: a fault of ours must not hold its slot and request for ever
                log.exception("a call failed inside Cairn")
                outcome = Failed(
                    call, "internal_error", "A fault inside Cairn; its log has the details. Send it again."
                )
            committed = asyncio.get_running_loop().create_future()
            self._outcomes.put_nowait((outcome, committed))
            await committed
        finally:
            self._calling.discard(call.request_id)
            self.slots.give_back(1)

    async def _keep_forever(self) -> None:
        """Store outcomes in groups: the next group gathers while one is being stored, so no timer is needed."""
        while True:
            batch = [await self._outcomes.get()]
            while not self._outcomes.empty() and len(batch) < KEEP_AT_MOST:
                batch.append(self._outcomes.get_nowait())
            await self.until_stored([outcome for outcome, _ in batch])
            for _, committed in batch:
                if committed is not None and not committed.done():
                    committed.set_result(None)
                self._outcomes.task_done()
            self._answered.set()

    async def until_stored(self, outcomes: list[Outcome]) -> None:
        """Keep outcomes, and try again for as long as the database is away: answers are paid for."""
        wait = 0.2
        while True:
            try:
                return await self._in_thread(lambda: _keep(outcomes))
            except DataError:
                return await self._one_by_one(outcomes)
            except Unavailable:
                log.warning("answers wait for the database", answers=len(outcomes), seconds=wait)
                await asyncio.sleep(wait)
                wait = min(wait * 2, 5)

    async def _one_by_one(self, outcomes: list[Outcome]) -> None:
        """Keep each outcome by itself: the database refused a value of one of them."""
        if len(outcomes) > 1:
            for outcome in outcomes:
                await self.until_stored([outcome])
            return
        bad = outcomes[0]
        assert isinstance(bad, Kept)
        log.error("an answer could not be stored as it came", request=bad.call.request_id)
        await self._in_thread(lambda: _keep_unstorable(bad))

    async def _derive_forever(self) -> None:
        while True:
            await self._answered.wait()
            await self._gather()
            self._answered.clear()
            try:
                while await self._in_thread(derive.derive_chunk) == DERIVE_AT_ONCE:
                    pass
            except Unavailable:
                await asyncio.sleep(1)
                self._answered.set()

    async def _gather(self) -> None:
        """Wait a moment for more answers while calls are under way: to derive many costs little more than one."""
        until = time.monotonic() + GATHER_SECONDS
        while self.in_flight and (left := until - time.monotonic()) > 0:
            await asyncio.wait(self.in_flight, timeout=left)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._database, work)


def _forget_unsent(worker_id: int, running: list[int]) -> None:
    with db.transaction(everywhere=True) as session:
        release.forget_unsent(session, worker_id, running)


@reuse.or_without
def claim(job_id: str, worker_id: int, limit: int) -> claims.Claimed:
    """Claim up to `limit` requests of a job; nothing where it does not run or its provider cannot be called here.

    Also stores what the job waits for, and makes its provider's client ready.
    """
    reserved = False
    while True:
        with db.transaction(everywhere=True) as session:
            # A change of the job's model waits until this claim has ended.
            job = session.get(Job, job_id, with_for_update={"read": True, "key_share": True})
            if job is None or job.state != "running":
                return claims.NOTHING
            provider = requests_waiting.provider_of(session, job)
            if provider is None:
                return claims.NOTHING
            refit, claimed = job.refit, claims.NOTHING
            if not refit:
                output = _expected_output(session, job)
                claimed = claims.claim(session, job, worker_id, limit, provider, output, reserved=reserved)
        if refit:
            if not refitting.refit(job_id):
                return claims.Claimed((), 0, waiting=True)
        elif claimed.over_budget:
            reserved = holding.ask_for_more(job_id, shared_clock.now())
            if not reserved:
                return claims.NOTHING
        else:
            break
    if not any(call.probe for call in claimed.calls):
        live_waiting.write(job, claimed)
    if claimed.calls:
        clients.get_ready(job.provider)
    return claimed


def _expected_output(session: Session, job: Job) -> int:
    """The expected output tokens of one answer, remembered: a template version that is used never changes."""
    if job.template_id is None:
        return OWN_OUTPUT_TOKENS
    made_with = [job.template_id, job.template_version, job.params, job.sampling]
    key = orjson.dumps(made_with, option=orjson.OPT_SORT_KEYS).decode()
    known = _expected.get(key)
    if known is None:
        asking = templates.of_job(session, job)
        known = asking.expected_output_tokens
        _expected.put(key, known)
    return known


_expected = reuse.Memory(1000)


def _keep(outcomes: list[Outcome]) -> None:
    with db.transaction(everywhere=True) as session:
        keep.keep(session, outcomes)


def _keep_unstorable(kept: Kept) -> None:
    with db.transaction(everywhere=True) as session:
        keep.keep_unstorable(session, kept)
