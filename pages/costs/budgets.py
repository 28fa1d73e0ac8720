"""Budgets per month: what is spent, held and left of each, which jobs wait, and making and changing them."""

from decimal import Decimal, InvalidOperation
from typing import get_args

import streamlit as st

from core.access import workspaces
from core.asking import templates
from core.budgets import manage, report
from core.budgets.manage import BudgetSpec
from core.budgets.report import BudgetRow
from core.documents import report as documents_report
from core.errors import CairnError
from core.runtime import workspace
from core.settings import provider_rows
from core.tables.budgets import OnLimit, Scope
from pages.common import failures, formats, widgets
from pages.common.formats import Markdown
from pages.words import costs as words


def show() -> None:
    rows = report.every(formats.utc_now())
    st.markdown(
        "A budget limits what is spent in a month. Each job reserves what it is expected to cost, so that jobs that "
        "start together cannot exceed it together."
    )
    if st.button("Add a budget", icon=":material/add:", type="secondary" if rows else "primary"):
        _dialog(None)
    for row in rows:
        _one(row)


def _one(row: BudgetRow) -> None:
    taken = row.taken
    with st.container(border=True, key=f"budget-{taken.id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{formats.plain(name(row))}**", width="stretch")
            _badge(row)
            if st.button("Change", key=f"change-{taken.id}"):
                _dialog(row)
        used = taken.spent_usd + taken.held_usd
        share = float(min(used / taken.limit_usd, Decimal(1))) if taken.limit_usd else 1.0
        st.progress(share)
        held = f", {formats.money(taken.held_usd)} held for what has not ended" if taken.held_usd else ""
        spent = f"{formats.money(taken.spent_usd)} of {formats.money(taken.limit_usd)} spent"
        st.markdown(f"{spent} in {formats.plain(row.month)}{held}; {_left(taken.left_usd)}.")
        if taken.unpriced:
            st.caption(f"Without a known price, and not in this: {formats.count(taken.unpriced, 'call')}.")
        if row.waiting:
            st.warning(f"Waiting for this budget: {formats.count(len(row.waiting), 'job')}.")
            for job in row.waiting[:10]:
                widgets.link(formats.plain(job), "job/job.py", ":material/pause_circle:", id=job)


def _left(left: Decimal) -> Markdown:
    return f"{formats.money(left)} left" if left >= 0 else f"{formats.money(-left)} over it"


def _badge(row: BudgetRow) -> None:
    if row.state == "reached":
        st.badge("reached", color="red")
    elif row.state == "warn":
        st.badge("nearly reached", color="orange")
    st.badge(words.ON_LIMIT[row.taken.on_limit].lower(), color="gray")


def name(row: BudgetRow) -> str:
    scope, key = row.taken.scope, row.taken.key
    return words.SCOPES[scope] if scope == "all" else f"{words.SCOPES[scope]}: {words.scoped(scope, key)}"


@failures.dialog("Budget")
def _dialog(row: BudgetRow | None) -> None:
    form(row)


def form(row: BudgetRow | None) -> None:
    """None: of a new one."""
    scopes: tuple[Scope, ...] = get_args(Scope)
    scope: Scope = scopes[0]
    key = ""
    if row is None:
        scope = st.selectbox("Of what", scopes, 0, words.SCOPES.__getitem__)
        key = _key(scope)
    else:
        scope, key = row.taken.scope, row.taken.key
        st.markdown(formats.plain(name(row)))
    limit = st.text_input("Limit in USD a month", "" if row is None else f"{row.taken.limit_usd.normalize():f}")
    warn = st.slider("Warn at", 0, 100, 80 if row is None else int(row.taken.warn_share * 100), 5, format="%d%%")
    first = list(words.ON_LIMIT).index(row.taken.on_limit) if row else 0
    on_limit: OnLimit = st.radio(
        "At the limit", list(words.ON_LIMIT), first, words.ON_LIMIT.__getitem__, horizontal=True
    )
    st.caption(words.ABOUT_ON_LIMIT[on_limit])
    with st.container(horizontal=True):
        if st.button("Save", type="primary"):
            _save(row, scope, key, limit, Decimal(warn) / 100, on_limit)
        if row is not None and st.button("Delete", icon=":material/delete:", help="Jobs that wait for it go on"):
            manage.delete(row.taken.id)
            st.rerun()


def _user() -> str:
    members = {one.person.id: one.person.called for one in workspaces.members(workspace.current())}
    if members:
        return str(st.selectbox("User", list(members), 0, members.__getitem__))
    return st.text_input("User", help="As the table of costs by user names them").strip()


def _key(scope: Scope) -> str:
    if scope == "all":
        return ""
    if scope == "workspace":
        return workspace.current()
    if scope == "user":
        return _user()
    if scope == "provider":
        return str(st.selectbox("Provider", provider_rows.names(), 0, provider_rows.label))
    if scope == "collection":
        return st.selectbox("Collection", documents_report.collection_names()) or ""
    known = {one.id: one.name for one in templates.list_all()}
    return str(st.selectbox("Template", list(known), 0, known.__getitem__))


def _save(row: BudgetRow | None, scope: Scope, key: str, limit: str, warn: Decimal, on_limit: OnLimit) -> None:
    try:
        spec = BudgetSpec(scope, key, Decimal(limit.strip().lstrip("$").replace(",", "")), warn, on_limit)
        if row is None:
            manage.create(spec)
        else:
            manage.change(row.taken.id, spec)
    except InvalidOperation:
        st.error("The limit is an amount in USD, such as 250.")
    except CairnError as error:
        st.error(formats.plain(error.message))
    else:
        st.rerun()
