"""Keep what a report says: all its days anew, in one transaction, so that no day is ever half of two reports."""

from collections.abc import Iterable
from datetime import date

from sqlmodel import Session

from core.providers.billing import Line, Source
from core.runtime import db
from core.tables.invoices import Origin


def keep(
    session: Session, provider: str, source: Source, days: Iterable[date], lines: Iterable[Line], origin: Origin
) -> None:
    """`days`: all that the report is of, also those without a line. In the caller's transaction."""
    whole = sorted({*days})
    db.execute(session, LOCK, provider=provider)
    db.execute(session, FORGET, provider=provider, source=source, days=whole)
    db.execute(session, NOTE, provider=provider, source=source, days=whole, origin=origin)
    found = [one for one in lines if one.day in {*whole}]
    db.execute(
        session,
        ADD,
        provider=provider,
        source=source,
        days=[one.day for one in found],
        models=[one.model for one in found],
        lanes=[one.lane for one in found],
        kinds=[one.kind for one in found],
        tokens=[one.tokens for one in found],
        usd=[one.usd for one in found],
        list_usd=[one.list_usd for one in found],
    )


LOCK = "SELECT pg_advisory_xact_lock(hashtext('invoices:' || :provider))"
FORGET = "DELETE FROM invoice_line WHERE provider = :provider AND source = :source AND day = ANY(:days)"
NOTE = """
INSERT INTO invoice_day (provider, day, source, origin)
SELECT :provider, d, :source, :origin FROM unnest(CAST(:days AS date[])) d
ON CONFLICT (provider, day, source) DO UPDATE SET origin = excluded.origin, fetched_at = now()
"""
# Lines that differ in what is not kept, such as the tier, are one.
ADD = """
INSERT INTO invoice_line (provider, source, day, model, lane, kind, tokens, usd, list_usd)
SELECT :provider, :source, day, model, lane, kind, sum(tokens), sum(usd), sum(list_usd)
FROM unnest(CAST(:days AS date[]), CAST(:models AS text[]), CAST(:lanes AS text[]), CAST(:kinds AS text[]),
  CAST(:tokens AS bigint[]), CAST(:usd AS numeric[]), CAST(:list_usd AS numeric[]))
  AS t (day, model, lane, kind, tokens, usd, list_usd)
GROUP BY day, model, lane, kind
"""
