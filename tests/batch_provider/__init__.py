"""A provider on this machine that has batches as well as live calls: files, batches, results, and what goes wrong.

A test says what becomes of a request with a `line_plan`; without one all are answered, as `LocalProvider` answers
live calls. OpenAI's and Anthropic's batches lie side by side on one server, which runs in a thread:

    with batch_provider.running() as server:
        setting(OPENAI_API_KEY="test", OPENAI_BASE_URL=server.openai_url, ANTHROPIC_BASE_URL=server.anthropic_url)
        server.line_plan = lambda asked: Line(status=429) if asked.nth == 1 else Line(used=Used(100, cached=64))
        server.fail_next("create", 500, after=True)  # it is created, and its creator hears of an error
        ...
        assert server.billed_documents() == {"Two pumps failed.": 1}
        assert server.creates_by("nonce") == {nonce: 1}

States. A batch goes one state further at every `polls_per_state`-th retrieve; 0 ends it at the first one. With `auto`
off it goes on as the test says: `set_state`, then `finish`, `expire`, `cancelled` or `fail`. What is answered is
billed as the batch ends: `bill` has an entry for every answer, `billed_total` their tokens.

Faults. `fail_next` makes the next call of a route fail, before or after it is carried out, as an error, a reset or an
answer with another body. `output_file`, `error_file` and `results_file` spoil downloads, `listing_lag` and
`listing_fault` listings; `queue_cap`, `empty_error_id`, `retained`, `batch_usage` and `misleading_counts` are oddities.

Holds. `hold("create.before")`, `reached(...)`, `release(...)` stop a call where something is to happen meanwhile, such
as a kill -9 of the process that made it. Points are `<route>.body`, `.before` and `.after`, and within a download
`content.middle` and `results.middle`: after half of it, or after n bytes with `FileFault("slow", n, delay=0)`.
"""

import contextlib
from collections.abc import Iterator

from tests.batch_provider.faults import FileFault
from tests.batch_provider.lines import NOTHING_USED, AskedLine, Line, Used, lines_in_turn
from tests.batch_provider.server import BatchProvider
from tests.batch_provider.state import Batch, Billed, StoredFile

__all__ = [
    "NOTHING_USED",
    "AskedLine",
    "Batch",
    "BatchProvider",
    "Billed",
    "FileFault",
    "Line",
    "StoredFile",
    "Used",
    "lines_in_turn",
    "running",
]


@contextlib.contextmanager
def running() -> Iterator[BatchProvider]:
    server = BatchProvider()
    server.start()
    try:
        yield server
    finally:
        server.stop()
