"""What follows when insights change their state, their head or what contradicts them."""

from collections.abc import Iterable

from sqlmodel import Session

from core.insight_base import counts, decisions


def of_change(session: Session, insight_ids: Iterable[str]) -> None:
    """Counts of all around them, and decisions as they are now. The caller has locked `counts.around` them."""
    around = counts.around(session, insight_ids)
    counts.recount(session, around)
    decisions.remember(session, around)
