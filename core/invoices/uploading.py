"""Keep an export of a provider's billing page, in place of what was kept of its days."""

from dataclasses import dataclass
from datetime import date

from core.access import audit
from core.access.roles import require
from core.errors import InvalidInput
from core.invoices import exports_read, keeping
from core.providers.billing import Source
from core.runtime import db

MOST_BYTES = 30 << 20


@dataclass(frozen=True)
class Uploaded:
    """`first` and `last`: of the days that it has."""

    provider: str
    source: Source
    first: date
    last: date
    days: int
    lines: int


def upload(content: bytes) -> Uploaded:
    """Raises InvalidInput where the file is no export that is known, or a row of it cannot be read."""
    require("invoice.read")
    if len(content) > MOST_BYTES:
        raise InvalidInput(f"The file is larger than {MOST_BYTES >> 20} MB. Export a shorter time.")
    found = exports_read.read(content)
    told = Uploaded(found.provider, found.source, min(found.days), max(found.days), len(found.days), len(found.lines))
    with db.transaction() as session:
        keeping.keep(session, found.provider, found.source, found.days, found.lines, "upload")
        after = {"source": told.source, "first": told.first.isoformat(), "last": told.last.isoformat()}
        audit.write(session, "invoice.upload", "invoice", found.provider, after=after, of_machine=True)
    return told
