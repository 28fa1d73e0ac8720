"""The tables, a file per capability; importing this package fills the metadata with all of them.

Wide bodies lie apart from narrow states, and there are no foreign keys on the hot rows:
`request` is updated several times in its life, so it stays narrow and its body lies in `request_body`. `response`,
`evidence` and `usage_record` arrive by the thousand; what they refer to is checked by the statements that write them.
Usage records outlive everything they mention.
"""

from core.tables import answers, batches, calls, documents, health, insights, jobs, money, settings, templates

__all__ = ["answers", "batches", "calls", "documents", "health", "insights", "jobs", "money", "settings", "templates"]
