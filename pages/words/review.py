"""What may be the same or contradict, and what people say of it, as words."""

from collections.abc import Mapping

from core.insights.report import Count
from core.insights.review import Said
from core.insights.review_report import Item
from core.tables.insights import FoundBy, PairKind, Verdict
from pages.common.formats import Markdown, count, plain

KINDS: dict[PairKind, Markdown] = {
    "merge": "Alike",
    "conflict": "Conflicts",
    "over_time": "Over time",
}
STATES = ("open", "settled")
# Each with its icon, its key (C and R are Streamlit's own) and what it does.
SAYING: dict[Said, tuple[Markdown, str, str, Markdown]] = {
    "same": ("Same", ":material/merge:", "S", "They are merged; nothing is lost, and it can be undone."),
    "different": ("Different", ":material/call_split:", "D", "They have nothing to do with one another."),
    "conflict": ("Conflict", ":material/bolt:", "X", "They contradict one another, and both stand."),
    "over_time": ("Over time", ":material/schedule:", "T", "Each holds for its time."),
    "more": ("First says more", ":material/add:", "M", "The first says all that the second says, and more."),
    "less": ("First says less", ":material/remove:", "L", "The second says all that the first says, and more."),
    "later": ("Later", ":material/skip_next:", "N", "It stays open, and comes last."),
}
EMPTY: dict[PairKind, Markdown] = {
    "merge": "Nothing to review. Insights that may say the same in other words, or the opposite, show up here, from "
    "two documents or two models, for instance; they are never merged by themselves.",
    "conflict": "No conflict is open. Insights that differ only in a figure, a name or a denial show up here. Those "
    "that differ in more may contradict one another, too: they are under *Alike*.",
    "over_time": "Nothing to review. Insights that differ only in their dates show up here.",
}
REFUSED: Markdown = (
    "Not merged, as they differ in what matters. Look at the marked words; if they say the same nevertheless:"
)
TAKES_BACK: Markdown = "It is open again. If it was a merge, both insights stand alone again."
TAKEN_BACK = "What was said of this pair is taken back: it is open again."
NONE_SETTLED: Markdown = "Nothing of this kind has been settled yet."
FOUND_BY: dict[FoundBy, Markdown] = {
    "span": "their quotes overlap in a document",
    "quote": "they have the same quote",
    "shape": "only figures, dates or a denial differ",
    "words": "they share rare words",
    "person": "a person said so",
    "judge": "a model said so",
}
VERDICTS: dict[Verdict, Markdown] = {
    "same": "the same",
    "different": "different",
    "conflict": "a conflict",
    "over_time": "each true for its time",
    "more": "the first says more",
    "less": "the first says less",
}


def kind(one: PairKind, number: int, capped: bool) -> Markdown:
    return f"{KINDS[one]} ({number:,}{'+' if capped else ''})"


def waiting(counts: Mapping[PairKind, Count]) -> Markdown:
    """How many of each kind are open; empty where none is."""
    told = [
        f"{number.count:,}{'+' if number.capped else ''} {WAITING[one][number.count != 1]}"
        for one, number in sorted(counts.items(), key=lambda each: list(WAITING).index(each[0]))
        if number.count
    ]
    return f"To review: {', '.join(told)}" if told else ""


WAITING: dict[PairKind, tuple[Markdown, Markdown]] = {
    "conflict": ("conflict", "conflicts"),
    "over_time": ("pair that may differ over time", "pairs that may differ over time"),
    "merge": ("pair that is alike", "pairs that are alike"),
}


def proposed(one: Item) -> Markdown:
    return f"Proposed since {FOUND_BY[one.found_by]}."


def done(verdict: Said, settled: int, refused: int) -> Markdown:
    """After a verdict; `refused` stay open."""
    left = f" {count(refused, 'pair')} {'stays' if refused == 1 else 'stay'} open." if refused else ""
    if verdict == "later":
        return f"{count(settled, 'pair')} left for later."
    if not settled:
        return f"Nothing was settled.{left}"
    shown = " Both insights show it." if verdict == "conflict" else ""
    return f"{count(settled, 'pair')} settled: {VERDICTS[verdict]}.{shown}{left}"


def undone(restored: int) -> Markdown:
    alone = f"{count(restored, 'insight')} {'stands' if restored == 1 else 'stand'} alone again, as before the merge"
    return f"{alone}, and {'its pair is' if restored == 1 else 'their pairs are'} open again."


def reopened(pairs: int) -> Markdown:
    return f"{count(pairs, 'pair')} {'is' if pairs == 1 else 'are'} open again."


def told(one: Item) -> Markdown:
    """What was said of a settled pair, and by whom."""
    said = VERDICTS[one.verdict] if one.verdict else "open"
    actor = one.actor or ""
    by = f", {'on the' if actor.endswith(' pages') else 'by'} {plain(actor)}" if actor else ""
    return f"Settled as {said}{by}"
