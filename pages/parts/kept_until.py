"""How long documents and jobs are still kept, as sentences."""

from datetime import datetime, timedelta

from core.retention import report, rules
from pages.common import formats

SOON = timedelta(days=7)


def document(created_at: datetime, collection: str, now: datetime) -> formats.Markdown:
    """ "" if it is kept for ever."""
    return _left(rules.document_ends(created_at, collection), now)


def job(finished_at: datetime | None, now: datetime) -> formats.Markdown:
    return _left(rules.job_ends(finished_at), now)


def _left(end: datetime | None, now: datetime) -> formats.Markdown:
    if end is None:
        return ""
    left = f"deleted {formats.until(end, now)}" if end > now else "deleted by the next run"
    return f":orange[{left}]" if end < now + SOON else left


def documents(now: datetime) -> formats.Markdown:
    """The rule for all documents; "" if they are kept for ever."""
    rule = rules.rule("documents")
    if rule is None:
        return ""
    soon = report.preview("documents", rule, now + SOON).number
    kept = f"Documents are deleted {formats.count(rule.days, 'day')} after their upload"
    excepted = f", except those in {formats.plain(', '.join(rule.excepted))}" if rule.excepted else ""
    return f"{kept}{excepted}. Within {SOON.days} days: {soon:,}."


def jobs() -> formats.Markdown:
    rule = rules.rule("jobs")
    return f"Jobs are deleted {formats.count(rule.days, 'day')} after their end." if rule else ""
