"""Work that stands still, with a button that requeues it."""

from datetime import datetime
from itertools import groupby

import streamlit as st

from core.runtime import db
from core.upkeep import requeue_by_hand, stuck
from core.upkeep.stuck import LATE, Kind, StuckRow
from pages.common import failures, formats, grids
from pages.words.health import STUCK

WIDTHS = {
    "Name": st.column_config.TextColumn(width="medium"),
    "Number": st.column_config.NumberColumn(width="small", format="localized"),
    "Since": st.column_config.TextColumn(width="small"),
    "Reason": st.column_config.TextColumn(width="large"),
}


def show(moment: datetime) -> None:
    st.header("Stuck or late")
    found = db.read(stuck.read)
    if not found:
        st.caption(f"Nothing. What waits for more than {formats.span(LATE.total_seconds())} is listed here.")
    for kind, rows in groupby(found, key=lambda row: row.kind):
        with st.container(border=True):
            _group(kind, list(rows), moment)


def _group(kind: Kind, rows: list[StuckRow], moment: datetime) -> None:
    one, many, effect = STUCK[kind]
    number = len(rows) if kind == "batches" else sum(row.number for row in rows)
    more = "or more " if len(rows) == stuck.MOST_SHOWN else ""
    st.markdown(f":red[:material/hourglass_disabled:] **{formats.count(number, f'{more}{one}', f'{more}{many}')}**")
    st.caption(effect)
    table = [(row.name, row.number, formats.ago(row.since, moment) if row.since else "–", row.reason) for row in rows]
    event = st.dataframe(
        grids.table(grids.columns(["Name", "Number", "Since", "Reason"], table)),
        hide_index=True,
        row_height=64 if any(len(row.reason) > 60 for row in rows) else None,
        column_config=WIDTHS,
        on_select="rerun",
        selection_mode="multi-row",
        key=f"stuck-{kind}-{hash(tuple(row.id for row in rows))}",
    )
    chosen = [rows[place] for place in event["selection"]["rows"]] or rows
    whole = kind in ("requests", "answers") or len(chosen) == len(rows)
    label = f"Requeue all {many}" if whole else f"Requeue {formats.count(len(chosen), one, many)}"
    if st.button(label, key=f"requeue-{kind}", icon=":material/restart_alt:"):
        failures.attempt(lambda: _requeue(kind, chosen, moment))
        st.rerun()


def _requeue(kind: Kind, chosen: list[StuckRow], moment: datetime) -> None:
    number = requeue_by_hand.requeue(kind, [row.id for row in chosen], moment)
    one, many, _ = STUCK[kind]
    failures.notify(f"Requeued: {formats.count(number, one, many)}.")
