"""The provider's state: its files and batches, how they advance, and what they cost.

Changed by the server's loop and by the test's thread, under one lock.
"""

import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.batch_provider.faults import FileFault, ProviderName
from tests.batch_provider.lines import (
    NOTHING_USED,
    AskedLine,
    Line,
    LinePlan,
    Outcome,
    Request,
    Served,
    Used,
    anthropic_line,
    anthropic_lines,
    document_in,
    not_run_openai,
    openai_lines,
    planned,
)

ENDED = frozenset({"failed", "completed", "expired", "cancelled", "ended"})
STATES: dict[ProviderName, frozenset[str]] = {
    "openai": frozenset({"validating", "in_progress", "finalizing", "cancelling"}),
    "anthropic": frozenset({"in_progress", "canceling"}),
}
ListingFault = Literal["second_page_fails", "ends_early"]


@dataclass
class StoredFile:
    id: str
    filename: str
    purpose: str
    content: bytes
    created_at: int
    expires_at: int | None = None
    downloads: int = 0
    deleted: bool = False


@dataclass
class Batch:
    id: str
    provider: ProviderName
    number: int
    requests: list[Request]
    created_at: int
    listings_before: int
    state: str
    endpoint: str = "/v1/messages"
    metadata: dict[str, str] | None = None
    model: str = ""
    input_file_id: str = ""
    output_file_id: str | None = None
    error_file_id: str | None = None
    output_expires_s: int | None = None
    # Anthropic's results; OpenAI's are files.
    results: bytes | None = None
    downloads: int = 0
    errors: list[dict[str, Any]] = field(default_factory=list)
    times: dict[str, int] = field(default_factory=dict)
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    used: Used = NOTHING_USED
    polls: int = 0
    archived: bool = False
    deleted: bool = False

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def custom_ids(self) -> frozenset[str]:
        return frozenset(request.custom_id for request in self.requests)

    @property
    def nonce(self) -> str:
        """The nonce by which its creator finds it again: in its metadata, else at the head of every custom_id."""
        if self.metadata:
            return next(iter(self.metadata.values()))
        return self.requests[0].custom_id.partition("-")[0] if self.requests else ""


@dataclass(frozen=True)
class Billed:
    batch_id: str
    custom_id: str
    document: str
    model: str
    used: Used


@dataclass
class _Output:
    """The lines of a batch's files as it ends; Anthropic has one file, and `failures` stays empty."""

    results: list[bytes] = field(default_factory=list)
    failures: list[bytes] = field(default_factory=list)


class Batches:
    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.RLock()
        self.line_plan: LinePlan = lambda _asked: Line()
        # One state further every that many retrieves; 0: ended at the first one.
        self.auto = True
        self.polls_per_state = 1
        # How many requests an automatic cancel finds already answered.
        self.done_at_cancel = 0
        # Requests of one model that may be enqueued in OpenAI batches; more end as token_limit_exceeded.
        self.queue_cap: int | None = None
        self.empty_error_id = False
        self.retained = True
        self.batch_usage = True
        self.misleading_counts = False
        self.output_file: FileFault | None = None
        self.error_file: FileFault | None = None
        self.results_file: FileFault | None = None
        self.listing_lag = 0
        self.listing_fault: ListingFault | None = None
        self.clock: Callable[[], float] = time.time
        self.seed = 1
        self.log: list[tuple[str, str]] = []
        self.bill: list[Billed] = []
        self.listings: Counter[ProviderName] = Counter()
        self._batches: dict[str, Batch] = {}
        self._files: dict[str, StoredFile] = {}
        self._processed: Counter[str] = Counter()

    @property
    def batches(self) -> list[Batch]:
        """Oldest first, with those that were deleted."""
        with self.lock:
            return list(self._batches.values())

    @property
    def files(self) -> list[StoredFile]:
        """Oldest first, without those that were deleted."""
        with self.lock:
            return [file for file in self._files.values() if not file.deleted]

    @property
    def creates(self) -> int:
        return len(self._batches)

    def creates_by(self, what: Literal["nonce", "input_file_id", "custom_ids"]) -> Counter[Any]:
        """How often a batch was created with the same nonce, and so on."""
        return Counter(getattr(batch, what) for batch in self.batches)

    def batch(self, batch_id: str) -> Batch:
        return self._batches[batch_id]

    def file(self, file_id: str) -> StoredFile:
        return self._files[file_id]

    def arrived(self, method: str, path: str) -> int:
        """How often; a path that ends in * stands for all that begin so."""
        with self.lock:
            if path.endswith("*"):
                return sum(seen == method and at.startswith(path[:-1]) for seen, at in self.log)
            return self.log.count((method, path))

    def billed_documents(self) -> Counter[str]:
        with self.lock:
            return Counter(billed.document for billed in self.bill)

    def billed_total(self) -> Used:
        with self.lock:
            return sum((billed.used for billed in self.bill), NOTHING_USED)

    def set_state(self, batch_id: str, state: str) -> None:
        """One that has not ended; a batch whose file is not valid fails when it leaves `validating`."""
        with self.lock:
            batch = self._open(batch_id)
            if state not in STATES[batch.provider]:
                raise ValueError(f"{state} is none of {sorted(STATES[batch.provider])}")
            if batch.state == "validating" and batch.errors:
                self._enter(batch, "failed")
            else:
                self._enter(batch, state)

    def finish(self, batch_id: str) -> None:
        with self.lock:
            batch = self._open(batch_id)
            self._end(batch, "completed", len(batch.requests), "expired", listed=True)

    def expire(self, batch_id: str, done: int = 0, *, listed: bool = True) -> None:
        """The first `done` were answered; the rest are in the error file, or in no file unless `listed`."""
        with self.lock:
            self._end(self._open(batch_id), "expired", done, "expired", listed=listed)

    def cancelled(self, batch_id: str, done: int = 0, *, listed: bool = True) -> None:
        with self.lock:
            self._end(self._open(batch_id), "cancelled", done, "canceled", listed=listed)

    def fail(self, batch_id: str, code: str, message: str = "No.", line: int | None = None) -> None:
        with self.lock:
            batch = self._open(batch_id)
            if batch.provider != "openai":
                raise ValueError("Only OpenAI's batches fail as a whole.")
            batch.errors = [{"code": code, "message": message, "line": line, "param": None}]
            self._enter(batch, "failed")

    def delete_file(self, file_id: str) -> None:
        with self.lock:
            self._files[file_id].deleted = True

    # Below: for the routes, which hold the lock.

    def now(self) -> int:
        return int(self.clock())

    def store(self, filename: str, purpose: str, content: bytes, expires_s: int | None) -> StoredFile:
        now = self.now()
        expires_at = now + expires_s if expires_s else None
        file = StoredFile(f"file-{uuid.uuid4().hex}", filename, purpose, content, now, expires_at)
        self._files[file.id] = file
        return file

    def add(self, provider: ProviderName, requests: list[Request], state: str) -> Batch:
        prefix = "batch_" if provider == "openai" else "msgbatch_"
        number = len(self._batches) + 1
        born = self.listings[provider]
        batch = Batch(f"{prefix}{uuid.uuid4().hex}", provider, number, requests, self.now(), born, state)
        self._batches[batch.id] = batch
        return batch

    def found(self, provider: ProviderName, batch_id: str) -> Batch | None:
        batch = self._batches.get(batch_id)
        return batch if batch and batch.provider == provider and not batch.deleted else None

    def stored(self, file_id: str) -> StoredFile | None:
        file = self._files.get(file_id)
        return file if file and not file.deleted else None

    def listed(self, provider: ProviderName, *, first_page: bool) -> list[Batch]:
        """Newest first. A listing counts when its first page is asked for."""
        self.listings[provider] += first_page
        now = self.listings[provider]
        seen = [b for b in self._batches.values() if b.provider == provider and not b.deleted]
        return [b for b in reversed(seen) if now - b.listings_before > self.listing_lag]

    def poll(self, batch: Batch) -> None:
        if not self.auto:
            return
        batch.polls += 1
        while not batch.ended and batch.polls >= self.polls_per_state:
            batch.polls -= self.polls_per_state
            self._step(batch)

    def cancel(self, batch: Batch) -> None:
        self._enter(batch, "cancelling" if batch.provider == "openai" else "canceling")
        batch.polls = 0

    def _open(self, batch_id: str) -> Batch:
        batch = self._batches[batch_id]
        if batch.ended:
            raise ValueError(f"{batch_id} is {batch.state} already")
        return batch

    def _enter(self, batch: Batch, state: str) -> None:
        batch.state = state
        batch.times[f"{state}_at"] = self.now()

    def _step(self, batch: Batch) -> None:
        if batch.state in ("cancelling", "canceling"):
            self._end(batch, "cancelled", self.done_at_cancel, "canceled", listed=True)
        elif batch.state == "validating":
            self._validate(batch)
        elif batch.state == "in_progress" and batch.provider == "openai":
            self._enter(batch, "finalizing")
        else:
            self._end(batch, "completed", len(batch.requests), "expired", listed=True)

    def _validate(self, batch: Batch) -> None:
        if not batch.errors and self._over_the_cap(batch):
            message = f"Enqueued token limit reached for {batch.model}. Please try again once some batches are done."
            batch.errors = [{"code": "token_limit_exceeded", "message": message, "line": None, "param": None}]
        self._enter(batch, "failed" if batch.errors else "in_progress")

    def _over_the_cap(self, batch: Batch) -> bool:
        if self.queue_cap is None:
            return False
        enqueued = (
            len(other.requests)
            for other in self._batches.values()
            if other.model == batch.model and not other.ended and other.state != "validating"
        )
        return sum(enqueued) + len(batch.requests) > self.queue_cap

    def _end(self, batch: Batch, state: str, done: int, rest: Outcome, *, listed: bool) -> None:
        if batch.provider == "openai" and batch.errors:
            self._enter(batch, "failed")
            return
        output = _Output()
        for request in batch.requests[:done]:
            self._process(batch, request, output)
        for request in batch.requests[done:]:
            batch.outcomes[rest] += 1
            if listed:
                self._leave(batch, request, rest, output)
        self._hand_over(batch, output)
        self._enter(batch, state if batch.provider == "openai" else "ended")

    def _process(self, batch: Batch, request: Request, output: _Output) -> None:
        body = request.body
        document = document_in(body)
        self._processed[document] += 1
        asked = AskedLine(request.custom_id, body, document, self._processed[document])
        served = planned(self.line_plan, asked, batch.endpoint)
        batch.outcomes[served.outcome] += 1
        if served.billed:
            batch.used += served.line.used
            self.bill.append(Billed(batch.id, request.custom_id, document, served.model, served.line.used))
        self._write(batch, served, output)

    def _write(self, batch: Batch, served: Served, output: _Output) -> None:
        request_id = f"req_{uuid.uuid4().hex}"
        if batch.provider == "anthropic":
            output.results += anthropic_lines(served, request_id)
            return
        lines = openai_lines(served, batch.endpoint, request_id)
        if served.outcome == "succeeded":
            output.results += lines
        else:
            output.failures += lines

    def _leave(self, batch: Batch, request: Request, outcome: Outcome, output: _Output) -> None:
        if batch.provider == "anthropic":
            output.results.append(anthropic_line(request.custom_id, {"type": outcome}))
        else:
            output.failures.append(not_run_openai(request.custom_id, f"req_{uuid.uuid4().hex}", outcome))

    def _hand_over(self, batch: Batch, output: _Output) -> None:
        order = random.Random(self.seed + batch.number)
        for lines in (output.results, output.failures):
            order.shuffle(lines)
        if batch.provider == "anthropic":
            batch.results = _jsonl(output.results)
            batch.archived = not self.retained
            return
        batch.output_file_id = self._result_file(batch, "output", output.results)
        batch.error_file_id = self._result_file(batch, "error", output.failures) or (
            "" if self.empty_error_id else None
        )

    def _result_file(self, batch: Batch, name: str, lines: list[bytes]) -> str | None:
        if not lines:
            return None
        file = self.store(f"{batch.id}_{name}.jsonl", "batch_output", _jsonl(lines), batch.output_expires_s)
        file.deleted = not self.retained
        return file.id


def _jsonl(lines: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)
