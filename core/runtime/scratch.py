"""Files for a while, in DATA_DIR. They hold what people uploaded: nobody but Cairn's own user may look at them."""

import os
from pathlib import Path
from typing import BinaryIO

from core.environment import get_settings


def root() -> Path:
    return get_settings().data_dir / "scratch"


def make(folder: Path) -> Path:
    """Make a folder below `root`, and close it to others, also where an older release left it open."""
    root().parent.mkdir(parents=True, exist_ok=True)
    for place in reversed((folder, *folder.parents)):
        if place.is_relative_to(root()):
            place.mkdir(mode=0o700, exist_ok=True)
            place.chmod(0o700)
    return folder


def new_file(path: Path) -> BinaryIO:
    """In the place of one that a killed process left."""
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
