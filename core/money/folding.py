"""Sums of usage records: deltas folded into them, and all of them made anew for another zone. By the leader.

Triggers on `usage_record` append what each statement changes to `usage_delta`, in its transaction. Nothing waits for
anything there: no two writers touch the same row. A fold moves deltas into `usage_sum` by one statement, so that a
reader finds each of them in one of the two, and a kill leaves it where it was. `usage_sum` may hold several editions:
the next one is made beside the one that counts, out of records and without deltas, from one snapshot.
"""

import structlog
from sqlmodel import Session

from core.money.sums import KEYS, MEASURES, OF_RECORD
from core.runtime import db

log = structlog.get_logger()
FOLD_LOCK = 0x0CA1_0005
# What a sum's key is the hash of, in the order of the migration that made the first ones.
HASHED = """day - DATE '2000-01-01', zone_day - DATE '2000-01-01', workspace_id, job_id, "user", template_id,
    collection, provider, model, lane, tier, status"""
_ADDED = ", ".join(f"sum({measure}) AS {measure}" for measure in MEASURES)
_SUMMED = ", ".join((KEYS, *MEASURES))


def _into(rows: str) -> str:
    """SQL that adds rows, which name their edition. The hash is the same however a session writes dates."""
    return f"""
INSERT INTO usage_sum AS s (edition, key, day, zone_day, {_SUMMED})
SELECT edition,
  sha256(convert_to(ROW({HASHED})::text, 'UTF8')), day, zone_day, {_SUMMED}
FROM (SELECT edition, day, zone_day, {KEYS}, {_ADDED} FROM ({rows}) r GROUP BY edition, day, zone_day, {KEYS}) d
ON CONFLICT (edition, key) DO UPDATE SET {", ".join(f"{one} = s.{one} + excluded.{one}" for one in MEASURES)}"""


_DELTAS = f"""
SELECT e.edition, (quarter AT TIME ZONE 'UTC')::date AS day, (quarter AT TIME ZONE e.zone)::date AS zone_day, {_SUMMED}
FROM taken, sums_edition e"""
FOLD = f"WITH taken AS (DELETE FROM usage_delta RETURNING *) {_into(_DELTAS)}"
_RECORDS = f"""
SELECT e.edition + 1 AS edition, (time AT TIME ZONE 'UTC')::date AS day, (time AT TIME ZONE :zone)::date AS zone_day,
  {KEYS}, {OF_RECORD}
FROM usage_record, sums_edition e"""
NEXT_EDITION = f"WITH counted AS (DELETE FROM usage_delta) {_into(_RECORDS)}"


# A zone that only the environment knows, and the database does not, changes nothing. To tell, the database reads the
# files of all zones; with AND it would do so first, in every round.
CHANGED_TO = """
SELECT 1 FROM sums_edition e
WHERE CASE WHEN e.zone <> :zone THEN EXISTS (SELECT 1 FROM pg_timezone_names z WHERE z.name = :zone) END
"""


def keep_up(zone: str) -> None:
    """One round: sums of this zone, with all that was committed before."""
    with db.transaction(everywhere=True) as session:
        # Another process may be at it, where the leader has just changed.
        if not db.scalar(session, "SELECT pg_try_advisory_xact_lock(:lock)", lock=FOLD_LOCK):
            return
        if db.scalar(session, CHANGED_TO, zone=zone):
            _make_anew(session, zone)
        else:
            db.execute(session, FOLD)


def _make_anew(session: Session, zone: str) -> None:
    """What counts until it is committed are the sums of the former zone, and deltas."""
    log.info("sums of usage are made anew", zone=zone)
    db.execute(session, NEXT_EDITION, zone=zone)
    db.execute(session, "UPDATE sums_edition SET edition = edition + 1, zone = :zone", zone=zone)
    db.execute(session, "DELETE FROM usage_sum WHERE edition <> (SELECT edition FROM sums_edition)")
