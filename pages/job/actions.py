"""What can be done with a job now: its buttons, and the decision that a canary waits for."""

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from functools import partial
from types import MappingProxyType
from typing import Literal

import streamlit as st

from core.asking.templates import TemplateView
from core.jobs import canary, control
from core.jobs import launch as jobs_launch
from core.jobs.report import JobRow
from core.judging import report as judging_report
from core.judging import undo
from pages.common import api_links, failures, formats, widgets
from pages.job import approving, dialogs, moving
from pages.parts import exporting, job_actions
from pages.parts import launch as parts_launch
from pages.words import jobs, judging


def show(row: JobRow, template: TemplateView | None) -> None:
    actions = job_actions.offered(row)
    if "release" in actions:
        decide(row)
    confirmed = "start" in actions and parts_launch.confirmed(row.provider, row.estimate_usd)
    with st.container(horizontal=True, vertical_alignment="center"):
        if "start" in actions:
            start = partial(jobs_launch.start, row.id, confirmed=confirmed)
            _now("Start", ":material/play_arrow:", start, primary=True, disabled=not confirmed)
        if "resume" in actions:
            _now("Resume", ":material/play_arrow:", lambda: control.resume(row.id), primary=True)
        _opened(row, actions, "approve")
        if "pause" in actions:
            _now("Pause", ":material/pause:", lambda: control.pause(row.id))
        _opened(row, actions, "cancel", "again")
        waits: Literal["primary", "secondary"] = "primary" if jobs.waits_for_breaker(row) else "secondary"
        # With a key it stays one button when it becomes the primary one: else a click on the other is lost.
        if "move" in actions and st.button(
            "Move waiting requests", icon=":material/move_down:", type=waits, key="move"
        ):
            moving.dialog(row)
        _opened(row, actions, "settle")
        if "insights" in actions and template:
            _results(row, template)
        if "output" in actions:
            st.link_button("Download output", api_links.link(f"jobs/{row.id}/output"), icon=":material/download:")
        _opened(row, actions, "rename", "delete")


DIALOGS: Mapping[str, tuple[str, str, Callable[[JobRow], None]]] = MappingProxyType(
    {
        "approve": ("Approve past the budget", ":material/price_check:", approving.dialog),
        "cancel": ("Cancel job", ":material/stop_circle:", dialogs.cancel),
        "again": ("Send again", ":material/replay:", dialogs.send_again),
        "settle": ("Settle by hand", ":material/rule:", dialogs.settle),
        "rename": ("Rename", ":material/edit:", dialogs.rename),
        "delete": ("Delete", ":material/delete:", dialogs.delete),
    }
)


def _opened(row: JobRow, actions: Collection[str], *names: str) -> None:
    """Buttons that open a dialog."""
    for name in names:
        label, icon, dialog = DIALOGS[name]
        if name in actions and st.button(formats.plain(label), icon=icon):
            dialog(row)


def _findings(row: JobRow, template: TemplateView) -> None:
    """What this job found. A filter bound to the link stands there as it is shown: a template with its name."""
    if template.insights:
        widgets.link("Insights", "insights/insights.py", ":material/lightbulb:", job=row.id)
    elif template.fields:
        widgets.link("Matrix", "matrix/matrix.py", ":material/table_chart:", template=template.name, job=row.id)


def _table(row: JobRow) -> None:
    opened = widgets.popover("Download table", "table", ":material/table:")
    if opened is None:
        return
    with opened:
        format_ = exporting.format_("table_format")
        st.caption("A row for each document, with its quotes, what was found of them, and its cost.")
        link = api_links.link(f"jobs/{row.id}/output?format={format_}")
        st.link_button("Download", link, icon=":material/download:", type="primary")


def _results(row: JobRow, template: TemplateView) -> None:
    if row.judges:
        _undo_verdicts(row)
        widgets.link("Review", "review/review.py", ":material/rule:")
    else:
        _findings(row, template)
        _table(row)


def _undo_verdicts(row: JobRow) -> None:
    def act() -> None:
        found = undo.undo(row.id)
        failures.notify(judging.undone(found.reopened, len(found.restored)))

    if row.ended and (number := judging_report.sum_up(row.id).settled):
        st.button(
            f"Undo its verdicts ({number:,})",
            icon=":material/undo:",
            key="undo-verdicts",
            help="Its merges are undone, and its pairs are open again. What a person settled stays.",
            on_click=partial(failures.attempt, act),
        )


def _now(
    label: formats.Markdown, icon: str, act: Callable[[], object], *, primary: bool = False, disabled: bool = False
) -> None:
    """A button that acts at once, without a dialog."""
    kind: Literal["primary", "secondary"] = "primary" if primary else "secondary"
    st.button(label, icon=icon, type=kind, disabled=disabled, on_click=lambda: failures.attempt(act))


def decide(row: JobRow) -> None:
    """After the canary: what it cost, what the rest would cost, and the buttons to release or drop the rest."""
    found = canary.read(row.id, formats.utc_now())
    with st.container(border=True):
        st.header("Release the rest?")
        rest, where = formats.count(found.rest, "request"), jobs.LANES[row.lane]
        st.markdown(
            f"{formats.count(found.asked, 'request')} went first, live, and cost "
            f"**{formats.plain(formats.money(found.cost_usd))}**. The rest, **{rest}**, would go {where} for about "
            f"**{formats.plain(_rest_cost(found.rest_usd, row, measured=found.measured))}**, "
            f"{'going by these' if found.measured else 'as estimated before'}. The answers are below."
        )
        if row.unread:
            st.caption(f"Not in the rest yet, as they are still being read: {formats.count(row.unread, 'document')}.")
        with st.container(horizontal=True):
            _now(f"Release {rest}", ":material/play_arrow:", lambda: control.resume(row.id), primary=True)
            if st.button("Cancel the rest", icon=":material/stop_circle:"):
                dialogs.cancel(row)


def _rest_cost(cost: Decimal | None, row: JobRow, *, measured: bool) -> str:
    """Scaled up from the canary's cost; the estimate where all of the canary's answers were reused."""
    return formats.money(cost if measured else row.estimate_usd)
