"""How often a page waits for the database: what it shows is read side by side, however much that is."""

from pathlib import Path

import pytest

from core.insights import report
from tests import round_trips
from tests.pages.seeing import opened
from tests.pipeline import TEXT, add_document, make_job, run_job

# With the check of the connection, the beginning and the end of a transaction, and who may enter.
MOST = {
    "overview": 8,
    "documents": 8,
    "document": 8,
    "analyse": 8,
    "jobs": 7,
    "job": 8,
    "insights": 9,
    "insight": 8,
    "matrix": 7,
    "review": 10,
    "templates": 6,
    "costs": 12,
    "settings": 6,
    "own_requests": 5,
}


@pytest.mark.usefixtures("database")
def test_a_page_waits_for_the_database_only_so_often(tmp_path: Path) -> None:
    documents = [add_document(f"{TEXT} Plant {number} said so.", f"{number}.txt") for number in range(3)]
    job = make_job(documents, "key_points")
    run_job(job)
    named = {"document": documents[0], "job": job, "insight": report.find().items[0].id}
    found = {}
    for page in MOST:
        at = opened(page, id=named[page]) if page in named else opened(page)
        # What is read once for all, such as the prices, is read by then.
        at.run()
        assert not at.exception
        assert not at.error, [error.value for error in at.error]
        # The check of the audit's chain, for one, comes along once a minute.
        found[page] = min(round_trips.count(at.run, tmp_path) for _ in range(2))
    assert {page: times for page, times in found.items() if times > MOST[page]} == {}
