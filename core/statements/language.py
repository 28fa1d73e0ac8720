"""In which language a statement is, where its words tell; one sentence is too short for a model of languages.

Of single sentences in English py3langid told one in ten wrongly or not at all. An answer may be in another language
than its document, so its own words come first.
"""

import re

# Words that no other language has, and words that others have, too: was and will are German, is is Dutch.
SURE = frozenset(
    "the of were are been with from this that these those which has had would should and they their than who whose "
    "there about after before because between during every its it".split()
)
SHARED = frozenset("a an is was to by for at on in not will can must may all no be as or under over".split())
OTHER = frozenset(
    "der die das und ist nicht ein eine einen den dem des mit von zu auf f\u00fcr im am wurde sind le la les est "
    "une du et dans pour pas sur el los las es una del y por con que il lo gli di che \u00e8 per non de het een van "
    "niet en og er det som att och \u00e4r ett na si w z je se da do ja o e os um uma".split()
)
WORD = re.compile(r"[^\W\d_]+")


def language_of(statement: str, document: str | None) -> str | None:
    """ISO 639-1: English where its words say so, else `document`, which is the language of its document or answer."""
    words = [word.casefold() for word in WORD.findall(statement)]
    sure = sum(word in SURE or (len(word) > 5 and word.endswith("ed") and word.isascii()) for word in words)
    shared, other = sum(word in SHARED for word in words), sum(word in OTHER for word in words)
    return "en" if sure and 2 * sure + shared > 2 * other else document
