"""Single flight: of requests with equal fingerprints one is asked at a time, and the others reuse its answer."""

from sqlmodel import Session

from core.runtime import db

CLAIM_LOCK = 0x0CA1_0002


def take_turn(session: Session) -> None:
    """Wait until no other transaction claims requests; until this one ends no other will.

    Without it two claims at the same time could each take one of two equal requests and not see the other's.
    """
    db.execute(session, "SELECT pg_advisory_xact_lock(:key)", key=CLAIM_LOCK)


def twin(fingerprint: str) -> str:
    """SQL condition: a request with this SQL expression's fingerprint is being asked, or its answer being derived."""
    return f"""EXISTS (SELECT 1 FROM request twin
    WHERE twin.fingerprint = {fingerprint} AND twin.state IN ('in_flight', 'answered') AND NOT twin.reused)"""
