"""What a job changed in the insight base."""

import streamlit as st

from core.insights import changes_report
from pages.common import formats, widgets
from pages.words import insights, instructions

SHOWN = 25


def show(job_id: str) -> None:
    found = changes_report.changes(job=job_id, limit=SHOWN)
    with widgets.tiles():
        widgets.figure("New", found.new)
        widgets.figure("Strengthened", found.strengthened, "more documents say so")
        widgets.figure("Contradicted", found.contradicted)
        widgets.figure("Dismissed again", found.dismissed_again, "said again")
    if found.quarantined:
        widgets.link(
            instructions.of_job(found.quarantined),
            "insights/insights.py",
            ":material/shield:",
            job=job_id,
            quarantine=instructions.IN_QUARANTINE,
        )
    with widgets.lines("changes"):
        for one in found.page.items:
            facts = f"{insights.WHAT[one.what]}, {insights.gained(one)}"
            widgets.link(
                f"{formats.plain(one.insight.words)} :gray[· {facts}]", "insight/insight.py", id=one.insight.id
            )
    if found.page.items:
        more = f"The newest {SHOWN:,} are shown. " if found.page.next_cursor else ""
        st.caption(f"{more}Counted by what is in the insight base now.")
        widgets.link("All insights of this job", "insights/insights.py", ":material/arrow_forward:", job=job_id)
    else:
        st.caption("Nothing yet. What its answers bring is listed here.")
