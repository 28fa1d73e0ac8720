"""What was spent on what, what it bought and saved, and what may still be spent."""

from collections.abc import Callable, Mapping

import streamlit as st

from core.access import roles
from core.access.roles import Action
from pages.common import failures, formats
from pages.costs import advice, budgets, invoices, spending, unpriced

st.title("Costs")
failures.show_notice()
# With what each is for: whoever may not sees no such tab.
PARTS: Mapping[formats.Markdown, tuple[Callable[[], None], Action]] = {
    "Spending": (spending.show, "read"),
    "Budgets": (budgets.show, "read"),
    "Unpriced": (unpriced.show, "usage.read_all"),
    "Advice": (advice.show, "usage.read_all"),
    "Invoice check": (invoices.show, "invoice.read"),
}
names: list[formats.Markdown] = [name for name, (_, needed) in PARTS.items() if roles.may(needed)]
tabs = st.tabs(names, key="tab", on_change="rerun", bind="query-params")
for tab, name in zip(tabs, names, strict=True):
    if tab.open:
        with tab:
            PARTS[name][0]()
