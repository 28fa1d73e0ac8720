"""Costs of several workspaces side by side. Each is read by itself, in a transaction of its own: none sees another's
records, and here come sums alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from zoneinfo import ZoneInfo

from core.money import costs
from core.money.costs import Row, Table
from core.money.stretches import Stretch
from core.money.sums import By, Filters, Sums
from core.runtime import workspace


@dataclass(frozen=True)
class AcrossTable:
    """`names`: what people call the keys of the last of what it is by, where they have names."""

    table: Table
    names: Mapping[str, str]
    as_of: datetime
    zone: ZoneInfo


def table(
    workspaces: Sequence[str],
    by: Sequence[By],
    of: Callable[[ZoneInfo], Stretch],
    filters: Filters,
    *,
    limit: int | None = None,
    skip: int = 0,
) -> AcrossTable:
    """As `Costs.table`, of all of these. `as_of`: when the first of them was read."""
    rows: list[Row] = []
    names: dict[str, str] = {}
    total, read = Sums(), None
    # One that is not there, where there are none.
    for one in workspaces or ("",):
        with workspace.bound(one), costs.reading() as now:
            found = now.table(by, of(now.zone), filters)
            names |= now.labels(by[-1], [row.keys[-1] for row in found.rows])
            read = read or (now.as_of, now.zone)
        rows += found.rows
        total = _added(total, found.total)
    assert read is not None
    dearest = sorted(rows, key=lambda row: (row.sums.cost_usd or 0, row.sums.calls), reverse=True)
    if by[0] in ("day", "month"):
        dearest.sort(key=lambda row: row.keys[0] or "", reverse=True)
    shown = tuple(dearest[skip:] if limit is None else dearest[skip : skip + limit])
    return AcrossTable(Table(shown, total, len(dearest) > skip + len(shown)), names, *read)


def _added(one: Sums, other: Sums) -> Sums:
    return Sums(*(getattr(one, field.name) + getattr(other, field.name) for field in fields(Sums)))
