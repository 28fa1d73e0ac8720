"""Claim queued documents for a worker: one by its id, or the next whose turn it is.

People take turns, so that one's many or slow files do not hold up another's, and collections where nobody is signed
in (`document.turn`): the next document is the oldest of those of whom the fewest are being read; among equals, of the
one that comes after the last. A process reads at most READERS documents in one's turn, and has one reader more than
that for the others.
"""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass

from sqlmodel import Session

from core.errors import Unavailable
from core.runtime import db, worker_lease
from core.tables.documents import Document

READERS = max(2, os.cpu_count() or 2)
SPARE = 1
AGAIN_SECONDS = 1.0
LOOK_SECONDS = 0.5
# So many turns with queued documents are compared, from the last turn on: the cost does not grow with them.
COMPARED = 32


def claim(document_id: str, worker_id: int) -> Document | None:
    """Make a queued document this worker's; None where it is not queued."""
    with db.transaction(everywhere=True) as session:
        return _take(session, worker_id, "CAST(:document AS text)", document=document_id)


def _take(session: Session, worker_id: int, which: str, **params: object) -> Document | None:
    found = db.scalar(
        session,
        f"""UPDATE document SET state = 'extracting', stage = 'reading', stage_done = NULL, stage_total = NULL,
             worker_id = :worker, waiting_since = now()
           WHERE id = ({which}) AND state = 'queued' RETURNING id""",
        worker=worker_id,
        **params,
    )
    if found is None:
        return None
    worker_lease.renew(session, worker_id)
    return session.get(Document, found)


OLDEST = """
SELECT id FROM document WHERE state = 'queued' AND turn = :turn ORDER BY id LIMIT 1
FOR UPDATE SKIP LOCKED
"""


def put_back(document_id: str, worker_id: int) -> None:
    with db.transaction(everywhere=True) as session:
        db.execute(
            session,
            """UPDATE document SET state = 'queued', stage = NULL, worker_id = NULL, waiting_since = now()
               WHERE id = :document AND state = 'extracting' AND worker_id = :worker""",
            document=document_id,
            worker=worker_id,
        )


def until_stored(store: Callable[[], None], stop: threading.Event) -> None:
    """Repeat until the database answers: else the document would be this worker's for as long as it lives. Raises
    Unavailable on `stop`."""
    while True:
        try:
            return store()
        except Unavailable:
            if stop.wait(AGAIN_SECONDS):
                raise


@dataclass(frozen=True)
class _Turn:
    """`of`: a person's or a collection's id. `is_full`: all the readers are at work for it that one may have."""

    of: str
    is_full: bool


class Turns:
    """One per process. Its threads may claim at the same time."""

    def __init__(self, worker_id: int, readers: int = READERS):
        self.worker_id = worker_id
        self._readers = readers
        self._last = ""
        self._claiming = threading.Lock()

    def claim(self, stop: threading.Event) -> Document | None:
        """The next document; None where none is queued, and on `stop`. It waits while each turn that has one queued
        has all the readers it may have, and while others hold what is queued. Raises Unavailable."""
        while not stop.is_set():
            with self._claiming:
                turn, document = self._take_turn(stop)
            if document is not None or turn is None:
                return document
            stop.wait(LOOK_SECONDS)
        return None

    def _take_turn(self, stop: threading.Event) -> tuple[_Turn | None, Document | None]:
        """No document, too, where other transactions hold them."""
        document = None
        try:
            with db.transaction(everywhere=True) as session:
                turn = self._next(session)
                if turn is not None and not turn.is_full:
                    document = _take(session, self.worker_id, OLDEST, turn=turn.of)
                    self._last = turn.of
        except Unavailable:
            # The commit may have succeeded all the same. This worker is alive, so nobody else would put it back.
            if document is not None:
                taken = document.id
                until_stored(lambda: put_back(taken, self.worker_id), stop)
            raise
        return turn, document

    def _next(self, session: Session) -> _Turn | None:
        row = db.row(session, NEXT, last=self._last, worker=self.worker_id, readers=self._readers, compared=COMPARED)
        return None if row is None else _Turn(row.id, row.is_full)


# Turns with queued documents, each found by one look into the index, in a circle from the last turn on.
AFTER = """coalesce(
  (SELECT min(d.turn) FROM document d WHERE d.state = 'queued' AND d.turn > {last}),
  (SELECT min(d.turn) FROM document d WHERE d.state = 'queued'))"""
NEXT = f"""
WITH RECURSIVE circle (id) AS (SELECT {AFTER.format(last=":last")} UNION SELECT {AFTER.format(last="c.id")}
  FROM circle c WHERE c.id IS NOT NULL),
near AS (SELECT id, row_number() OVER () AS place FROM circle LIMIT :compared),
at_work AS (SELECT turn AS id, count(*) AS number, count(*) FILTER (WHERE worker_id = :worker) AS own
  FROM document WHERE state = 'extracting' GROUP BY turn)
SELECT n.id, coalesce(w.own, 0) >= :readers AS is_full FROM near n LEFT JOIN at_work w USING (id)
WHERE n.id IS NOT NULL ORDER BY is_full, coalesce(w.number, 0), n.place LIMIT 1
"""
