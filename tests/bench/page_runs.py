"""Script runs of pages in this process, beside a trivial page. They know nothing of a server, and compile each page
anew: `users` has them as people do."""

import gc
import time
from collections.abc import Mapping
from typing import Any

from streamlit.testing.v1 import AppTest

from tests.bench.measuring import p50_p95_ms
from tests.pages.seeing import opened

RUNS = 40


def pages(opened_at: Mapping[str, tuple[str, Mapping[str, str]]]) -> dict[str, dict[str, Any]]:
    """Script runs of pages, each with what stands in its link, in the database that is there."""
    # As web does once it is up: without it a full collection walks over every import at some run or other.
    gc.collect()
    gc.freeze()
    trivial = _runs(AppTest.from_string("import streamlit as st\nst.title('trivial')"))
    return {"trivial page": _row(trivial, trivial)} | {
        name: _row(_runs(opened(page, **link)), trivial) for name, (page, link) in opened_at.items()
    }


def _runs(at: AppTest) -> list[float]:
    at.run()
    # A page that only says what went wrong is quick.
    assert not at.exception
    assert not at.error
    seconds = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        at.run()
        seconds.append(time.perf_counter() - begun)
    return seconds


def _row(seconds: list[float], trivial: list[float]) -> dict[str, Any]:
    p50, p95 = p50_p95_ms(seconds)
    return {"p50_ms": p50, "p95_ms": p95, "times_trivial": round(p50 / p50_p95_ms(trivial)[0], 1)}
