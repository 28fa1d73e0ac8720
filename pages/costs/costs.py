"""What was spent on what, what it bought and saved, and what may still be spent."""

import streamlit as st

from pages.costs import budgets, invoices, spending, unpriced

st.title("Costs")
names = ["Spending", "Budgets", "Unpriced", "Invoice check"]
spend, limits, queue, check = st.tabs(names, key="tab", on_change="rerun", bind="query-params")
if spend.open:
    with spend:
        spending.show()
if limits.open:
    with limits:
        budgets.show()
if queue.open:
    with queue:
        unpriced.show()
if check.open:
    with check:
        invoices.show()
