"""How many calls of a provider may be under way at once, over all processes: as an admin set it on its row.

Claims are made one at a time (core/requests/single_flight.py), so that what is counted here is not overtaken. Single
texts are counted among themselves: somebody waits for each of them, and would wait for the whole of a job.
"""

from sqlmodel import Session

from core.runtime import db
from core.settings import provider_rows


def room(session: Session, provider: str, *, single: bool) -> int | None:
    """How many more calls may begin; None: as many as go."""
    most = provider_rows.of(provider).concurrency
    if most is None:
        return None
    return max(0, most - int(db.scalar(session, SINGLE if single else OF_JOBS, provider=provider)))


# A live call has a worker until it is answered; a request in a batch has none.
OF_JOBS = """
SELECT count(*)::int FROM request r JOIN job j ON j.id = r.job_id
WHERE r.worker_id IS NOT NULL AND r.state = 'in_flight' AND j.provider = :provider
"""
SINGLE = """
SELECT count(*)::int FROM request r
WHERE r.job_id IS NULL AND r.state = 'in_flight' AND r.single ->> 'provider' = :provider
"""
