"""The audit: who did what, with both sides of a change, and whether its chain is whole."""

import json
from datetime import datetime, time, timedelta
from typing import Any

import pandas as pd
import streamlit as st

from core.access import audit_report, chain, people, roles, workspaces
from core.access.audit_report import EntryRow, Filters
from core.runtime import db
from pages.common import api_links, failures, formats, widgets
from pages.words import audit as words

AT_ONCE = 100
TABLE = "audit-rows"

st.title("Audit")
failures.show_notice()
st.caption(words.ABOUT)


def day(key: str, label: formats.Markdown, later: timedelta) -> datetime | None:
    chosen = st.date_input(label, None, key=key, bind="query-params", width=160)
    return datetime.combine(chosen, time(), formats.zone()) + later if chosen else None


with st.container(horizontal=True, vertical_alignment="bottom"):
    if roles.may("people.change"):
        named = {one.id: one.called for one in people.everybody()}
    else:
        named = {
            one.person.id: one.person.called for place in workspaces.mine() for one in workspaces.members(place.id)
        }
    who = st.selectbox(
        "Who",
        list(named),
        index=None,
        placeholder="Everybody",
        format_func=named.__getitem__,
        key="audit-user",
        bind="query-params",
        width=220,
    )
    action = st.selectbox(
        "What", words.ACTIONS, index=None, placeholder="Everything", key="audit-action", bind="query-params", width=220
    )
    begin = day("audit-from", "From", timedelta())
    end = day("audit-to", "To", timedelta(days=1))

filters = Filters(user=who, action=action, begin=begin, end=end)
cursors = widgets.trail("audit", filters)
page = audit_report.find(filters, limit=AT_ONCE, cursor=cursors[-1])
with db.reading() as session:
    called = people.names(session, [id_ for one in page.items for id_ in (one.user, words.about(one.object)) if id_])
places = {one.id: one.name for one in workspaces.listed()}


def row(entry: EntryRow) -> tuple[Any, ...]:
    return (
        entry.time,
        called.get(entry.user or "", words.DOORS.get(entry.door, entry.door)),
        words.action(entry.action, entry.outcome),
        words.thing(entry.object, called),
        words.sides(entry.before, entry.after),
        places.get(entry.workspace or "", ""),
        entry.ip or "",
    )


with st.container(horizontal=True):
    with st.popover("Export", icon=":material/download:"):
        st.caption(words.EXPORT)
        for kind, query in words.exports(filters):
            st.link_button(formats.plain(kind), api_links.link(f"audit/export?{query}"), icon=":material/download:")
    if roles.may("audit.verify") and st.button("Check that no entry was changed", icon=":material/verified:"):
        found = chain.verify()
        if found.valid:
            st.success(words.whole(found), icon=":material/check_circle:")
        else:
            st.error(words.broken(found), icon=":material/link_off:")

if page.items:
    st.dataframe(
        pd.DataFrame([row(one) for one in page.items], columns=words.COLUMNS),
        key=TABLE,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "Time": st.column_config.DatetimeColumn(format="localized"),
            "Change": st.column_config.TextColumn(width="large"),
        },
    )
    widgets.turn_pages(cursors, page.next_cursor)
    for place in widgets.selected_rows(TABLE)[:1]:
        chosen = page.items[place]
        st.markdown(f"**Entry {chosen.id:,}**")
        st.caption(formats.plain(f"hash {chosen.hash}, after {chosen.previous_hash}"))
        before, after = st.columns(2)
        before.caption(words.BEFORE)
        before.code(json.dumps(chosen.before, indent=2, ensure_ascii=False), language="json", wrap_lines=True)
        after.caption(words.AFTER)
        after.code(json.dumps(chosen.after, indent=2, ensure_ascii=False), language="json", wrap_lines=True)
else:
    st.info("No entry fits these filters." if filters != Filters() else words.NOTHING)
