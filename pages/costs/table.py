"""The table of the same figures: a row for each key, the largest first, and a total below."""

from collections.abc import Mapping, Sequence

import streamlit as st

from core.money.costs import Costs, Table
from core.money.stretches import Stretch
from core.money.sums import Dimension, Filters, Sums
from pages.common import formats, grids, widgets
from pages.words import costs as words

AT_MOST = 200
NUMBER = st.column_config.NumberColumn(format="localized")
LIST = "At list price"
USD = {"USD": "– has no known price", LIST: "The same calls, live at the standard tier"}
COLUMNS = {
    **dict.fromkeys(("Calls", "Reused", "Input", "Cached", "Output", "Reasoning", "Unpriced"), NUMBER),
}


def read(now: Costs, by: Dimension, stretch: Stretch, filters: Filters) -> tuple[Table, Mapping[str, str]]:
    """With what its keys are called."""
    found = now.table([by], stretch, filters, limit=AT_MOST)
    return found, now.labels(by, [row.keys[0] for row in found.rows])


def show(found: Table, by: Dimension, names: Mapping[str, str]) -> str | None:
    """Returns the key of the row that was clicked, "" for what has none; None: none was."""
    key = f"costs-by-{by}-{hash(tuple(row.keys for row in found.rows))}"
    clicked = widgets.clicked_row(key)
    rows = [_values(words.key(by, row.keys[0], names.get(row.keys[0] or "")), row.sums) for row in found.rows]
    rows.append(_values("Total", found.total))
    table = grids.columns([words.DIMENSIONS[by], *USD, *COLUMNS], rows)
    for empty in ("Reused", "Cached", "Reasoning", "Unpriced"):
        if not table[empty][-1]:
            del table[empty]
    usd = formats.of_column(amount for name in USD for amount in table[name])
    amounts = {name: st.column_config.NumberColumn(format=usd, help=about) for name, about in USD.items()}
    st.dataframe(
        grids.numbered(table),
        column_config={**grids.ROW_NUMBERS, **COLUMNS, **amounts},
        on_select="rerun",
        selection_mode=["single-cell"],
        key=key,
        placeholder="–",
    )
    if found.more:
        st.caption(f"The first {formats.count(len(found.rows), 'row')}, the dearest ones. An export has all of them.")
    if clicked is None or clicked >= len(found.rows):
        return None
    return found.rows[clicked].keys[0] or ""


def _values(name: str, sums: Sums) -> Sequence[object]:
    """Without a known price there is no cost, not one of 0."""
    spent, listed = sums.spent, sums.at_list_prices
    return (
        name,
        None if spent is None else float(spent),
        None if listed is None else float(listed),
        sums.calls,
        sums.reused,
        sums.input_tokens,
        sums.cached_input_tokens,
        sums.output_tokens,
        sums.reasoning_tokens,
        sums.unpriced,
    )
