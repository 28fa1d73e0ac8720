"""Passages that give instructions to a model, and what rests on them, in words."""

from collections.abc import Mapping, Sequence

from core.injection.concealed import visible
from core.injection.detect import Reason
from pages.common.formats import Markdown, count, plain

# What the list of insights can be narrowed to; the first is where it begins.
QUARANTINES: dict[str, bool | None] = {"not in quarantine": False, "in quarantine": True, "all": None}
IN_QUARANTINE = "in quarantine"

REASONS: Mapping[Reason, Markdown] = {
    "override": "tells a model to ignore what it was told",
    "address": "speaks to a model, not to people",
    "role": "gives a model another role",
    "exfiltrate": "asks a model for its instructions, or to send something",
    "marker": "forges a turn or a fence of a prompt",
    "hidden": "is hidden: people do not see it",
    "encoded": "is encoded",
}
LEGEND: Markdown = ":red-background[gives instructions to a model]"
LONGEST = 200


def why(reasons: Sequence[Reason]) -> Markdown:
    return "; ".join(REASONS[one] for one in reasons)


def line(text: str, reasons: Sequence[Reason], place: Markdown = "") -> Markdown:
    """A passage in a list: where it is, why it is one, and how it begins."""
    said = " ".join(visible(text).split())
    short = f"{said[:LONGEST]}…" if said[LONGEST:] else said
    return f"{place}{why(reasons)}: “{plain(short)}”"


def of_document(number: int) -> Markdown:
    """Above the passages of a document."""
    is_, rests = ("This passage gives", "on it") if number == 1 else ("These passages give", "on them")
    return (
        f"**{is_} instructions to a model.** A model that reads them may follow them, though it is told not to. What "
        f"rests {rests} alone is in quarantine until a person confirms it."
    )


def waiting(number: int, capped: bool = False) -> Markdown:
    """Of insights; empty where there are none."""
    return f"{number:,}{'+' if capped else ''} in quarantine" if number else ""


def of_job(number: int) -> Markdown:
    verb = "is" if number == 1 else "are"
    return (
        f"{count(number, 'insight')} of this job {verb} in quarantine: the quotes lie in passages that give "
        "instructions to a model, and count for nothing until a person confirms them."
    )


OF_AN_INSIGHT: Markdown = (
    "In quarantine: what it quotes lies in a passage that gives instructions to a model, so the document may have made "
    "the model say it. It counts for nothing and is not exported. Look at the passage; confirm it if it is true, or "
    "dismiss it."
)
OF_A_QUOTE: Markdown = "This quote lies in a passage that gives instructions to a model."
CONFIDENCE: Markdown = "Confidence 0%: nothing supports it but passages that give instructions to a model."
