"""What was spent on what, what it bought and saved, and what may still be spent."""

import streamlit as st

from pages.common import failures
from pages.costs import advice, budgets, invoices, spending, unpriced

st.title("Costs")
failures.show_notice()
PARTS = {
    "Spending": spending.show,
    "Budgets": budgets.show,
    "Unpriced": unpriced.show,
    "Advice": advice.show,
    "Invoice check": invoices.show,
}
tabs = st.tabs(list(PARTS), key="tab", on_change="rerun", bind="query-params")
for tab, show in zip(tabs, PARTS.values(), strict=True):
    if tab.open:
        with tab:
            show()
