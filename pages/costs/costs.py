"""What was spent on what, what it bought and saved, and what may still be spent."""

from collections.abc import Mapping

import streamlit as st

from core.access import roles
from core.access.roles import Action
from pages.common import failures, formats
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
# What these are for: whoever may not do it sees no such tab.
NEEDS: Mapping[str, Action] = {
    "Unpriced": "usage.read_all",
    "Advice": "usage.read_all",
    "Invoice check": "invoice.read",
}
names: list[formats.Markdown] = [name for name in PARTS if roles.may(NEEDS.get(name, "read"))]
tabs = st.tabs(names, key="tab", on_change="rerun", bind="query-params")
for tab, name in zip(tabs, names, strict=True):
    if tab.open:
        with tab:
            PARTS[name]()
