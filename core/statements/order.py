"""English in one order: what is said first of time and place goes behind, passive becomes active, "A and B" is sorted.

Order tells who did what to whom, so words move only where the grammar shows that they may, and always with what they
belong to. Words in between never become a bag.
"""

from collections.abc import Sequence

from core.statements.forms import PAST, form_of, formed
from core.statements.grammar import ARTICLES, BE, MODALS, UNMARKED
from core.statements.words import Token

PREPOSITIONS = formed(
    "in on at since during after before by from for under within between with without to of about against among as "
    "because becauseof due until through throughout per over above below into onto toward despite via"
)
SUBORDINATING = formed("if when while because although though unless since once whenever whereas as after before until")
FRONTED = PREPOSITIONS | SUBORDINATING | formed("according despite owing today yesterday")
ANYONE = form_of("anyone")
CLAUSE = formed("that which who whom whose if when while because although though unless whereas but")
BEFORE_A_LIST = (
    PREPOSITIONS | SUBORDINATING | CLAUSE | ARTICLES | BE | MODALS | formed("have had or both either between")
)
FUNCTION = BEFORE_A_LIST | formed(
    "not no never have had do did all any some this these those its their our his her and or than more less most "
    "new both either"
)
NOT_AGENTS = formed(
    "half third quarter far accident mistake hand law default mail email post phone chance design nature fax rail "
    "road air sea car train bus ship plane then now means way itself themselves himself herself contrast definition "
    "car about at > < >= <= approximately almost nearly more less up"
)
LONGEST_FRONT = 12
FARTHEST_BY = 5


def arranged(tokens: Sequence[Token]) -> list[Token]:
    moved = _active(_behind(list(tokens)))
    return [t for t in _sorted(moved) if (t.kind != "mark" and t.text not in ARTICLES) or t.text in ("?", "/", "#")]


def _behind(tokens: list[Token]) -> list[Token]:
    """In spring, the ferry runs: the ferry runs in spring. If A, B: B if A."""
    if len(tokens) < 4 or tokens[0].kind not in ("word", "date"):
        return tokens
    first = tokens[0].text
    comma = next((at for at, t in enumerate(tokens[: LONGEST_FRONT + 1]) if t.text == ","), None)
    fronted = (
        first in FRONTED
        or (first in ("last", "next", "this", "every") and comma == 2)
        or (comma == 1 and first.endswith("ly"))
        or tokens[0].kind == "date"
    )
    if not fronted:
        return tokens
    end = None
    if comma is not None and not _lists(tokens, comma):
        end = comma
    elif comma is None and first in PREPOSITIONS:
        at = 2 if tokens[1].text in ARTICLES else 1
        if (
            tokens[at].kind == "date"
            and len(tokens) > at + 3
            and tokens[at + 1].text not in ("and", "or", "to", "until", "/")
        ):
            end = at + 1
    if end is None:
        return tokens
    stop = next((at for at, t in enumerate(tokens) if at > end and t.text in (".", ";", "?")), len(tokens))
    rest = tokens[end + (tokens[end].text == ",") : stop]
    return [*rest, *tokens[:end], *tokens[stop:]] if len(rest) > 1 else tokens


def _lists(tokens: Sequence[Token], comma: int) -> bool:
    """Whether the comma stands in a list: in Oslo, Bergen and Turku."""
    return any(
        t.text in ("and", "or") and tokens[comma + n].text == ","
        for n in (2, 3)
        if comma + n < len(tokens)
        for t in tokens[comma + n + 1 : comma + n + 2]
    ) or any(comma + n < len(tokens) and tokens[comma + n].text in ("and", "or") for n in (2,))


def _active(tokens: list[Token]) -> list[Token]:
    """X was rejected by Y: Y rejected X."""
    for be in (at for at, t in enumerate(tokens) if t.text in ("be", "be+d", "be+n") and at > 0):
        verb = be + 1
        while verb < len(tokens) and (tokens[verb].kind == "negation" or tokens[verb].text.endswith("ly")):
            verb += 1
        if verb >= len(tokens) or not (tokens[verb].text.endswith(PAST) or tokens[verb].text in UNMARKED):
            continue
        by = next(
            (at for at in range(verb + 1, min(verb + 1 + FARTHEST_BY, len(tokens))) if tokens[at].text == "by"), None
        )
        if by is not None and not any(t.kind == "mark" for t in tokens[be:by]) and (agent := _agent(tokens, by + 1)):
            return _turned(tokens, be, verb, by, agent)
    return tokens


def _agent(tokens: Sequence[Token], start: int) -> int:
    """Where the agent ends; 0 where what stands behind "by" is none: by 5 %, by Friday, by cutting costs."""
    if start >= len(tokens):
        return 0
    first = start + (tokens[start].text in ARTICLES)
    if first >= len(tokens) or tokens[first].kind in ("date", "mark", "negation") or tokens[first].text in NOT_AGENTS:
        return 0
    alone = first + 1 == len(tokens) or tokens[first + 1].kind == "mark" or tokens[first + 1].text in FUNCTION
    if (tokens[first].text.endswith("+g") and not alone) or (
        tokens[first].kind == "figure" and (tokens[first].unit or first + 1 >= len(tokens))
    ):
        return 0
    end = first + 1
    while (
        end < len(tokens)
        and tokens[end].kind != "mark"
        and (tokens[end].text not in FUNCTION or tokens[end].text in ("of", "and", *ARTICLES))
    ):
        end += 1
    return end


def _turned(tokens: list[Token], be: int, verb: int, by: int, end: int) -> list[Token]:
    subject = tokens[:be]
    helpers: list[Token] = []
    while subject and (subject[-1].root == "have" or subject[-1].text in MODALS or subject[-1].kind == "negation"):
        helpers.insert(0, subject.pop())
    stop = next((at for at in range(len(subject) - 1, -1, -1) if subject[at].kind == "mark"), -1)
    before, subject = subject[: stop + 1], subject[stop + 1 :]
    if not subject or any(t.text in CLAUSE or t.text in BE for t in subject):
        return tokens
    said = tokens[verb]
    perfect = tokens[be].text == "be+n"
    if not perfect and tokens[be].text == "be" and not helpers and said.text in UNMARKED:
        return tokens
    if not perfect and tokens[be].text == "be" and said.text.endswith(PAST):
        said = said._replace(text=said.root, mask=said.mask and said.mask.removesuffix(PAST))
    between, agent = tokens[be + 1 : verb], tokens[by + 1 : end]
    denied = [t for t in [*helpers, *between] if t.text == "not"]
    someone = next((at for at, t in enumerate(agent) if t.text == ANYONE), None)
    if len(denied) == 1 and someone is not None:
        agent[someone] = agent[someone]._replace(text="noone")
        helpers = [t for t in helpers if t.text != "not"]
        between = [t for t in between if t.text != "not"]
    return [*before, *agent, *helpers, *between, said, *subject, *tokens[verb + 1 : by], *tokens[end:]]


def _sorted(tokens: list[Token]) -> list[Token]:
    """The items of a statement's only list, where each is one word and nothing else could belong to one of them."""
    joints = [at for at, t in enumerate(tokens) if t.text in ("and", "or")]
    if len(joints) != 1 or any(t.text in ("respectively", "then", "former", "latter") for t in tokens):
        return tokens
    joint = joints[0]
    right = joint + 1 + (joint + 1 < len(tokens) and tokens[joint + 1].text in ARTICLES)
    items, left = [right], joint - 1 - (joint > 0 and tokens[joint - 1].text == ",")
    while left >= 0:
        items.insert(0, left)
        begin = left - 1 - (left > 0 and tokens[left - 1].text in ARTICLES)
        if begin > 0 and tokens[begin].text == ",":
            left = begin - 1
            continue
        break
    if right >= len(tokens) or not items or items[0] < 0 or not all(_item(tokens[at]) for at in items):
        return tokens
    if not _edge_before(tokens, items[0] - 1) or not _edge_behind(tokens, right + 1):
        return tokens
    words = sorted((tokens[at] for at in items), key=lambda t: t.text)
    between = tokens[joint]
    listed = [piece for word in words for piece in (between, word)][1:]
    return [*tokens[: items[0]], *listed, *tokens[right + 1 :]]


def _item(token: Token) -> bool:
    return token.kind == "word" and token.text not in FUNCTION and not token.text.endswith((PAST, "+g"))


def _edge_before(tokens: Sequence[Token], at: int) -> bool:
    """Nothing before the first item that may belong to it alone: an adjective."""
    if at < 0 or tokens[at].kind in ("mark", "figure"):
        return True
    token = tokens[at]
    if token.text in FUNCTION:
        return token.text in BEFORE_A_LIST
    before = tokens[at - 1] if at else None
    if before is not None and (before.text in MODALS or before.text in ("to", "not") or before.written.endswith("s")):
        return True
    return token.text.endswith((PAST, "+g")) or token.written.endswith("s")


def _edge_behind(tokens: Sequence[Token], at: int) -> bool:
    return (
        at >= len(tokens)
        or tokens[at].kind in ("mark", "date")
        or tokens[at].text in FUNCTION
        or tokens[at].text.endswith(PAST)
    )
