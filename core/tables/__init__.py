"""The tables, a file per capability; importing this package fills the metadata with all of them.

Wide bodies lie apart from narrow states, and there are no foreign keys on the hot rows:
`request` is updated several times in its life, so it stays narrow and its body lies in `request_body`. `response`,
`evidence` and `usage_record` arrive by the thousand; what they refer to is checked by the statements that write them.
Usage records outlive everything they mention. Both hot ones that belong to a workspace name it without a key: it would
lock the one row of the workspace in every transaction that writes them.
"""

from core.tables import (
    access,
    answers,
    batches,
    budgets,
    calls,
    documents,
    health,
    insights,
    invoices,
    jobs,
    judging,
    money,
    settings,
    templates,
    workspaces,
)

__all__ = [
    "access",
    "answers",
    "batches",
    "budgets",
    "calls",
    "documents",
    "health",
    "insights",
    "invoices",
    "jobs",
    "judging",
    "money",
    "settings",
    "templates",
    "workspaces",
]
