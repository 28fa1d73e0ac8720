"""English words without their inflection and in one spelling.

What a form means is kept: past (`+d`) and -ing (`+g`) stand behind the root, comparatives and derived words (employer,
employee) are words of their own. A stemmer takes too much: it makes one word of "important" and "imports".
"""

import re
from functools import lru_cache

PAST = "+d"
ONGOING = "+g"


def _irregular() -> dict[str, str]:
    table = (
        "be:was,were arise:arose,arisen bear:bore,borne beat:beaten become:became begin:began,begun "
        "bend:bent bind:bound bite:bit,bitten blow:blew,blown break:broke,broken bring:brought build:built "
        "burn:burnt buy:bought catch:caught choose:chose,chosen come:came deal:dealt draw:drew,drawn "
        "drink:drank,drunk drive:drove,driven eat:ate,eaten fall:fell,fallen feed:fed feel:felt fight:fought "
        "find:found fly:flew,flown forbid:forbade,forbidden forget:forgot,forgotten freeze:froze,frozen "
        "get:got,gotten give:gave,given go:went,gone grow:grew,grown hang:hung have:had hear:heard hide:hid,hidden "
        "hold:held keep:kept know:knew,known lay:laid lead:led learn:learnt leave:left lend:lent lose:lost make:made "
        "mean:meant meet:met overcome:overcame oversee:oversaw,overseen overtake:overtook,overtaken pay:paid "
        "prove:proven rise:rose,risen ride:rode,ridden ring:rang,rung run:ran say:said see:saw,seen seek:sought "
        "sell:sold send:sent shake:shook,shaken shine:shone shoot:shot show:shown shrink:shrank,shrunk "
        "sing:sang,sung sink:sank,sunk sit:sat sleep:slept speak:spoke,spoken speed:sped spend:spent "
        "spring:sprang,sprung stand:stood steal:stole,stolen stick:stuck strike:struck swear:swore,sworn "
        "swim:swam,swum take:took,taken teach:taught tear:tore,torn tell:told think:thought throw:threw,thrown "
        "undergo:underwent,undergone understand:understood undertake:undertook,undertaken wake:woke,woken "
        "wear:wore,worn win:won withdraw:withdrew,withdrawn withhold:withheld withstand:withstood "
        "write:wrote,written rewrite:rewrote,rewritten foresee:foresaw,foreseen mislead:misled repay:repaid "
        "rebuild:rebuilt resell:resold rethink:rethought do:did sweep:swept "
        "flee:fled dig:dug creep:crept weave:wove,woven outgrow:outgrew,outgrown"
    )
    return {
        form: f"{base}{PAST}"
        for base, _, past in (entry.partition(":") for entry in table.split())
        for form in past.split(",")
    }


IRREGULAR = _irregular() | {
    "am": "be", "is": "be", "are": "be", "been": "be+n", "being": "be+g", "has": "have", "does": "do", "done": "do+n",
    "men": "man", "women": "woman", "children": "child", "feet": "foot", "teeth": "tooth", "mice": "mouse",
    "criteria": "criterion", "analyses": "analysis", "crises": "crisis", "theses": "thesis", "hypotheses": "hypothesis",
    "indices": "index", "matrices": "matrix", "appendices": "appendix", "knives": "knife",
    "lives": "life", "wives": "wife", "midwives": "midwife", "housewives": "housewife", "loaves": "loaf",
    "thieves": "thief", "calves": "calf", "scarves": "scarf",
    "shelves": "shelf", "halves": "half", "wolves": "wolf", "agreed": "agree+d", "disagreed": "disagree+d",
    "freed": "free+d", "guaranteed": "guarantee+d", "refereed": "referee+d", "decreed": "decree+d", "dying": "die+g",
    "lying": "lie+g", "tying": "tie+g", "shoes": "shoe", "ties": "tie", "dies": "die", "lies": "lie", "pies": "pie",
    "movies": "movie", "cookies": "cookie", "calories": "calorie", "buses": "bus", "gases": "gas", "lenses": "lens",
    "used": "use+d", "doing": "do+g", "going": "go+g", "statuses": "status", "viruses": "virus",
}  # fmt: skip
# End like an inflected form and are none.
WHOLE = frozenset(
    # -s
    "always perhaps this its his hers ours yours theirs as us thus plus minus less unless across besides sometimes "
    "towards goods means headquarters customs arms glasses news series species gas bus lens bias atlas canvas wales "
    "afterwards overseas savings earnings premises proceedings proceeds williams roberts richards stevens peters "
    "edwards johns phillips adams daniels andrews evans owens jacobs matthews harris rogers simmons collins james "
    "davies hughes jones athens cuts puts sets hits lets shuts reads spreads hurts splits quits casts upsets texas "
    "paris brussels mercedes siemens credentials diabetes rabies measles physics economics mathematics politics "
    "logistics statistics athletics electronics ethics analytics graphics tactics basis analysis crisis thesis "
    "emphasis yes else https christmas chaos cosmos kudos pros cons vs "
    # -ed
    "need feed seed speed breed bleed exceed proceed succeed indeed hundred sacred red bed shed wed fed led embed "
    "weed reed deed heed creed greed steed naked wicked rugged unprecedented "
    # -ing
    "during nothing something anything everything thing king ring bring spring string sing wing evening morning "
    "ceiling sibling sterling sling swing fling cling sting ping wring beijing".split()
)
SPELLINGS = {
    **{word + "r": word.removesuffix("u") + "r" for word in
       "colou favou honou labou harbou behaviou neighbou rumou humou flavou vapou odou armou endeavou savou tumou "
       "vigou "
       "rigou splendou parlou candou clamou glamou fervou valou".split()},
    "centre": "center", "metre": "meter", "litre": "liter", "theatre": "theater",
    "fibre": "fiber", "calibre": "caliber",
    "kilometre": "kilometer", "programme": "program", "defence": "defense", "offence": "offense", "licence": "license",
    "pretence": "pretense", "cheque": "check", "grey": "gray", "tyre": "tire",
    "aluminium": "aluminum", "ageing": "aging",
    "judgement": "judgment", "mould": "mold", "plough": "plow", "sceptical": "skeptical", "jewellery": "jewelry",
    "manoeuvre": "maneuver", "paediatric": "pediatric", "whilst": "while", "amongst": "among", "towards": "toward",
    "kerb": "curb", "catalogue": "catalog", "dialogue": "dialog", "analogue": "analog", "practise": "practice",
    "learnt": "learned", "spelt": "spelled", "spoilt": "spoiled", "aeroplane": "airplane", "anaesthetic": "anesthetic",
    "anaemia": "anemia", "oestrogen": "estrogen", "diarrhoea": "diarrhea", "foetus": "fetus",
    "haemorrhage": "hemorrhage",
    "orthopaedic": "orthopedic", "gynaecology": "gynecology", "enquiry": "inquiry", "enquiries": "inquiries",
    "storey": "story", "storeys": "stories", "acknowledgement": "acknowledgment", "fulfilment": "fulfillment",
    "instalment": "installment", "enrolment": "enrollment",
    "artefact": "artifact",
    "sulphur": "sulfur", "draught": "draft", "furore": "furor", "skilful": "skillful", "wilful": "willful",
    "cosy": "cozy", "moustache": "mustache", "pyjamas": "pajamas",
    "adviser": "advisor",
}  # fmt: skip
OUR = re.compile(r"^(colo|favo|hono|labo|harbo|behavio|neighbo|rumo|humo|flavo|vapo|odo|armo|endeavo|savo|tumo)u(r.*)$")
CENTRE = re.compile(r"^(cent|theat|fib|calib|(?:kilo|centi|milli)?met|(?:milli)?lit)re(s|d)?$")
SYLLABLES = re.compile(r"[aeiouy]+")
SHORT = re.compile(r"^[^aeiou]*[aeiouy][^aeiouywx]$")


@lru_cache(65536)
def form_of(word: str) -> str:
    """`word` is in lower case: its root, with its tense."""
    if word in IRREGULAR:
        base, plus, tense = IRREGULAR[word].partition("+")
        return _spelled(base) + plus + tense
    if len(word) < 4 or word in WHOLE or not word.isalpha() or not word.isascii():
        return _spelled(word)
    if word.endswith("ied") and len(word) > 4:
        return _spelled(word[:-3] + "y") + PAST
    if word.endswith("ed") and not word.endswith("eed") and SYLLABLES.search(word[:-2]):
        return _spelled(_base(word[:-2])) + PAST
    if word.endswith("ing") and SYLLABLES.search(word[:-3]) and len(word) > 5:
        return _spelled(_base(word[:-3])) + ONGOING
    return _spelled(_singular(word))


@lru_cache(65536)
def is_plural(word: str) -> bool:
    return word not in WHOLE and (word in PLURALS or (len(word) > 3 and word.isalpha() and _singular(word) != word))


PLURALS = frozenset(("people",)) | frozenset(
    w for w, base in IRREGULAR.items() if "+" not in base and w not in ("am", "is", "are", "has", "does")
)


def _singular(word: str) -> str:
    if not word.endswith("s") or word.endswith(("ss", "us", "is", "'s", "ics")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zzes", "oes")):
        return word[:-2]
    return word[:-1]


def _base(stem: str) -> str:
    """The verb that -ed or -ing was written behind: stopp -> stop, hop -> hope, caus -> cause."""
    if len(stem) > 2 and stem[-1] == stem[-2] and stem[-1] not in "flsz":
        return stem[:-1]
    if stem.endswith(("v", "c", "z", "u", "bl", "pl", "tl", "dl", "gl", "kl", "zl")) or stem[-2:] in (
        "ns",
        "rs",
        "rg",
        "dg",
    ):
        return stem + "e"
    if stem.endswith("s") and not stem.endswith("ss"):
        return stem + "e"
    if stem.endswith("ng") and stem in (
        "chang",
        "arrang",
        "rang",
        "exchang",
        "challeng",
        "aveng",
        "plung",
        "interchang",
    ):
        return stem + "e"
    if SHORT.match(stem) or stem[-2:] in ("ag", "ug") or stem in ("us", "ow"):
        return stem + "e" if stem not in ("ow",) else stem
    return stem


def _spelled(word: str) -> str:
    """One spelling: American and British, with and without what inflection leaves unsure (a final e, a double l)."""
    word = SPELLINGS.get(word, word)
    word = OUR.sub(r"\1\2", word)
    word = CENTRE.sub(r"\1er\2", word)
    if len(SYLLABLES.findall(word)) > 1 and len(word) > 4:
        word = word.replace("isation", "ization")
        if word.endswith("e") and not word.endswith(("ee", "oe")) and len(SYLLABLES.findall(word[:-1])) > 1:
            word = word[:-1]
        if word.endswith("ll"):
            word = word[:-1]
        if word.endswith(("is", "ys")) and word not in ("basis", "analysis", "crisis", "thesis", "emphasis", "this"):
            word = word[:-1] + "z"
    return word


def forms(words: str) -> tuple[str, ...]:
    return tuple(form_of(word) for word in words.split())


def root_of(word: str) -> str:
    return form_of(word).partition("+")[0]


def formed(words: str) -> frozenset[str]:
    """A set of words as they stand in a canonical statement."""
    return frozenset(form_of(word) for word in words.split())
