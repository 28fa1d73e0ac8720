"""What a model is asked about pairs, and what became of its verdicts, as words."""

from collections.abc import Mapping

from core.judging.launch import JudgeEstimate
from core.judging.report import Became, JudgedRow, Sum
from pages.common.formats import Markdown, count, plain
from pages.words.review import VERDICTS

INTRODUCTION: Markdown = (
    "A model says of each open pair what its two statements are to one another, and with which of their words. What it "
    "can show the words for is settled; what is the same is merged where a merge is not refused. Everything else stays "
    "open, and all of it can be undone as one."
)
NEEDS_A_MODEL: Markdown = (
    "Judging needs a language model: the offline engine compares words and cannot say what they mean. Set the key of a "
    "provider on the Settings page."
)
BECAME: Mapping[Became, Markdown] = {
    "settled": "settled",
    "undecided": "left open: the model does not decide",
    "unfounded": "left open: the words that the model names do not stand there",
    "refused": "left open: they differ in what matters, or a person decided otherwise",
    "late": "left alone: settled, merged or deleted before the answer came",
    "taken_back": "settled, and opened again since",
    "waiting": "without an answer",
}


def figures(found: JudgeEstimate) -> Markdown:
    if not found.pairs:
        return "No such pair is open that is not being judged already."
    known = f", {found.reused:,} of them known already, and free" if found.reused else ""
    return f"{count(found.pairs, 'pair')} in {count(found.requests, 'request')}{known}."


def ask(found: JudgeEstimate, price: Markdown) -> Markdown:
    return f"Ask about {count(found.pairs, 'pair')}, about {plain(price)}"


def sum_up(found: Sum) -> Markdown:
    lines = [
        f"- {found.became[one]:,} {BECAME[one]}{_as_what(one, found)}\n" for one in BECAME if found.became.get(one)
    ]
    return f"Of {count(found.pairs, 'pair')}:\n{''.join(lines)}"


def _as_what(one: Became, found: Sum) -> Markdown:
    settled = ", ".join(f"{number:,} {VERDICTS[verdict]}" for verdict, number in found.verdicts.items())
    return f": {settled}" if one == "settled" else ""


def told(row: JudgedRow) -> Markdown:
    said = f"{VERDICTS[row.verdict]}; " if row.verdict else ""
    words = f" Its words: {' / '.join(f'“{plain(one)}”' for one in row.grounds)}" if row.grounds else ""
    sentence = f"{said}{BECAME[row.became]}."
    return f"{sentence[:1].upper()}{sentence[1:]}{words}"


def undone(reopened: int, restored: int) -> str:
    alone = f" {count(restored, 'insight')} {'stands' if restored == 1 else 'stand'} alone again." if restored else ""
    return f"{count(reopened, 'pair')} {'is' if reopened == 1 else 'are'} open again.{alone}"
