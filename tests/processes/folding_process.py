"""Folds, and makes all sums anew for one zone and the other, as fast as it can until it is killed: `URL`."""

import logging
import sys

import structlog

from core.money import folding
from core.runtime import engines

if __name__ == "__main__":
    # Nobody reads what it says.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    engines.configure(sys.argv[1])
    folding.keep_up("UTC")
    print("ready", flush=True)
    while True:
        for zone in ("UTC", "UTC", "UTC", "Asia/Tokyo"):
            folding.keep_up(zone)
