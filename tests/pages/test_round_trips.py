"""How often a page waits for the database: what it shows is read side by side, however much that is."""

from pathlib import Path

import pytest

from core.insights import report
from tests import round_trips
from tests.pages.seeing import opened
from tests.pipeline import TEXT, add_document, change, make_job, run_job

# With the check of the connection, the beginning and the end of a transaction, and who may enter.
MOST = {
    "overview": 8,
    "documents": 7,
    "document": 7,
    "analyse": 8,
    "jobs": 6,
    "job": 7,
    "insights": 8,
    "insight": 7,
    "matrix": 6,
    "review": 10,
    "templates": 6,
    "costs": 9,
    "settings": 6,
    "own_requests": 5,
}


PAIR = """
INSERT INTO pair (id, workspace_id, first, second, kind, found_by, score)
VALUES ('pair_1', 'ws_default', :first, :second, 'merge', 'shape', 1)
"""


@pytest.mark.usefixtures("database")
def test_a_page_waits_for_the_database_only_so_often(tmp_path: Path) -> None:
    documents = [add_document(f"{TEXT} Plant {number} said so.", f"{number}.txt") for number in range(3)]
    job = make_job(documents, "key_points")
    run_job(job)
    first, second, *_ = sorted(one.id for one in report.find().items)
    change(PAIR, first=first, second=second)
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
