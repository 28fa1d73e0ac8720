"""Days that cost far more than such days did, with the jobs behind them."""

from collections.abc import Mapping, Sequence

import streamlit as st

from core.money import anomalies
from core.money.anomalies import Anomaly
from core.money.costs import Costs
from pages.common import formats, widgets
from pages.words import costs as words

AT_MOST = 3


def read(now: Costs) -> tuple[Sequence[Anomaly], Mapping[str, str]]:
    """With what their templates are called."""
    found = anomalies.read(now, with_jobs=AT_MOST)
    return found, now.labels("template", [one.key for one in found if one.of == "template"])


def show(found: Sequence[Anomaly], names: Mapping[str, str]) -> None:
    if not found:
        return
    with st.container(border=True, key="unusual_days"):
        st.markdown(f":material/notification_important: **Unusual days: {len(found)}**")
        for one in found[:AT_MOST]:
            what = words.key(one.of, one.key, names.get(one.key))
            st.markdown(
                f"{one.day:%b %-d}: {formats.plain(words.DIMENSIONS[one.of].lower())} **{formats.plain(what)}** cost "
                f"{formats.money(one.cost_usd)}, usually {formats.money(one.usual_usd)} a day."
            )
            with st.container(horizontal=True):
                for job in one.jobs[:3]:
                    label = f"{formats.plain(job.name)}: {formats.money(job.cost_usd)}"
                    widgets.link(label, "job/job.py", ":material/list_alt:", id=job.id)
        if len(found) > AT_MOST:
            st.caption(f"And {len(found) - AT_MOST:,} more in the last week.")
