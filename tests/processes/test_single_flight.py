"""Equal requests of several jobs, in both lanes, taken up by two jobs processes at the same time: each is paid once."""

from collections import Counter
from typing import Any

import pytest

from tests.batch_provider import BatchProvider
from tests.local_provider import Reply
from tests.pipeline import make_job, ready_documents, rows, states
from tests.processes.batch_jobs import MODELS, wait_until_completed
from tests.processes.running import Start

pytestmark = pytest.mark.kills
DOCUMENTS = 12


@pytest.mark.usefixtures("batch_times")
def test_equal_requests_of_both_lanes_and_two_processes_are_paid_once(
    start: Start, batch_server: BatchProvider, setting: Any
) -> None:
    setting(WORKER_LEASE_SECONDS=10)
    batch_server.plan = lambda _asked: Reply(delay=0.2)
    ids = ready_documents(DOCUMENTS)
    lanes = ["live", "batch", "live", "batch", "live"]
    jobs = [make_job(ids, "summarize", provider="openai", model=MODELS["openai"], lane=lane) for lane in lanes]
    both = [start(), start()]
    wait_until_completed(batch_server, jobs, *both)
    assert [states(job) for job in jobs] == [{"succeeded": DOCUMENTS}] * len(jobs)
    paid = Counter(asked.document for asked in batch_server.asked) + Counter(one.document for one in batch_server.bill)
    assert set(paid.values()) == {1}
    assert len(paid) == DOCUMENTS
    booked = rows("SELECT reused, count(*) AS n FROM usage_record GROUP BY 1 ORDER BY 1")
    assert booked == [{"reused": False, "n": DOCUMENTS}, {"reused": True, "n": DOCUMENTS * (len(jobs) - 1)}]
