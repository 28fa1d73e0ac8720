"""What is done to several jobs at once, as sentences. Nothing is drawn here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.jobs.report import JobRow
from pages.common.formats import Markdown, count, plain
from pages.words import jobs

NAMED = 5


@dataclass(frozen=True)
class Words:
    """`verb`: with the place of its object. `limits`: which jobs it is for. `done`: what became of a job, where its
    state does not say so."""

    label: Markdown
    verb: Markdown
    icon: str
    limits: Markdown
    done: str = ""


ACTIONS: Mapping[str, Words] = {
    "pause": Words("Pause", "Pause {}", ":material/pause:", "Only queued and running jobs can be paused."),
    "resume": Words("Resume", "Resume {}", ":material/play_arrow:", "Only paused jobs can be resumed."),
    "cancel": Words(
        "Cancel", "Cancel {}", ":material/stop_circle:", "Only queued, running and paused jobs can be cancelled."
    ),
    "again": Words(
        "Send again",
        "Send {} again",
        ":material/replay:",
        "Only jobs of which something failed or was cancelled can be sent again.",
        "was sent again",
    ),
    "delete": Words(
        "Delete",
        "Delete {}",
        ":material/delete:",
        "Only drafts and jobs that have ended can be deleted.",
        "is deleted",
    ),
}


def numbered(action: str, able: int, selected: int) -> Markdown:
    """The button's label: how many of the selected jobs it is for."""
    label = ACTIONS[action].label
    if not able:
        return label
    return f"{label} ({able:,})" if able == selected else f"{label} ({able:,} of {selected:,})"


def asked(action: str, able: Sequence[JobRow], selected: int) -> Markdown:
    number = count(len(able), "job") if len(able) == selected else f"{len(able):,} of {count(selected, 'job')}"
    return f"{ACTIONS[action].verb.format(f'**{number}**')}: {named(able)}"


def named(rows: Sequence[JobRow]) -> Markdown:
    more = f" and {len(rows) - NAMED:,} more" if rows[NAMED:] else ""
    return ", ".join(plain(f"“{row.name}”") for row in rows[:NAMED]) + more


def left_out(action: str, rows: Sequence[JobRow]) -> list[Markdown]:
    """Why the action is not for these of the selected jobs."""
    deciding = [row for row in rows if action == "resume" and jobs.waits_for_decision(row)]
    others = [row for row in rows if row not in deciding]
    said = []
    if deciding:
        said.append(f"Left out: {named(deciding)}. A canary waits for your decision there: open the job to decide.")
    if others:
        said.append(f"Left out: {named(others)}. {ACTIONS[action].limits}")
    return said


def ended(action: str, state: str) -> str:
    """What became of one job. `state`: its state afterwards."""
    return ACTIONS[action].done or f"is {state} now"
