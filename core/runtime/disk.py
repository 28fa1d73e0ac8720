"""Room where DATA_DIR lies: the embedded database, scratch files and uploads on their way fill it."""

import shutil

from core.environment import get_settings
from core.errors import CairnError


class DiskFull(CairnError):
    """The disk is nearly full, so nothing more is stored."""

    code = "DISK_FULL"
    retryable = True


def room() -> tuple[int, int]:
    """Free and total bytes."""
    used = get_settings().data_dir
    disk = shutil.disk_usage(used if used.exists() else used.parent)
    return disk.free, disk.total


def check_room_for(size_bytes: int) -> None:
    """Raises DiskFull before the database finds no room for its log, stops, and cannot even delete any more."""
    free, _ = room()
    least = get_settings().min_free_disk_mb << 20
    if free - size_bytes < least:
        raise DiskFull(
            f"Only {free >> 20:,} MB are free where DATA_DIR lies, and {least >> 20:,} MB stay free for the "
            "database. Nothing was stored. Delete documents or jobs, make room on the disk, and upload again."
        )
