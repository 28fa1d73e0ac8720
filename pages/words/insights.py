"""What people make of insights, what ties them to one another and how sure they are, as words."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

from core.insights.changes_report import Change as Changed
from core.insights.changes_report import What
from core.insights.evidence_report import SourceRow
from core.insights.growth_report import Growing
from core.insights.history import Entry
from core.insights.merging import MergeRow
from core.insights.relations import Relation
from core.insights.report import Count, InsightRow, Sort
from core.statements.differences import Class, Reason
from core.tables.insights import State
from pages.common.formats import Markdown, count, money, plain
from pages.words import instructions
from pages.words.review import VERDICTS

# Who made a change, until people sign in: the door that it came through.
DOOR = "insights pages"

# What the list can be narrowed to; the first is where it begins.
STATES: dict[str, tuple[State, ...] | None] = {
    "new or confirmed": ("new", "confirmed"),
    "new": ("new",),
    "confirmed": ("confirmed",),
    "dismissed": ("dismissed",),
    "all": None,
}
EVIDENCE: dict[str, bool | None] = {"supported": True, "unsupported": False, "all": None}
CONFLICTS: dict[str, Literal["open", "any", "none"] | None] = {
    "all": None,
    "open": "open",
    "open or settled": "any",
    "none": "none",
}
SORTS: dict[Sort, str] = {
    "newest": "newest first",
    "support": "most documents",
    "confidence": "surest first",
    "relevance": "best match first",
}

# Of the facets.
SAMPLED: Markdown = "Counted on the newest of what is found: it is too much to count at every click."

WHAT: dict[What, Markdown] = {
    "new": "new",
    "strengthened": "more documents say so",
    "contradicted": "contradicted",
    "dismissed_again": "dismissed, and said again",
}

ACTIONS: dict[State, Markdown] = {"new": "Back to new", "confirmed": "Confirm", "dismissed": "Dismiss"}

# Refusals, with what to do on these pages.
ERRORS: dict[str, Markdown] = {
    "STALE": "Somebody changed this insight while you looked at it, so nothing was changed. It is shown as it is now: "
    "look at it, then decide again.",
    "MERGED": "This insight was merged into another in the meantime, so nothing was changed. Open that one, or take "
    "this one out of it first.",
    "MERGE_BLOCKED": "These statements differ in what matters, so nothing was merged. Look at the marked words, "
    "and tick the box if they say the same nevertheless.",
}
REASONS: dict[Reason, Markdown] = {
    "figures": "their figures differ",
    "units": "their units differ",
    "dates": "their dates differ",
    "names": "one names what the other does not",
    "negation": "one denies what the other says",
}
CLASSES: dict[Class, Markdown] = {
    "figure": "a figure",
    "unit": "a unit",
    "date": "a date",
    "name": "a name",
    "negation": "a denial",
    "direction": "a direction",
    "hedge": "how sure it is",
    "order": "the order of words",
    "word": "words",
}


def total(found: Count) -> Markdown:
    return f"{found.count:,}+" if found.capped else f"{found.count:,}"


def known(row: InsightRow) -> Markdown:
    """What carries it, in one line."""
    if row.quarantined:
        return "its quotes do not count yet"
    if not row.support:
        return "no quote supports it"
    return f"supported by {count(row.support, 'document')}"


def percent(share: float) -> Markdown:
    """What is not quite certain is not rounded to certain."""
    return "more than 99%" if 0.995 <= share < 1 else f"{share:.0%}"


def confidence(row: InsightRow) -> Markdown:
    """How its confidence comes about, in words and figures."""
    if row.state == "dismissed":
        return "Confidence 0%: a person dismissed it."
    if row.quarantined:
        return instructions.CONFIDENCE
    asked, support = row.documents_with_evidence, row.support
    if not asked:
        return "Confidence 0%: it has no evidence of its own."
    said = f"{row.documents:,} of {count(asked, 'document')} {'supports' if row.documents == 1 else 'support'} it"
    if not support:
        return (
            f"Confidence {percent(row.confidence)}: no quote of {count(asked, 'document')} supports it{_by_hand(row)}."
        )
    share = row.documents / asked
    alone = share * (1 - 0.5**support)
    halved = f", halved while {_open_conflicts(row)}: {percent(alone / 2)}" if row.open_conflicts else ""
    once = f", {support:,} of them independent (texts that are nearly the same count once)"
    independent = once if support < row.documents else ""
    return (
        f"Confidence {percent(row.confidence)}: {said}{independent}: "
        f"{share:.2g} × (1 − 0.5^{support:,}) = {percent(alone)}{halved}{_by_hand(row)}."
    )


def _by_hand(row: InsightRow) -> Markdown:
    return "; a person confirmed it, so it counts for at least 95%" if row.state == "confirmed" else ""


def _open_conflicts(row: InsightRow) -> Markdown:
    return "a conflict is open" if row.open_conflicts == 1 else f"{row.open_conflicts:,} conflicts are open"


def against_in_short(row: InsightRow) -> str:
    """The same for a table: by how many documents, and whether that is open."""
    number = f"{row.against:,}" if row.against else ""
    return " · ".join(part for part in (number, "open" if row.open_conflicts else "") if part)


def against(row: InsightRow) -> Markdown:
    """What speaks against it; empty where nothing does."""
    parts = [f"{count(row.against, 'document')} against it"] if row.against else []
    if row.open_conflicts:
        parts.append(count(row.open_conflicts, "open conflict"))
    return ", ".join(parts)


def brought(times: int, cost: Decimal | None) -> Markdown:
    """By how many answers, and what the request of the first was billed; nothing is said where it has no price."""
    price = plain(money(cost))
    if times == 1:
        return "found by one answer" + ("" if cost is None else f", which cost {price}")
    return f"found by {times:,} answers" + ("" if cost is None else f", the first of which cost {price}")


CHANGED: dict[str, Markdown] = {
    "new": "set back to new",
    "confirmed": "confirmed",
    "dismissed": "dismissed",
    "tagged": "given other tags",
    "pinned": "pinned",
    "unpinned": "unpinned",
}


def done(what: str, *numbers: int) -> Markdown:
    """After an action: how many changed, are set back and are left; were merged; stand alone again."""
    if what == "undone":
        return _undone(*numbers)
    if what == "merged":
        return _merged(*numbers)
    if what == "taken out":
        return _taken_out(*numbers)
    return f"{count(numbers[0], 'insight')} {CHANGED[what]}." if numbers[0] else "Nothing had to be changed."


def _undone(number: int, skipped: int) -> Markdown:
    taken = f"{count(number, 'insight')} set back to what {'it was' if number == 1 else 'they were'}."
    if not skipped:
        return taken if number else "It was undone already."
    left = "1 was changed since, and stays." if skipped == 1 else f"{skipped:,} were changed since, and stay."
    return f"{taken} {left}" if number else left


def _merged(members: int, before: int, after: int) -> Markdown:
    grown = f" Its support went from {before:,} to {count(after, 'document')}." if after != before else ""
    return f"{count(members, 'insight')} merged into another.{grown}" if members else "They were one insight already."


def _taken_out(restored: int) -> Markdown:
    if not restored:
        return "It was undone already."
    return f"{count(restored, 'insight')} {'stands' if restored == 1 else 'stand'} alone again, as before the merge."


def told(entry: Entry) -> Markdown:
    """An entry of the history as a sentence: what was done, and by whom."""
    what = _merging(entry) or _reviewed(entry) or _changes(entry.before, entry.after)
    what = f"undid a change: {what}" if entry.action == "undo" else what
    return f"{what[:1].upper()}{what[1:]}{_by(entry.actor)}"


def _merging(entry: Entry) -> Markdown:
    if entry.action == "merge":
        if "merged" in entry.after:
            return f"merged {count(len(entry.after['merged']), 'insight')} into it"
        return "merged it into another"
    if entry.action == "unmerge":
        if "merged" in entry.before:
            return f"took {count(len(entry.before['merged']), 'merged insight')} out of it again"
        return "took it out of the one that it was merged into"
    return ""


def _reviewed(entry: Entry) -> Markdown:
    if entry.action != "review":
        return ""
    if "verdict" in entry.after:
        return f"settled a pair with another insight: {VERDICTS.get(entry.after['verdict'], 'settled')}"
    return "opened a settled pair with another insight again"


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Markdown:
    said: list[Markdown] = []
    if "state" in after:
        said.append(_decided(after))
    elif "reason" in after:
        said.append(f"gave the reason “{plain(after['reason'])}”" if after["reason"] else "took the reason away")
    if "shown" in after:
        said.append(f"reworded it: “{plain(after['shown'])}”" if after["shown"] else "took the rewording back")
    if "tags" in after:
        said += _tags(before.get("tags", ()), after["tags"])
    if "pinned" in after:
        said.append("pinned it" if after["pinned"] else "unpinned it")
    return ", ".join(said)


def _decided(after: Mapping[str, Any]) -> Markdown:
    why = f" because “{plain(after['reason'])}”" if after.get("reason") else ""
    return {"new": "set it back to new", "confirmed": "confirmed it", "dismissed": "dismissed it"}[after["state"]] + why


def _tags(before: Sequence[str], after: Sequence[str]) -> list[Markdown]:
    given = ", ".join(plain(tag) for tag in after if tag not in before)
    taken = ", ".join(plain(tag) for tag in before if tag not in after)
    return [*([f"tagged it {given}"] if given else []), *([f"took the tag {taken} off"] if taken else [])]


def settled(one: Relation) -> Markdown:
    """Whether somebody has looked at what stands beside it."""
    if one.verdict is None:
        return "not settled yet"
    return "settled as a conflict: both stand" if one.is_conflict else "settled: each holds for its time"


def refused(reasons: Sequence[Reason]) -> Markdown:
    """Why a merge is refused unless forced."""
    return f"They may not say the same: {' and '.join(REASONS[reason] for reason in reasons)}."


def differing(kinds: Sequence[Class]) -> Markdown:
    """Under two statements whose differing words are marked."""
    if not kinds:
        return "They differ in writing only."
    return f"They differ in {', '.join(CLASSES[kind] for kind in dict.fromkeys(kinds))}."


def hidden(number: int | None, by_state: bool, by_evidence: bool, by_quarantine: bool) -> Markdown:
    """What the filters that the list begins with leave out. None: not counted."""
    why: list[Markdown] = [
        *(["dismissed"] if by_state else []),
        *(["without a quote that supports them"] if by_evidence else []),
        *(["in quarantine"] if by_quarantine else []),
    ]
    return f"{'Not shown' if number is None else f'{number:,} not shown'}: {' or '.join(why)}."


def counts(one: SourceRow) -> Markdown:
    """Whether a document counts for the support of an insight."""
    if not one.supported:
        return "no: no quote stands in it"
    return "no: nearly the same text as another" if one.repeats else "yes"


FOUND_BY = {"person": "", "judge": ", proposed by a model"}


def merge(one: MergeRow, insight_id: str) -> Markdown:
    """A merge as seen from one that took part in it."""
    whom = (
        f"Merged {count(len(one.members), 'insight')} into it" if one.head == insight_id else "Merged it into another"
    )
    return f"{whom}{FOUND_BY.get(one.found_by, '')}{_by(one.actor)}"


def _by(actor: str) -> Markdown:
    if not actor:
        return ""
    return f", on the {plain(actor)}" if actor.endswith(" pages") else f", by {plain(actor)}"


def gained(one: Changed) -> Markdown:
    """Its independent documents, before and after."""
    if one.before == one.after:
        return count(one.after, "document")
    return f"{one.before:,} → {count(one.after, 'document')}" if one.before else count(one.after, "document")


# There are more than are looked at.
NEWEST_ALONE: Markdown = "the newest, of more"


def share_of(part: int, whole: int) -> Markdown:
    return f"{part / whole:.0%} of them" if whole else "none yet"


def grown(one: Growing) -> Markdown:
    return f"{one.gained:,} more, {count(one.support, 'document')} in all"
