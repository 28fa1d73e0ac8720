"""When an answer was made: by its provider's clock, as its invoice counts, where that is plausible by ours."""

from datetime import datetime, timedelta

# So far clocks differ. A time of theirs is cut to the second, too.
CLOCKS_DIFFER = timedelta(minutes=5)


def checked(told: datetime | None, asked: datetime, heard: datetime) -> datetime:
    """The time that was told, unless it lies before the question or after the answer came: then ours."""
    if told is None or not asked - CLOCKS_DIFFER <= told <= heard + CLOCKS_DIFFER:
        return heard
    return told
