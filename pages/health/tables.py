"""Processes, and the models that were called, as tables."""

from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from core.calls import report as calls_report
from core.calls.report import ModelRow
from core.health.report import WorkerRow
from core.settings import provider_rows
from pages.common import formats, grids

FIGURES = ("Failed, %", "p50, ms", "p95, ms", "Rate limit left, %")
WHOLE = st.column_config.NumberColumn(format="%.0f")


def processes(found: Sequence[WorkerRow]) -> None:
    rows = [
        (
            w.name,
            w.kind,
            "leads" if w.leader and w.alive else "",
            w.alive,
            w.busy,
            w.memory_bytes / (1 << 20),
            w.last_seen,
        )
        for w in found
    ]
    columns = ["Process", "Kind", "Scheduler", "Alive", "Calls in flight", "Memory, MB", "Last seen"]
    if rows:
        st.dataframe(
            grids.table(grids.columns(columns, rows)),
            hide_index=True,
            column_config={"Last seen": st.column_config.DatetimeColumn(format="distance"), "Memory, MB": WHOLE},
        )


def models(found: Sequence[ModelRow], moment: datetime) -> None:
    rows = [
        (
            provider_rows.label(m.provider),
            m.model,
            m.breaker.replace("_", " "),
            formats.until(m.retry_at, moment) if m.breaker == "open" and m.retry_at else "",
            m.calls,
            100 * m.failed / m.calls if m.calls else None,
            calls_report.quantile_ms(m.latencies, 0.5),
            calls_report.quantile_ms(m.latencies, 0.95),
            None if m.headroom is None else 100 * m.headroom,
        )
        for m in found
    ]
    names = ["Provider", "Model", "Breaker", "Tried again", "Calls in 10 min", *FIGURES]
    if rows:
        config = dict.fromkeys(FIGURES, WHOLE)
        st.dataframe(grids.table(grids.columns(names, rows)), hide_index=True, placeholder="–", column_config=config)
