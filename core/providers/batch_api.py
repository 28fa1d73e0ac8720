"""The seam to the providers' batch APIs: data types and the protocol of a batch lane."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from core.providers.usage import PLAIN, Terms, Usage

State = Literal["in_progress", "completed", "expired", "cancelled", "failed"]
CHUNK_BYTES = 1 << 20
# Errors that may pass, so that a request of a batch may be sent again.
PASSING_STATUS = frozenset({408, 409, 429, 500, 502, 503, 504, 529})


@dataclass(frozen=True)
class BatchLimits:
    """What one provider batch may hold; `inputs` counts the texts of requests for embeddings."""

    requests: int
    bytes: int
    inputs: int | None = None


@dataclass(frozen=True)
class Framing:
    """The file format of a batch: `head`; for each request `before`, its custom_id, `between`, its body, `after` and a
    line feed; `tail`. From the second request on `separator` comes first."""

    head: bytes
    before: str
    between: str
    after: str
    separator: bytes
    tail: bytes


@dataclass(frozen=True)
class Refused:
    """Why a provider refused a batch. `line`: of the request to blame, counted from 1; None: none by itself."""

    code: str
    message: str
    line: int | None = None

    @property
    def queue_is_full(self) -> bool:
        """Backpressure, not a fault of the batch: OpenAI's queue of tokens per model has no room for it."""
        return self.code == "token_limit_exceeded"


@dataclass(frozen=True)
class Remote:
    """A batch as its provider reports it. `done`: requests answered so far; None: not reported. `ended_at`: by the
    provider's clock."""

    id: str
    state: State
    provider_state: str
    created_at: datetime
    done: int | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    usage: Usage | None = None
    refused: tuple[Refused, ...] = ()
    ended_at: datetime | None = None


@dataclass(frozen=True)
class Found:
    """The result of a search for a batch. `undecided`: one may be ours, which shows only when it has ended."""

    remote: Remote | None
    undecided: bool = False


@dataclass(frozen=True)
class Order:
    """A batch to create. `path`: the file of its requests; `input_file_id`: the same file once it is uploaded.

    The batch is found again by its `nonce`, as these APIs take no idempotency key. `confirm` is awaited at the last
    moment before a create can take effect, and raises if it must not.
    """

    path: Path
    endpoint: str
    nonce: str
    requests: int
    intent_at: datetime
    input_file_id: str | None = None
    confirm: Callable[[], Awaitable[None]] | None = None


@dataclass(frozen=True)
class ResultLine:
    """One line of the results. `body` is the answer as it came; if it is empty, `code` and `message` say why.

    `passing`: the error may pass, so that sending the request again may help.
    """

    custom_id: str
    outcome: Literal["answer", "error", "expired", "cancelled"]
    body: bytes = b""
    code: str = ""
    message: str = ""
    passing: bool = False


@dataclass(frozen=True)
class Used:
    """Model and usage that an answer's body reports. `usage` None: its token counts make no sense."""

    model: str
    usage: Usage | None
    terms: Terms = PLAIN


class Gone(Exception):
    """The provider has deleted this batch's results."""


class BatchLane(Protocol):
    """Every method makes its calls once, without a retry, and raises ProviderError.

    The outcome of a create that raised it is unknown if `heard` is False, or if `status` is 500 or more but not 529.
    With every other error certainly nothing was created.
    """

    limits: BatchLimits
    # Requests of several models may share a batch.
    mixes_models: bool

    def framing(self, endpoint: str) -> Framing: ...

    async def upload(self, order: Order) -> str | None:
        """Upload the requests and return the file's id; None if they go inside the create call."""

    async def create(self, order: Order) -> Remote: ...

    async def check(self, remote_id: str) -> Remote: ...

    async def find(self, order: Order, known: Collection[str]) -> Found:
        """Look for the order's batch among all since its intent but the `known`. Raises if a listing is incomplete."""

    async def cancel(self, remote_id: str) -> None: ...

    async def forget(self, input_file_id: str) -> None:
        """Delete an uploaded file, so that a create that names it fails. A file that is not there is no error."""

    async def fetch(self, remote: Remote, source: Callable[[], Path], directory: Path) -> list[Path]:
        """Download all results; raises Gone. `source` writes the file of requests again and returns its path."""

    def read(self, line: bytes) -> ResultLine:
        """Raises ValueError for a line that is not a result."""

    def used(self, body: bytes) -> Used:
        """The same model and usage as the provider's `parse`, mostly in a fraction of its time."""


async def next_page(page: Any) -> Any:
    """The next page of a listing, None after the last. Raises ValueError if the listing breaks off."""
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
    """Write a download to disk as it comes. Returns whether it has `size` bytes; None: any size will do."""
    written = 0
    with path.open("wb") as file:
        async for chunk in chunks:
            written += file.write(chunk)
    return size is None or written == size
