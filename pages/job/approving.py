"""Let this job cost more than its budgets have."""

from decimal import Decimal, InvalidOperation

import streamlit as st

from core.errors import CairnError
from core.jobs import approval
from core.jobs.report import JobRow
from pages.common import failures, formats, widgets


@failures.dialog("Approve past the budget")
def dialog(row: JobRow) -> None:
    form(row)


def form(row: JobRow) -> None:
    estimate = row.estimate_usd
    st.markdown(
        f"**{formats.plain(row.name)}** waits for a budget. Spent on it so far: {formats.money(row.cost_usd)}"
        + ("." if estimate is None else f"; it was estimated at {formats.money(estimate)} in all.")
    )
    limit = st.text_input(
        "May cost in all, in USD",
        "" if estimate is None else f"{max(estimate, row.cost_usd or Decimal(0)) * 2:.2f}",
        help="What it costs beyond that waits again. Other jobs are not affected, and the budget stays as it is.",
    )
    if st.button("Approve", type="primary"):
        try:
            approval.approve(row.id, Decimal(limit.strip().lstrip("$").replace(",", "")))
        except InvalidOperation:
            st.error("Give an amount in USD, such as 25.")
        except CairnError as error:
            st.error(formats.plain(error.message))
        else:
            st.rerun()
    widgets.link("Budgets", "costs/costs.py", ":material/account_balance_wallet:", tab="Budgets")
