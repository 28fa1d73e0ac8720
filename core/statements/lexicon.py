"""What English says in several words or in other words: phrases, abbreviations, words for the same, opposites.

Only what may stand for the other in every statement of a report belongs here; words that are merely near (some, many;
after, because; gross, net) do not. A line is: what is meant: how else it is said.
"""

import re

from core.statements.forms import form_of, forms, root_of

SAME = """
european union: eu
united kingdom: uk | u k
united states: us! | usa | u s | u s a | united states of america
united nations: un!
vice president: vp
chief executive officer: ceo | chief executive
chief financial officer: cfo
chief operating officer: coo
chief technology officer: cto
managing director: md!
human resources: hr
information technology: it!
artificial intelligence: ai!
research and development: r and d
gross domestic product: gdp
value added tax: vat
world health organization: who!
european central bank: ecb
international monetary fund: imf
small and medium enterprise: sme
full time equivalent: fte
return on investment: roi
year on year: yoy | year over year
profit and loss: p and l
mergers and acquisitions: m and a
public relations: pr!
nongovernmental organization: ngo | non governmental organization
service level agreement: sla
general data protection regulation: gdpr
personal protective equipment: ppe
intensive care unit: icu
information and communication technology: ict
department: dept
government: govt
management: mgmt
company: firm
versus: vs
approximately: approx # | circa # | ca # | roughly # | around # | about # | some #
including: incl
maximum: max
minimum: min
average: avg
number: no #
employee: staff | staff member | member of staff | personnel
client: customer
visitor: guest
doctor: physician
automobile: car
attorney: lawyer
movie: film
need: require
buy: purchase
begin: start | commence
permit: allow
help: assist
demonstrate: show
reject: turn down | refuse to accept
happen: take place | occur
carry out: conduct
postpone: put off | defer
cancel: call off
examine: investigate | look into
cause: lead to | result in | give rise to | bring about
buyer: purchaser
take effect: come into effect | come into force | enter into force | become effective | go into effect
must: have to | be required to | be obliged to
without delay: immediately | at once
because of: due to | owing to | on account of | as a result of
in order to: so as to
to: in order to
about: regarding | concerning | with regard to | with respect to
before: prior to
after: subsequent to
most: the majority of | a majority of | majority of | most of the | most of
all: every | each | all of the | all of | all the
no: none of the | none of
several: a number of | a series of
afew: a few
alittle: a little
nolonger: no longer
many: a lot of | lots of | a large number of | a great number of | numerous
everyone: everybody
noone: no one | nobody
someone: somebody
anyone: anybody
compulsory: mandatory | obligatory
voluntary: optional
annual: yearly
annually: every year | each year | per year #
sharply: steeply
quickly: rapidly
gradually: little by little
cheaper: less expensive
dearer: more expensive
likely: probable
probably: presumably | in all likelihood
possibly: perhaps | maybe
large: big
enough: sufficient
currently: at present | at the moment | presently
often: frequently
rarely: seldom
almost: nearly
entire: whole
unemployed: jobless | out of work
additional: further | extra
error: mistake
accident: mishap
answer: reply
holiday: vacation
flat: apartment
lift: elevator
truck: lorry
petrol: gasoline
aircraft: airplane
mobile phone: cell phone | cellphone
child: kid
front desk: reception
headquarter: head office | main office
"""

# Said of what goes up and down. "He dropped the plan" is another word: see english.py.
UP = "rise increase go up grow climb"
DOWN = "fall decrease go down decline drop"

# What is said by "not": the word, and what is denied.
DENIALS = {
    "prohibit+d": "permit+d",
    "forbid+d": "permit+d",
    "ban+d": "permit+d",
    "disallow+d": "permit+d",
    "unlawful": "legal",
}
# Complementary: whoever is not the one is the other. Written with a prefix.
COMPLEMENTARY = frozenset(
    "invalid incomplete incorrect inaccurate illegal ineligible inactive unknown unpaid impossible impermissible "
    "insufficient unsafe unnecessary unlikely unsuccessful unclear uncertain untrue unable unaware nonexistent "
    "inadmissible inapplicable incompatible unequal unlawful infeasible inconsistent ineffective unfair impure "
    "imprecise inexact inedible insolvent illegible irrelevant irreversible noncompliant unwritten unsold unseen "
    "unwilling "
    "inaccessible inoperable inflexible inaudible incapable inadequate incurable irreparable illiterate".split()
)
UNDONE = re.compile(r"un[a-z]{3,}(?:ed|able|ible)")
# What is undone was done before; or the word has no other half.
NOT_UNDONE = frozenset(
    "united unified uniformed understated underrated undermined undercapitalized unloaded unlocked unfolded unveiled "
    "undressed unpacked uncovered unearthed unleashed unraveled unravelled unwrapped untied unhinged uninstalled "
    "unlinked unmounted unscrewed unplugged unsettled unsubscribed unblocked unnamed unaddressed unzipped unbundled "
    "unrolled unburdened".split()
)
PREFIXES = ("non", "un", "in", "im", "il", "ir")

# Opposites: of which at most one is true of the same thing. Not: start, end; gross, net.
OPPOSITES = """
rise / fall
more / less | fewer
above / below
over / under
> / <
>= / <=
improve / deteriorate | worsen
strengthen / weaken
expand / shrink
lengthen / shorten
widen / narrow
accept | approve | grant | permit | authorize / reject | refuse | deny | forbid | prohibit | decline
support | favor / oppose
win / lose
pass / fail
succeed / fail
agree / disagree
include | contain / exclude
on / off
convict / acquit
profit / loss
surplus / deficit
often / rarely
everyone | anyone / noone
with / without
admit / deny
confirm / deny | refute
exceed / undershoot
overestimate / underestimate
ahead / behind
inside / outside
encourage / discourage
trust / distrust
accelerate / decelerate
"""
# These too, but only of what is said to be so: cold rooms and warm rooms may both be cheap.
OPPOSITE_QUALITIES = """
higher / lower
high / low
longer / shorter
long / short
larger | bigger | greater / smaller
faster | quicker / slower
fast | quick / slow
better / worse
stronger / weaker
strong / weak
older / younger
cheaper / dearer
warmer | hotter / colder | cooler
hot | warm / cold | cool
heavier / lighter
earlier / later
early / late
open / closed | shut
safe / dangerous | hazardous
compulsory / voluntary
guilty / innocent
true / false
correct / wrong
present / absent
full / empty
profitable / unprofitable
alive / dead
positive / negative
wet / dry
easy / difficult | hard
simple / complicated | complex
cheap / expensive
clean / dirty
intact | undamaged / broken | damaged
legal / illegal
beneficial / harmful
satisfied / dissatisfied
happy / unhappy
optimistic / pessimistic
popular / unpopular
temporary / permanent
healthy / ill | sick
toxic / harmless
sufficient | enough / insufficient
vacant / occupied
loud / quiet
known / unknown
"""


def _lines(table: str, between: str) -> list[tuple[str, list[str]]]:
    rows = [line.partition(between) for line in table.strip().splitlines() if line]
    return [(head.strip(), [one.strip() for one in rest.split("|")]) for head, _, rest in rows]


def _phrases() -> dict[str, list[tuple[tuple[str, ...], tuple[str, ...], str]]]:
    """By their first root: roots of the phrase, its one form, and a guard: # before a figure, ^ says up or down."""
    found: dict[str, list[tuple[tuple[str, ...], tuple[str, ...], str]]] = {}
    for meant, said in [*_lines(SAME, ":"), *((f"{words.split()[0]}", _split_verbs(words)) for words in (UP, DOWN))]:
        for phrase in (*said, *([meant] if " " in meant else [])):
            guard = "#" if "#" in phrase else ""
            roots = tuple(root_of(word) for word in phrase.split() if word != "#")
            up_or_down = meant in ("rise", "fall")
            found.setdefault(roots[0], []).append((roots, forms(meant), guard + ("^" if up_or_down else "")))
    for phrases in found.values():
        phrases.sort(key=lambda one: -len(one[0]))
    return found


def _split_verbs(words: str) -> list[str]:
    joined = words.replace("go up", "go_up").replace("go down", "go_down").split()[1:]
    return [word.replace("_", " ") for word in joined]


PHRASES = _phrases()


def _poles() -> dict[str, tuple[str, int]]:
    """Of each word with an opposite: what both are masked as, and which of the two it is."""
    poles: dict[str, tuple[str, int]] = {}
    for line in (OPPOSITES + OPPOSITE_QUALITIES).replace("\n\n", "\n").strip().splitlines():
        sides = [[_root(word.strip()) for word in side.split("|")] for side in line.split("/")]
        axis, turn = f"±{sides[0][0]}", 1
        for sign, side in zip((1, -1), sides, strict=True):
            # A word of two lines (fail) draws the others of its second line to the first one's.
            for known in (poles[word] for word in side if word in poles):
                axis, turn = known[0], known[1] * sign
        for sign, side in zip((1, -1), sides, strict=True):
            for word in side:
                poles.setdefault(word, (axis, sign * turn))
    return poles


def _root(word: str) -> str:
    """A participle (closed) counts as it stands: what closes at noon is no opposite of what opens at nine."""
    return form_of(word) if word.isalpha() else word


POLES = _poles()
QUALITIES = frozenset(
    _root(word.strip()) for line in OPPOSITE_QUALITIES.strip().splitlines() for word in re.split(r"[/|]", line)
)


def pole_of(form: str) -> tuple[str, int] | None:
    """What a word's opposites are masked as, and 1 or -1; None where it has none. `form`: as forms.py writes it."""
    root, _, tense = form.partition("+")
    if form in POLES:
        return POLES[form]
    return (
        (f"{POLES[root][0]}+{tense}" if tense in ("d", "g") else POLES[root][0], POLES[root][1])
        if root in POLES
        else None
    )


def denied_half(word: str) -> str | None:
    """What is denied by a word with a prefix: valid of invalid, signed of unsigned."""
    if word in COMPLEMENTARY or (UNDONE.fullmatch(word) and word not in NOT_UNDONE and not word.startswith("under")):
        return word.removeprefix(next(prefix for prefix in PREFIXES if word.startswith(prefix)))
    return None
