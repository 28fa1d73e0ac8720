"""Our sums against the provider's own, by day (UTC), model, and lane where theirs tells it: equal, or why not.

    found = drift.read("openai", date(2026, 11, 1), date(2026, 12, 1), now)

Tokens decide first: where theirs are more, calls were made that we do not know; where they are the same and the sum is
not, the price differs. Only days that a report is there of are compared.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Literal, get_args

from core.invoices import naming, report
from core.invoices.report import DayRow, OurRow, TheirRow
from core.providers import billing
from core.providers.billing import Kind, Lane
from core.runtime import db

Verdict = Literal["equal", "unknown_calls", "price_differs", "not_matched", "fresh"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
# Less than this rounds to no cent.
HALF_A_CENT = Decimal("0.005")
# After the end of a day their figures of it may still grow.
LAG = timedelta(hours=24)
MILLION = Decimal(1_000_000)


@dataclass(frozen=True)
class Ours:
    """`cost_usd` None: none of the calls has a known price. `unheard` calls are in it as estimates."""

    tokens: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal | None = Decimal(0)
    calls: int = 0
    unpriced: int = 0
    unheard: int = 0


@dataclass(frozen=True)
class Theirs:
    """Tokens or money are None where no report tells them."""

    tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: Decimal | None = None
    list_usd: Decimal | None = None


@dataclass(frozen=True)
class Item:
    """`lane` None: theirs does not tell. `ours` or `theirs` None: that side has nothing of it. `rates`: what they
    charge by kind of token, USD per million. `our_models`: as usage records name what is in it."""

    day: date
    model: str
    lane: Lane | None
    ours: Ours | None
    theirs: Theirs | None
    verdict: Verdict
    rates: Mapping[Kind, Decimal] = field(default_factory=lambda: MappingProxyType({}))
    our_models: tuple[str, ...] = ()

    @property
    def drift_usd(self) -> Decimal | None:
        """Theirs less ours; None where theirs tells no money. What has no price counts as nothing booked."""
        theirs = Theirs(cost_usd=Decimal(0)) if self.theirs is None else self.theirs
        ours = (self.ours and self.ours.cost_usd) or Decimal(0)
        return None if theirs.cost_usd is None else theirs.cost_usd - ours


@dataclass(frozen=True)
class Drift:
    """`days` of the stretch that there are reports of; `fetched_at`: of the oldest of them. `fresh_until`: when the
    newest that is too fresh will be settled; None where none is."""

    items: tuple[Item, ...]
    days: int
    fetched_at: datetime | None
    fresh_until: datetime | None

    @property
    def verdicts(self) -> Mapping[Verdict, int]:
        found = Counter(one.verdict for one in self.items)
        return {verdict: found[verdict] for verdict in VERDICTS}

    @property
    def ours(self) -> Ours:
        each = [one.ours for one in self.items if one.ours]
        counts = {name: sum(getattr(one, name) for one in each) for name in COUNTS}
        return Ours(**counts, cost_usd=_sum(one.cost_usd for one in each) if each else Decimal(0))

    @property
    def theirs(self) -> Theirs:
        each = [one.theirs for one in self.items if one.theirs]
        return Theirs(
            _count(one.tokens for one in each),
            _count(one.input_tokens for one in each),
            _count(one.output_tokens for one in each),
            _sum(one.cost_usd for one in each),
            _sum(one.list_usd for one in each),
        )

    @property
    def drift_usd(self) -> Decimal | None:
        """The sum of the items'."""
        return _sum(one.drift_usd for one in self.items)

    @property
    def adds_up(self) -> bool:
        """False where parts of a cent, each too small for its row, are a cent together."""
        return abs(self.drift_usd or Decimal(0)) < HALF_A_CENT or any(one.verdict != "equal" for one in self.items)


COUNTS = ("tokens", "input_tokens", "output_tokens", "calls", "unpriced", "unheard")


def _sum(values: Iterable[Decimal | None]) -> Decimal | None:
    """Of those that are known; None if none is."""
    known = [value for value in values if value is not None]
    return sum(known, Decimal(0)) if known else None


def _count(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def read(provider: str, start: date, stop: date) -> Drift:
    """Of the days from `start` to before `stop`."""
    with db.transaction(everywhere=True, reads="snapshot") as session:
        days = report.days(session, provider, start, stop)
        theirs = report.theirs(session, provider, start, stop)
        ours = report.ours(session, provider, start, stop)
    return compared(days, theirs, ours)


def compared(days: Sequence[DayRow], theirs: Sequence[TheirRow], ours: Sequence[OurRow]) -> Drift:
    reports: dict[date, dict[str, DayRow]] = defaultdict(dict)
    for one in days:
        reports[one.day][one.source] = one
    shown = naming.groups((one.model for one in ours), (one.model for one in theirs))
    pairs: dict[tuple[date, str], _Pair] = defaultdict(_Pair)
    for row in theirs:
        pairs[row.day, shown[row.model]].theirs.append(row)
    for own in ours:
        if own.day in reports:
            pairs[own.day, shown[own.model]].ours.append(own)
    items = [
        item
        for (day, model), pair in sorted(pairs.items(), key=lambda found: (-found[0][0].toordinal(), found[0][1]))
        for item in pair.items(day, model, reports[day])
    ]
    fresh = [_settled(day) for day, found in reports.items() if _is_fresh(day, found)]
    fetched = min((one.fetched_at for one in days), default=None)
    return Drift(tuple(items), len(reports), fetched, max(fresh, default=None))


def _settled(day: date) -> datetime:
    return billing.begin(day + timedelta(days=1)) + LAG


def _is_fresh(day: date, reports: Mapping[str, DayRow]) -> bool:
    return any(one.fetched_at < _settled(day) for one in reports.values())


@dataclass
class _Pair:
    """Both sides of a day and model."""

    theirs: list[TheirRow] = field(default_factory=list)
    ours: list[OurRow] = field(default_factory=list)

    def items(self, day: date, model: str, reports: Mapping[str, DayRow]) -> list[Item]:
        told = _lanes(self.theirs)
        lanes: Sequence[Lane | None] = [None] if told is None else sorted({*told, *(one.lane for one in self.ours)})
        found = []
        for lane in lanes:
            lines = (
                [row for row, of in zip(self.theirs, told or (), strict=False) if of == lane] if lane else self.theirs
            )
            own = [one for one in self.ours if lane in (None, one.lane)]
            ours, theirs = _ours(own), _theirs(lines, reports)
            if ours is None and theirs is None:
                continue
            verdict: Verdict = "fresh" if _is_fresh(day, reports) else judged(ours, theirs)
            rates = _rates(lines) if verdict == "price_differs" else {}
            models = tuple(sorted({one.model for one in own}))
            found.append(Item(day, model, lane, ours, theirs, verdict, rates, models))
        return found


def _lanes(rows: Sequence[TheirRow]) -> list[Lane] | None:
    """The lane of each of their lines; None where one of them cannot be told. Without lines ours are as they are."""
    of_usage = {row.lane for row in rows if row.source == "usage"}
    of_cost = {row.lane for row in rows if row.source == "cost"}
    found: list[Lane] = []
    for row in rows:
        lane = row.lane
        if lane is None and row.source == "cost":
            # Costs name a batch and leave out what is none, or name neither: then the usage may tell.
            lane = next(iter(of_usage)) if len(of_usage) == 1 else "live" if "batch" in of_cost else None
        if lane is None:
            return None
        found.append(lane)
    return found


def _ours(rows: Sequence[OurRow]) -> Ours | None:
    if not rows:
        return None
    calls, unpriced = sum(one.calls for one in rows), sum(one.unpriced for one in rows)
    read, written = sum(one.input_tokens for one in rows), sum(one.output_tokens for one in rows)
    cost = None if unpriced >= calls else sum((one.cost_usd for one in rows), Decimal(0))
    return Ours(read + written, read, written, cost, calls, unpriced, sum(one.unheard for one in rows))


def _theirs(rows: Sequence[TheirRow], reports: Mapping[str, DayRow]) -> Theirs | None:
    """Of a day whose costs are there, no line is 0."""
    if not any(row.tokens or row.usd for row in rows):
        return None
    tokens = _tokens(rows)
    read = None if tokens is None else sum(count for kind, count in tokens.items() if kind != "output")
    written = None if tokens is None else tokens.get("output", 0)
    usd = _sum(row.usd for row in rows) or Decimal(0)
    return Theirs(
        tokens=None if tokens is None else sum(tokens.values()),
        input_tokens=read,
        output_tokens=written,
        cost_usd=usd if "cost" in reports else None,
        list_usd=_sum(row.list_usd for row in rows),
    )


def _tokens(rows: Sequence[TheirRow]) -> dict[Kind, int] | None:
    """By kind: as the usage has them, else as the costs count them; None where neither does."""
    of_usage = [row for row in rows if row.source == "usage"]
    counted = of_usage or [row for row in rows if row.kind != "other"]
    if not counted or any(row.tokens is None for row in counted):
        return None
    found: Counter[Kind] = Counter()
    for row in counted:
        found[row.kind] += row.tokens or 0
    return dict(found)


def _rates(rows: Sequence[TheirRow]) -> dict[Kind, Decimal]:
    """USD per million tokens. Of what is charged without tokens of its kind there is no rate."""
    tokens = _tokens(rows) or {}
    money: dict[Kind, Decimal] = defaultdict(Decimal)
    for row in rows:
        if row.usd is not None:
            money[row.kind] += row.usd
    return {
        kind: (usd * MILLION / tokens[kind]).quantize(Decimal("1E-6")).normalize()
        for kind, usd in money.items()
        if tokens.get(kind) and usd >= 0
    }


def judged(ours: Ours | None, theirs: Theirs | None) -> Verdict:
    """Both sides of a settled day."""
    if ours is None or theirs is None:
        return "not_matched"
    same_money = theirs.cost_usd is not None and abs(theirs.cost_usd - (ours.cost_usd or 0)) < HALF_A_CENT
    if theirs.input_tokens is None or theirs.output_tokens is None:
        return "equal" if same_money else "not_matched"
    if theirs.input_tokens > ours.input_tokens or theirs.output_tokens > ours.output_tokens:
        return "unknown_calls"
    if theirs.tokens != ours.tokens or theirs.cost_usd is None:
        return "not_matched"
    return "equal" if same_money else "price_differs"
