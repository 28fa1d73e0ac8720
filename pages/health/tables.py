"""Processes, and the models that were called, as tables."""

from datetime import datetime

import pandas as pd
import streamlit as st

from core.calls import report as calls_report
from core.health import report as health_report
from core.settings import provider_rows
from pages.common import formats

FIGURES = ("Failed, %", "p50, ms", "p95, ms", "Rate limit left, %")
WHOLE = st.column_config.NumberColumn(format="%.0f")


def processes() -> None:
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
        for w in health_report.workers(kind=None)
    ]
    columns = ["Process", "Kind", "Scheduler", "Alive", "Calls in flight", "Memory, MB", "Last seen"]
    if rows:
        st.dataframe(
            pd.DataFrame(rows, columns=columns),
            hide_index=True,
            column_config={"Last seen": st.column_config.DatetimeColumn(format="distance"), "Memory, MB": WHOLE},
        )


def models(moment: datetime) -> None:
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
        for m in calls_report.models()
    ]
    names = ["Provider", "Model", "Breaker", "Tried again", "Calls in 10 min", *FIGURES]
    if rows:
        config = dict.fromkeys(FIGURES, WHOLE)
        st.dataframe(pd.DataFrame(rows, columns=names), hide_index=True, placeholder="–", column_config=config)
