"""Batches of providers of one kind side by side: each at its own address, with its own key, and found again there."""

from collections.abc import Iterator
from typing import Any

import pytest

from core.settings import provider_changes
from core.settings.provider_changes import Change
from tests import batch_provider
from tests.batch_provider import BatchProvider
from tests.pipeline import batch_rows, make_job, ready_documents, rows, run_batches, states

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def lab(batch_server: BatchProvider, setting: Any) -> Iterator[BatchProvider]:
    """A second server, whose key is not that of the first; neither takes the other's."""
    setting(SECRET_KEY="s" * 32)
    with batch_provider.running() as server:
        server.keys, batch_server.keys = {"sk-lab"}, {"test"}
        rates = {"input": "2", "output": "10"}
        provider_changes.add("Lab", "openai", Change(base_url=server.openai_url, key="sk-lab", prices=rates))
        yield server


def batches_of(server: BatchProvider) -> int:
    return server.log.count(("POST", "/v1/batches"))


def test_a_batch_lies_where_its_provider_is_and_costs_what_that_says(batch_server: BatchProvider, lab: Any) -> None:
    """The answer to the Lab's create is lost: its batch is looked for, and found, at the Lab alone."""
    lab.fail_next("create", 500, after=True, reset=True)
    documents = ready_documents(2)
    jobs = {
        name: make_job(documents, "summarize", provider=name, model="m", lane="batch") for name in ("Lab", "openai")
    }
    for job in jobs.values():
        run_batches(job)
    assert [states(job) for job in jobs.values()] == [{"succeeded": 2}] * 2
    assert (batches_of(batch_server), batches_of(lab)) == (1, 1)
    assert ("GET", "/v1/batches") in lab.log
    assert ("GET", "/v1/batches") not in batch_server.log
    (ours,) = batch_rows(jobs["Lab"])
    assert (ours["provider"], ours["base_url"]) == ("Lab", lab.openai_url)
    used = rows("SELECT provider, priced, input_tokens i, output_tokens o, cost_usd c FROM usage_record ORDER BY id")
    assert [(one["provider"], one["priced"]) for one in used] == [("Lab", True)] * 2 + [("openai", False)] * 2
    # Half a price is nowhere written of it: the full one.
    assert all(one["c"] * 1_000_000 == 2 * one["i"] + 10 * one["o"] for one in used[:2])


def test_a_refusal_bears_the_name_of_the_provider_that_made_it(batch_server: BatchProvider, lab: Any) -> None:
    provider_changes.change("Lab", Change(key="sk-wrong"))
    job = make_job(ready_documents(1), "summarize", provider="Lab", model="m", lane="batch")
    run_batches(job, rounds=2)
    said = str(rows("SELECT error_message FROM request") + rows("SELECT error FROM provider_batch"))
    assert "Lab: The key was refused" in said
    assert batches_of(batch_server) == 0
