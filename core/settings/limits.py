"""The admin's limits (upload, concurrency, batches, money): set while Cairn runs, else by the environment or default.

Each is a setting of the environment, too, by the same name. They are read from memory, each time they are needed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from types import MappingProxyType

import structlog

from core.environment import get_settings
from core.errors import InvalidInput
from core.runtime import db
from core.settings import store
from core.settings.store import Source

log = structlog.get_logger()
CEILING = "ceiling"
# Where `confirm_job_usd` is not set, the pages ask above this. Programs are held to it only where it is set.
PAGES_CONFIRM_USD = Decimal(5)


@dataclass(frozen=True)
class Bounds:
    least: Decimal
    most: Decimal
    whole: bool = True


def _whole(least: int, most: int) -> Bounds:
    return Bounds(Decimal(least), Decimal(most))


LIMITS: Mapping[str, Bounds] = MappingProxyType(
    {
        "max_upload_mb": _whole(1, 2000),
        "live_concurrency": _whole(1, 512),
        "confirm_job_usd": Bounds(Decimal(0), Decimal(1_000_000), whole=False),
        "batches_in_flight": _whole(1, 10_000),
        "batch_tokens_in_flight": _whole(1, 100_000_000_000),
        "batch_usd_in_flight": Bounds(Decimal("0.01"), Decimal(1_000_000), whole=False),
    }
)


def upload_mb() -> int:
    return int(_set("max_upload_mb"))


def live_calls() -> int:
    """How many calls one jobs process has in flight at most."""
    return int(_set("live_concurrency"))


def batches() -> int:
    return int(_set("batches_in_flight"))


def batch_tokens() -> int:
    return int(_set("batch_tokens_in_flight"))


def batch_usd() -> Decimal:
    return _set("batch_usd_in_flight")


def confirm_usd() -> Decimal | None:
    """The estimate above which a job must be confirmed, in USD. None: no job needs that."""
    return of("confirm_job_usd")[0]


def _set(name: str) -> Decimal:
    value = of(name)[0]
    assert value is not None
    return value


def of(name: str) -> tuple[Decimal | None, Source]:
    """The limit in force, and where it comes from. None: no limit."""
    here = store.values().get(f"{CEILING}:{name}")
    value = None if here is None else _read(name, here)
    if value is not None:
        return value, "here"
    settings = get_settings()
    set_up = getattr(settings, name)
    source: Source = "environment" if name in settings.model_fields_set else "default"
    return (None if set_up is None else Decimal(set_up)), source


def _read(name: str, here: store.Value) -> Decimal | None:
    """None, with a warning in the log, for a stored value that this version cannot read."""
    try:
        return checked(name, Decimal(str(here["value"])))
    except (KeyError, InvalidOperation, InvalidInput):
        log.warning("a stored limit cannot be read; it does not count", setting=name)
        return None


def checked(name: str, value: Decimal) -> Decimal:
    """The value. Raises InvalidInput if it lies outside the limit's bounds."""
    bounds = LIMITS[name]
    fits = value.is_finite() and bounds.least <= value <= bounds.most and not (bounds.whole and value % 1)
    if not fits:
        number = "a whole number" if bounds.whole else "a number"
        raise InvalidInput(f"{name.upper()} is {number} from {bounds.least:,} to {bounds.most:,}.")
    return value


def change(name: str, value: Decimal | None) -> None:
    """Set a limit; None leaves it to the environment again. Raises InvalidInput."""
    if name not in LIMITS:
        raise InvalidInput(f"There is no limit {name!r}. There are {', '.join(LIMITS)}.")
    # As text: a number of JSON would be read as a float, and this may be money.
    wanted = None if value is None else {"value": f"{checked(name, value):f}"}
    with db.transaction() as session:
        store.put(session, f"{CEILING}:{name}", wanted)
    store.load()
