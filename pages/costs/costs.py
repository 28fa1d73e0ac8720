"""What was spent on what, what it bought and saved, and what may still be spent."""

import streamlit as st

from pages.costs import budgets, spending

st.title("Costs")
spend, limits = st.tabs(["Spending", "Budgets"], key="tab", on_change="rerun", bind="query-params")
if spend.open:
    with spend:
        spending.show()
if limits.open:
    with limits:
        budgets.show()
