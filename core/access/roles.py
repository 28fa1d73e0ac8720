"""Which role may do what: one table, which use cases ask by `require`. `docs/roles.md` is made from it:
`python -m core.access.roles`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from core.access import actor
from core.access.actor import Role
from core.errors import Forbidden

ROLES: tuple[Role, ...] = get_args(Role)

Action = Literal[
    "read",
    "document.upload",
    "document.delete",
    "document.move",
    "ask",
    "ask.above_limit",
    "job.change",
    "template.make",
    "template.change",
    "insight.change",
    "view.change",
    "usage.read_all",
    "budget.change",
    "budget.change_machine",
    "budget.approve",
    "retention.change",
    "retention.change_all",
    "cache.invalidate",
    "audit.read",
    "audit.verify",
    "settings.change",
    "price.change",
    "invoice.read",
    "breaker.change",
    "stuck.requeue",
    "people.change",
    "workspace.change",
    "key.make",
    "key.change_others",
    "internal_docs.read",
]


@dataclass(frozen=True)
class Rule:
    """The least role that may do it; `own`: whoever made the thing may as well."""

    least: Role
    says: str
    own: bool = False


RULES: Mapping[Action, Rule] = {
    "read": Rule("analyst", "read documents, answers, jobs, insights and health"),
    "document.upload": Rule("analyst", "upload documents, and make collections by it"),
    "document.delete": Rule("manager", "delete documents, or read them again", own=True),
    "document.move": Rule("manager", "move documents to another collection", own=True),
    "ask": Rule("analyst", "ask: launch jobs and single texts"),
    "ask.above_limit": Rule("manager", "launch jobs above CONFIRM_JOB_USD"),
    "job.change": Rule("manager", "pause, resume, cancel, move, send again or delete jobs", own=True),
    "template.make": Rule("analyst", "make templates"),
    "template.change": Rule("manager", "change or delete templates", own=True),
    "insight.change": Rule("analyst", "confirm, dismiss, edit, merge and settle insights"),
    "view.change": Rule("manager", "delete views of insights", own=True),
    "usage.read_all": Rule("manager", "read costs of all people of the workspace (everybody reads their own)"),
    "budget.change": Rule("manager", "set budgets of the workspace"),
    "budget.change_machine": Rule("admin", "set the budget of everything on this machine"),
    "budget.approve": Rule("manager", "let a job start past its budget"),
    "retention.change": Rule("manager", "say how long documents and jobs are kept"),
    "retention.change_all": Rule("admin", "say so where there are several workspaces: the rule holds for all of them"),
    "cache.invalidate": Rule("manager", "forget answers, so that they are asked again"),
    "audit.read": Rule("manager", "read and export the audit of the workspace"),
    "audit.verify": Rule("admin", "check the audit's chain"),
    "settings.change": Rule("admin", "change settings, resilience and providers' keys"),
    "price.change": Rule("admin", "set prices"),
    "invoice.read": Rule("admin", "compare with the providers' invoices"),
    "breaker.change": Rule("admin", "open and close breakers"),
    "stuck.requeue": Rule("admin", "requeue work that stands still"),
    "people.change": Rule("admin", "invite people, change roles, deactivate and forget"),
    "workspace.change": Rule("admin", "make workspaces and say who is a member"),
    "key.make": Rule("analyst", "make API keys of one's own"),
    "key.change_others": Rule("admin", "see, make and revoke others' API keys"),
    "internal_docs.read": Rule("admin", "read the documentation of internal routes"),
}


def rank(role: Role | None) -> int:
    """-1 for nobody."""
    return -1 if role is None else ROLES.index(role)


def lesser(one: Role, other: Role) -> Role:
    return min(one, other, key=rank)


def may(action: Action, owner: str | None = None) -> bool:
    """Whether the caller may; `owner` is what the row keeps as who made it."""
    rule, who = RULES[action], actor.caller()
    if rank(who.role) >= rank(rule.least):
        return True
    return who.role is not None and rule.own and bool(owner) and owner == who.user


def require(action: Action, owner: str | None = None) -> None:
    """Raises Forbidden if the caller may not."""
    if not may(action, owner):
        raise Forbidden(refusal(action), action=action)


def refusal(action: Action) -> str:
    rule = RULES[action]
    least = f"a role of {rule.least} or above" if rule.least != "admin" else "the role of admin"
    only = " for what others made" if rule.own else ""
    role = actor.caller().role
    yours = f"Yours is {role}." if role else "Nobody is signed in."
    return f"To {rule.says} takes {least}{only}. {yours} Ask an admin of Cairn if you should have it."


def as_markdown() -> str:
    """The table of `docs/roles.md`."""
    lines = ["| | analyst | manager | admin |", "|---|---|---|---|"]
    for rule in RULES.values():
        cells = [_cell(rule, role) for role in ROLES]
        lines.append(f"| {rule.says} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(rule: Rule, role: Role) -> str:
    if rank(role) >= rank(rule.least):
        return "yes"
    return "own" if rule.own else "no"


if __name__ == "__main__":
    print(as_markdown(), end="")
