"""Roles hold in the use cases, and the page on them is made from the table that they ask."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.access import actor, roles
from core.asking import templates
from core.budgets import manage
from core.budgets.manage import BudgetSpec
from core.calls import breaker_by_hand, resilience
from core.documents import deletion
from core.documents import moving as documents_moving
from core.errors import CairnError, Forbidden
from core.insights import life, merging, review, views
from core.insights.life import Change, Set
from core.insights.report import Filters
from core.invoices import fetching, uploading
from core.jobs import approval, control, launch, moving, resend
from core.jobs import deletion as jobs_deletion
from core.jobs.launch import JobSpec
from core.money import own_price_changes
from core.money.own_price_changes import NewPrice
from core.requests import reuse
from core.requests.reuse import Which
from core.retention import rules
from core.retention.rules import RetentionRule
from core.runtime import db
from core.settings import credentials, defaults, limits, rate_caps, reporting_zone
from core.upkeep import requeue_by_hand
from tests.callers import by
from tests.pages import made
from tests.pipeline import add_document, rows

pytestmark = pytest.mark.usefixtures("database")
NOW = datetime(2026, 5, 1, tzinfo=UTC)
DOCS = Path(__file__).resolve().parents[3] / "docs" / "roles.md"


def test_the_page_on_roles_is_made_from_the_table() -> None:
    assert roles.as_markdown() in DOCS.read_text(encoding="utf-8")


# What takes more than an analyst, with the least role for it.
ABOVE: dict[str, tuple[str, Callable[[], Any]]] = {
    "budget": ("manager", lambda: manage.create(BudgetSpec("workspace", "ws_default", Decimal(5)))),
    "budget of all": ("admin", lambda: manage.create(BudgetSpec("all", "", Decimal(5)))),
    "approve": ("manager", lambda: approval.approve("job_x", Decimal(1))),
    "retention": ("manager", lambda: rules.change("jobs", RetentionRule(30))),
    "cache": ("manager", lambda: reuse.invalidate(Which())),
    "model": ("admin", lambda: defaults.change_model("openai", "gpt-5-mini")),
    "language": ("admin", lambda: defaults.change_language("German")),
    "limit": ("admin", lambda: limits.change("max_upload_mb", Decimal(5))),
    "zone": ("admin", lambda: reporting_zone.change("Europe/Berlin")),
    "caps": ("admin", lambda: rate_caps.change_caps("openai", 5, None)),
    "key": ("admin", lambda: credentials.change("openai", "", "sk-1")),
    "resilience": ("admin", lambda: resilience.change({"preset": "production"})),
    "breaker": ("admin", lambda: breaker_by_hand.open_by_hand("openai", "gpt-5-mini")),
    "price": ("admin", lambda: own_price_changes.add(NewPrice("openai", "x-model", valid_from=NOW.date()))),
    "invoice": ("admin", lambda: fetching.order("openai", NOW.date(), NOW.date())),
    "invoice file": ("admin", lambda: uploading.upload(b"x")),
    "requeue": ("admin", lambda: requeue_by_hand.requeue("documents", ["doc_x"], NOW)),
}


def refused(act: Callable[[], Any], role: Any, user: str = "user_ann") -> bool:
    """Whether the role is what stands in the way; anything else that is wrong is not asked for here."""
    with actor.bound(by(user, role)):
        try:
            act()
        except CairnError as error:
            return isinstance(error, Forbidden)
    return False


@pytest.mark.parametrize("name", ABOVE)
def test_what_takes_more_than_an_analyst_is_refused_below(name: str) -> None:
    least, act = ABOVE[name]
    allowed = [role for role in roles.ROLES if roles.rank(role) >= roles.rank(least)]  # type: ignore[arg-type]
    assert [role for role in roles.ROLES if not refused(act, role)] == allowed
    assert refused(act, None)


# What nobody does who is let in by no role.
ANYBODY: dict[str, Callable[[], Any]] = {
    "upload": lambda: add_document(),
    "template": lambda: templates.create("T", "Ask {text}.", (), True),
    "ask": lambda: launch.create(JobSpec("key_points", "offline"), NOW),
    "check": lambda: launch.check(JobSpec("key_points", "offline", collection="default")),
    "insight": lambda: life.change("ins_x", Change(pinned=True)),
    "insights": lambda: life.bulk(Filters(), Set(pinned=True)),
    "undo": lambda: life.undo("chg_x"),
    "merge": lambda: merging.merge("ins_x", ["ins_y"]),
    "unmerge": lambda: merging.unmerge(merge_id="mrg_x"),
    "settle": lambda: review.settle("pair_x", "same"),
    "settle alike": lambda: review.settle_alike("pair_x", "same"),
    "view": lambda: views.save("V", Filters()),
}


@pytest.mark.parametrize("name", ANYBODY)
def test_what_analysts_do_is_refused_to_nobody_but_those_without_a_role(name: str) -> None:
    assert not refused(ANYBODY[name], "analyst")
    assert refused(ANYBODY[name], None)


def test_what_somebody_made_is_changed_by_them_and_by_managers() -> None:
    with actor.bound(by("user_ann", "analyst")):
        document = add_document()
        template = templates.create("T", "Ask {text}.", (), True).id
        view = views.save("V", Filters()).id
    job = made.job("running", lane="live", user="user_ann")
    acts: list[Callable[[], Any]] = [
        lambda: control.pause(job),
        lambda: control.resume(job),
        lambda: control.rename(job, "N", ""),
        lambda: moving.to_lane(job, "batch"),
        lambda: moving.to_model(job, "openai", "gpt-5-mini"),
        lambda: resend.retry(job),
        lambda: control.cancel(job),
        lambda: jobs_deletion.delete(job),
        lambda: templates.change(template, "T2", "Ask {text}.", (), True),
        lambda: views.delete(view),
        lambda: documents_moving.move([document], "kept"),
        lambda: deletion.delete(document),
    ]
    for act in acts:
        assert refused(act, "analyst", "user_ben")
        assert not refused(act, "analyst", "user_ann")
    told = rows('SELECT "user", action FROM audit_entry ORDER BY id')
    assert [row["action"] for row in told if row["user"] == "user_ann"] == [
        "template.change",
        "job.move",
        "job.delete",
        "template.change",
        "document.move",
        "document.delete",
    ]
    assert rows("SELECT 1 FROM document") == []
    with actor.bound(by("user_ann", "analyst")):
        document = add_document()
    assert not refused(lambda: deletion.delete(document), "manager", "user_may")


def test_where_there_are_several_workspaces_an_admin_says_how_long_things_are_kept() -> None:
    with db.transaction() as session:
        db.execute(session, "INSERT INTO workspace (id, name) VALUES ('ws_there', 'There')")
    assert refused(lambda: rules.change("jobs", RetentionRule(30)), "manager")
    assert not refused(lambda: rules.change("jobs", RetentionRule(30)), "admin")


def test_above_the_limit_a_manager_confirms_and_it_stands_in_the_audit(openai: object, setting: Any) -> None:
    setting(CONFIRM_JOB_USD=0)
    add_document()
    spec = JobSpec("key_points", "openai", collection="default", model="gpt-5-mini", confirmed=True)
    assert refused(lambda: launch.create(spec, NOW), "analyst")
    assert rows("SELECT 1 FROM job") == []
    with actor.bound(by("user_may", "manager")):
        job = launch.create(spec, NOW)
    (entry,) = rows('SELECT "user", action, subject, after FROM audit_entry')
    assert (entry["user"], entry["action"], entry["subject"]) == ("user_may", "job.launch", f"job:{job}")
    assert Decimal(entry["after"]["estimate_usd"]) > 0
