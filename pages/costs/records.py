"""The usage records that the figures are sums of."""

import pandas as pd
import streamlit as st

from core.money import costs
from core.money.stretches import Stretch
from core.money.sums import Filters, Sums
from pages.common import failures, formats, widgets

AT_ONCE = 50


@failures.part
def show(stretch: Stretch, filters: Filters, total: Sums) -> None:
    """Behind a button: most people need sums alone."""
    if not st.toggle("Show the calls", key="calls", help="Each call and each reused answer, the newest first"):
        return
    cursors = widgets.trail("cost_records", (stretch.start, filters))
    page = costs.records(stretch, filters, limit=AT_ONCE, cursor=cursors[-1])
    st.caption(formats.count(total.calls + total.reused, "usage record"))
    st.dataframe(
        pd.DataFrame(
            [
                (
                    row.time,
                    row.model,
                    row.lane,
                    row.tier,
                    None if row.cost_usd is None else float(row.cost_usd),
                    row.input_tokens,
                    row.output_tokens,
                    "reused" if row.reused else row.status,
                    (row.price or {}).get("source"),
                    row.job,
                )
                for row in page.items
            ],
            columns=["Time", "Model", "Lane", "Tier", "USD", "Input", "Output", "Status", "Price from", "Job"],
        ),
        hide_index=True,
        placeholder="–",
        column_config={
            "Time": st.column_config.DatetimeColumn(format="localized"),
            "USD": st.column_config.NumberColumn(format="$%.6f", help="– has no known price"),
            "Input": st.column_config.NumberColumn(format="localized"),
            "Output": st.column_config.NumberColumn(format="localized"),
        },
    )
    widgets.turn_pages(cursors, page.next_cursor)
