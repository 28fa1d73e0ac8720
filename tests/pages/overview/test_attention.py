"""The first page leads to what needs somebody: breakers, red parts, jobs that stand still; and to what was found."""

from datetime import UTC, datetime

import pytest

from core.calls import breaker
from core.calls.breaker_by_hand import open_by_hand
from core.health import sampling
from core.insights import report as insights_report
from core.runtime import db, worker_lease
from core.tables.jobs import WAITS_FOR, WaitsFor
from tests.pages import made
from tests.pages.seeing import links, show, words
from tests.pipeline import add_document

pytestmark = pytest.mark.usefixtures("database")
MODEL = "gpt-5.6-luna"


def plainly(found: dict[str, str]) -> dict[str, str]:
    return {label.replace("\\", ""): leads for label, leads in found.items()}


def test_what_stands_still_is_named_with_the_page_that_helps() -> None:
    worker_lease.register("test")
    sampling.take(datetime.now(UTC), well=True)
    assert "All is well" in words(show("overview"))
    open_by_hand("openai", MODEL)
    wait = WAITS_FOR.dump_json(WaitsFor("breaker", "openai", MODEL, by_hand=True)).decode()
    waiting = made.job("running", lane="live", name="Leases", waits_for=wait)
    made.requests(waiting, "pending", 3, lane="live")
    paused = made.job("paused", name="Minutes")
    made.requests(paused, "pending")
    queue = WAITS_FOR.dump_json(WaitsFor("own_caps", "openai", MODEL)).decode()
    full = made.job("running", name="Claims", waits_for=queue)
    made.requests(full, "pending")
    keyless = WAITS_FOR.dump_json(WaitsFor("not_set_up", "openai", MODEL)).decode()
    made.requests(made.job("running", name="Reports", waits_for=keyless), "pending")
    at = show("overview")
    found = plainly(links(at))
    assert "All is well" not in words(at)
    (stopped,) = [label for label in found if label.startswith("OpenAI gpt-5.6-luna stopped by hand")]
    assert stopped.endswith("Waiting: 3 live requests of 1 job")
    assert found[stopped].startswith("system")
    assert found["Minutes: paused"] == f"job?id={paused}"
    assert found["Claims waits for room at OpenAI"] == f"job?id={full}"
    assert "Reports waits for the key of OpenAI, which the jobs process cannot use" in found
    assert found[f"Leases waits for {MODEL}: stopped by hand"] == f"job?id={waiting}"


def test_a_breaker_that_opened_by_itself_is_named_once_and_a_red_part_too() -> None:
    breaker.trip("openai", MODEL, 5, 60)
    found = plainly(links(show("overview")))
    assert [label for label in found if "did not answer 5 times" in label]
    assert len([label for label in found if "OpenAI" in label]) == 1
    (nobody,) = [label for label in found if label.startswith("Workers: None is alive")]
    assert found[nobody].startswith("system")


def test_tiles_and_first_steps_are_links_and_so_are_the_jobs_at_work() -> None:
    job = made.job("running", name="Leases")
    made.requests(job, "pending")
    found = links(show("overview"))
    for tile, page in (("Documents ready", "documents"), ("Jobs running", "jobs"), ("Spent today", "costs")):
        assert found[tile].startswith(page)
    assert found["Leases: 0 of 1"] == f"job?id={job}"
    (ask,) = [label for label in found if label.startswith("**Ask**")]
    assert found[ask].startswith("analyse")


def test_findings_that_carry_come_before_newer_ones_that_do_not() -> None:
    document = add_document()
    carried = made.insights("Two pumps failed.", documents=[document], quote="because two pumps failed")
    made.insights("Prices rose in May.", documents=[document], quote="prices rose in May by a fifth")
    with db.transaction() as session:
        db.execute(session, "UPDATE insight SET support = 1 WHERE id = ANY(:ids)", ids=carried)
    newest = insights_report.find().items[0].statement
    leads = [label for label, page in links(show("overview")).items() if page.startswith("insight?")]
    assert newest == "Prices rose in May."
    assert leads[0].startswith("Two pumps failed")
    assert leads[1].startswith("Prices rose in May")
