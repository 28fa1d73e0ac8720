"""What would have cost less, each with its sum and its records."""

import streamlit as st

from core.jobs import advice
from core.jobs.advice import Advice
from core.money import costs
from pages.common import formats, widgets
from pages.words import costs as words


def show() -> None:
    with costs.reading() as now:
        found = advice.read(now)
        names = now.labels("job", [job for one in found for job in one.jobs])
    st.caption(f"Of the last {advice.DAYS} days; what would save less than ${advice.LEAST:f} is left out.")
    if not found:
        st.success("Nothing here would have cost noticeably less.", icon=":material/check_circle:")
    for one in found:
        _one(one, names)


def _one(one: Advice, names: dict[str, str]) -> None:
    with st.container(border=True, key=f"advice-{one.rule}-{one.filter.get('tier', '')}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{words.ADVICE[one.rule]}**", width="stretch")
            st.markdown(f"**{formats.money(one.saving_usd)}** in {formats.count(one.calls, 'call')}")
        st.markdown(words.WHAT_TO_DO[one.rule])
        with st.container(horizontal=True):
            if one.filter:
                given: dict[str, str | list[str]] = {"period": "30 days", **one.filter}
                widgets.link("Show its costs", "costs/costs.py", ":material/payments:", **given)
            for job in one.jobs[:5]:
                label = formats.plain(names.get(job, "deleted job"))
                widgets.link(label, "job/job.py", ":material/list_alt:", id=job)
