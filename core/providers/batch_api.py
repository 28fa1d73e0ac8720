"""The seam to the providers' batch APIs: what is handed over, what is told of it, what comes back. Data and verbs."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from core.providers.usage import Usage

State = Literal["in_progress", "completed", "expired", "cancelled", "failed"]
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Limits:
    """What one provider batch may hold; `inputs` counts the texts of requests for embeddings."""

    requests: int
    bytes: int
    inputs: int | None = None


@dataclass(frozen=True)
class Framing:
    """How a request is written: `head`, then for each `before`, its custom_id, `between`, its body, `after` and a line
    feed; then `tail`. `separator` stands between two requests, behind the line feed."""

    head: bytes
    before: str
    between: str
    after: str
    separator: bytes
    tail: bytes


@dataclass(frozen=True)
class Refused:
    """Why a provider did not take a batch. `line` counts from 1 where one request is to blame."""

    code: str
    message: str
    line: int | None = None


@dataclass(frozen=True)
class Remote:
    """A batch as its provider tells of it. `done` is None where there is no progress to tell of."""

    id: str
    state: State
    provider_state: str
    created_at: datetime
    done: int | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    usage: Usage | None = None
    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True)
class Found:
    """What a search for a batch came to. `undecided`: one may be ours, and cannot be told before it ends."""

    remote: Remote | None
    undecided: bool = False


@dataclass(frozen=True)
class Order:
    """What is to be created. `path` holds the requests, `input_file_id` names them once they are uploaded.

    `confirm` is asked at the last moment before a create can come to anything, and raises where it must not.
    """

    path: Path
    endpoint: str
    nonce: str
    requests: int
    intent_at: datetime
    input_file_id: str | None = None
    confirm: Callable[[], Awaitable[None]] | None = None


@dataclass(frozen=True)
class Line:
    """One line of the results. `body` is the answer as it came; without one, `code` and `message` say why.

    `outcome`: answer, error (`passing` when sending it again may help), expired or cancelled.
    """

    custom_id: str
    outcome: Literal["answer", "error", "expired", "cancelled"]
    body: bytes = b""
    code: str = ""
    message: str = ""
    passing: bool = False


@dataclass(frozen=True)
class Used:
    """What an answer's body tells of its bill. `usage` is None where its token counts make no sense."""

    model: str
    usage: Usage | None


class Gone(Exception):
    """The provider has deleted this batch's results."""


class BatchLane(Protocol):
    """Every verb makes its calls once, without a retry, and raises ProviderError.

    A create that raised one may have been carried out all the same where `heard` is False or `status` 500 or more but
    529; every other one is a definite no.
    """

    limits: Limits
    # Whether requests of several models may share a batch.
    mixes_models: bool

    def framing(self, endpoint: str) -> Framing: ...

    async def upload(self, order: Order) -> str | None:
        """The file's id where requests are uploaded before a batch is created."""

    async def create(self, order: Order) -> Remote: ...

    async def check(self, remote_id: str) -> Remote: ...

    async def find(self, order: Order, known: Collection[str]) -> Found:
        """Look through all batches made since the intent; raises where a listing is not complete."""

    async def cancel(self, remote_id: str) -> None: ...

    async def forget(self, input_file_id: str) -> None:
        """Delete an uploaded file, so that a create that names it can no longer come to anything. One that is not there
        is no failure."""

    async def fetch(self, remote: Remote, source: Callable[[], Path], directory: Path) -> list[Path]:
        """Download the results, whole; raises Gone. `source` writes the requests' file anew for who needs it."""

    def read(self, line: bytes) -> Line:
        """Raises ValueError for a line that is none."""

    def used(self, body: bytes) -> Used:
        """The same model and usage as the provider's `parse` finds, in a fraction of its time."""


async def next_page(page: Any) -> Any:
    """The page of a listing after this one, None after the last; raises ValueError where a listing breaks off."""
    if not isinstance(page.data, list) or not all(item.id for item in page.data):
        raise ValueError("no page of a listing")
    if not page.has_next_page():
        if page.has_more:
            raise ValueError("a listing breaks off")
        return None
    following = await page.get_next_page()
    if following.data and following.data[-1].id == page.data[-1].id:
        raise ValueError("a listing goes round in circles")
    return following


async def save(chunks: AsyncIterator[bytes], path: Path, size: int | None) -> bool:
    """Write a download to disk as it comes. False when it is not as long as it should be."""
    written = 0
    with path.open("wb") as file:
        async for chunk in chunks:
            written += file.write(chunk)
    return size is None or written == size
