"""The zone whose days and months money is reported by: set while Cairn runs, else by the environment, else UTC."""

from zoneinfo import available_timezones

from core.environment import get_settings
from core.errors import InvalidInput
from core.runtime import db
from core.settings import store
from core.settings.store import Source

ZONE = "reporting_zone"


def name() -> tuple[str, Source]:
    """As IANA has it, and where it comes from. What is shown follows once the sums are made anew (core.money)."""
    here = store.values().get(ZONE)
    if here is not None:
        return str(here["zone"]), "here"
    settings = get_settings()
    return settings.reporting_zone, "environment" if "reporting_zone" in settings.model_fields_set else "default"


def change(zone: str | None) -> None:
    """Set it; None leaves it to the environment again. Raises InvalidInput."""
    if zone is not None and not (zone in available_timezones() and is_known(zone)):
        raise InvalidInput("There is no such time zone. Give a name of IANA's list, such as Europe/Berlin.")
    with db.transaction() as session:
        store.put(session, ZONE, {"zone": zone} if zone else None)
    store.load()


def is_known(zone: str) -> bool:
    """Whether the database has it, too."""
    with db.transaction() as session:
        return db.row(session, "SELECT 1 FROM pg_timezone_names WHERE name = :zone", zone=zone) is not None
