"""What was spent on what, what it bought and saved, and what may still be spent."""

import streamlit as st

from pages.costs import budgets, spending, unpriced

st.title("Costs")
spend, limits, queue = st.tabs(["Spending", "Budgets", "Unpriced"], key="tab", on_change="rerun", bind="query-params")
if spend.open:
    with spend:
        spending.show()
if limits.open:
    with limits:
        budgets.show()
if queue.open:
    with queue:
        unpriced.show()
