"""One round of all that there is to do: fetch and keep results, hand over batches, send live requests.

It takes the same steps as a jobs process, with the same claims and leases, so it may run beside one, or beside another
round that takes longer than usual.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import structlog

from core.answers import derive
from core.batch import steps as batch_steps
from core.documents import extract, read_again
from core.documents.claims import READERS
from core.environment import Settings
from core.errors import CairnError
from core.insight_base import rechecking, renewal
from core.insights import comparing
from core.jobs import moving
from core.judging import verdicts
from core.money import folding, unpriced
from core.requests import expansion
from core.retention import removal
from core.runtime import shared_clock
from core.settings import reporting_zone
from core.upkeep import one_round, takeover
from jobs import process

log = structlog.get_logger()
# How long to wait for answers that another process is deriving at the moment.
PATIENCE_SECONDS = 10.0


async def run(settings: Settings) -> None:
    """Ends the process: with exit code 1 where a step failed; stderr has a line for each."""
    stop = process.stop_on_signals()
    async with process.at_work(settings, lambda: False) as one:
        this = Round(one)
        well = await one.work(this.make(), stop)
    process.leave(0 if well and not this.failures else 1)


class Round:
    def __init__(self, worker: process.JobsProcess):
        self._worker = worker
        self._seen: list[str] = []
        self.failures: list[str] = []

    async def make(self) -> None:
        newest = await asyncio.to_thread(one_round.newest_task)
        await self._try({"taking over from the dead": asyncio.to_thread(takeover.take_over, shared_clock.now())})
        await self._try({"pricing by a newer list": asyncio.to_thread(unpriced.follow_list)})
        await self._try({"moving what waits": asyncio.to_thread(moving.follow_rules, shared_clock.now())})
        await self._advance()
        await self._try({"deriving": self._derive()})
        await self._extract()
        for job_id in (await _open()).jobs:
            await self._try({f"job {job_id}": asyncio.to_thread(_expand_and_pack, job_id)})
        await self._advance()
        lane = self._worker.lane
        await self._try({f"job {job_id}": lane.pump(job_id) for job_id in (await _open()).live_jobs})
        await self._try({"deriving": self._derive()})
        await self._read_again()
        await self._try({"checking quotes again": asyncio.to_thread(rechecking.recheck_all)})
        for what, some in (
            ("renewing insights", renewal.renew),
            ("comparing insights", comparing.compare_some),
            ("reading verdicts", verdicts.read_some),
        ):
            await self._try({what: asyncio.to_thread(_until_none_is_left, some)})
        await self._try({"removing": asyncio.to_thread(removal.run, shared_clock.now())})
        await self._try({"summing up": asyncio.to_thread(folding.keep_up, reporting_zone.name()[0])})
        await asyncio.to_thread(one_round.finish_jobs)
        await asyncio.to_thread(one_round.forget_tasks, newest)
        for trouble in await asyncio.to_thread(one_round.troubles, self._seen):
            self._failed(trouble)

    async def _advance(self) -> None:
        """The next steps of all batches that this round has not looked at yet."""
        fresh = [batch_id for batch_id in (await _open()).batches if batch_id not in self._seen]
        self._seen += fresh
        handed_over = self._worker.handed_over
        await self._try({f"batch {one}": handed_over.advance(one, due_only=False) for one in fresh})

    async def _derive(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while await asyncio.to_thread(derive.derive_chunk) or (
            (await _open()).answered and time.monotonic() < deadline
        ):
            await asyncio.sleep(0.01)

    async def _extract(self) -> None:
        loop, worker_id, stop = asyncio.get_running_loop(), self._worker.lane.worker_id, self._worker.stop_extraction
        threads = ThreadPoolExecutor(READERS, thread_name_prefix="extract")
        steps = {
            f"document {one}": loop.run_in_executor(threads, extract.extract_document, one, worker_id, stop)
            for one in (await _open()).documents
        }
        await self._try(steps)
        threads.shutdown(wait=False)

    async def _read_again(self) -> None:
        worker_id, stop = self._worker.lane.worker_id, self._worker.stop_extraction

        def read_all() -> None:
            while not stop.is_set() and read_again.read_next(worker_id, stop):
                pass

        await self._try({f"reading again {one}": asyncio.to_thread(read_all) for one in range(READERS)})

    async def _try(self, steps: Mapping[str, Awaitable[object]]) -> None:
        """Run the steps concurrently; one that fails does not stop the others."""
        await asyncio.gather(*(self._try_one(about, step) for about, step in steps.items()))

    async def _try_one(self, about: str, step: Awaitable[object]) -> None:
        try:
            await step
        except CairnError as error:
            self._failed(f"{about}: {error.message}")
        except Exception:  # outer boundary of one step: a fault must not keep the others from being made
            log.exception("a step failed", step=about)
            self._failed(f"{about}: A fault inside Cairn; its log has the details.")

    def _failed(self, failure: str) -> None:
        self.failures.append(failure)
        print(failure, file=sys.stderr)


async def _open() -> one_round.Open:
    return await asyncio.to_thread(one_round.what_is_open)


def _expand_and_pack(job_id: str) -> None:
    expansion.expand_job(job_id)
    batch_steps.pack_job(job_id)


def _until_none_is_left(some: Callable[[], int]) -> None:
    while some():
        pass
