"""What English denies: by a word of its own, by a prefix, by another verb. All as "not" before what is denied.

A masked statement is without its denials, so that a statement and its denial are masked alike.
"""

from collections.abc import Sequence

from core.evidence.folding import fold
from core.statements.forms import PAST, form_of, root_of
from core.statements.lexicon import DENIALS, denied_half, pole_of
from core.statements.words import Token

DENYING = frozenset(("not", "never", "nolonger"))
# Between a thing and what is said of it.
LINKING = frozenset(root_of(word) for word in "be become remain stay seem appear feel leave find".split())
# Say nothing that a denial does not take back: all are, none are.
UNMASKED = frozenset(("all", "always", "ever"))


def _plain(written: str) -> str:
    """Without soft hyphens and other signs that nobody sees."""
    return written.casefold() if written.isascii() else "".join(word.text for word in fold(written).words)


def poled(token: Token) -> Token:
    """A word that has an opposite is masked as both of them are."""
    pole = pole_of(token.text)
    return token if pole is None or token.mask is not None else token._replace(mask=pole[0])


class Denials:
    """Rewrites the denials of one statement. Figures are one token each, articles are still there."""

    def __init__(self, tokens: Sequence[Token]):
        self.tokens = tokens
        self.out: list[Token] = []
        self.denied = False
        # The tense of a "do" that is gone, for the verb behind it; of a "failed to", for that verb's mask.
        self.tense = ""
        self.masked_tense = ""

    def read(self) -> list[Token]:
        for at, token in enumerate(self.tokens):
            if token.kind == "word":
                self._word(self._in_tense(token), [t.text for t in self.tokens[at + 1 : at + 3]], at)
            else:
                self.out.append(token)
        return self.out

    def _in_tense(self, token: Token) -> Token:
        if token.text in DENYING or token.text.endswith("ly") or token.text == "to":
            return token
        if self.tense:
            mask = None if token.mask is None else token.mask + self.tense
            token, self.tense = token._replace(text=token.text + self.tense, mask=mask), ""
        if self.masked_tense:
            token, self.masked_tense = token._replace(mask=token.masked + self.masked_tense), ""
        return token

    def _word(self, token: Token, behind: Sequence[str], at: int) -> None:
        after = behind[0] if behind else ""
        if token.text in ("do", "do+d") and after in DENYING:
            self.tense = PAST if token.text == "do+d" else ""
        elif token.text in DENYING or (token.text == "no" and after and self.tokens[at + 1].kind == "word"):
            self._deny(token)
        elif token.root == "fail" and after == "to" and len(behind) > 1:
            self.out.append(_negation(token, token.text))
            self.masked_tense = PAST if token.text == "fail+d" else ""
        elif token.text == "to" and self.out and self.out[-1].kind == "negation" and self.out[-1].root == "fail":
            self.out.append(token._replace(mask=""))
        elif token.text == "any" and self.denied:
            return
        elif token.text in UNMASKED:
            self.out.append(token._replace(mask=""))
        elif token.text == "must" and after == "not":
            # What must not be done is the opposite of what may be done.
            self.out.append(token._replace(mask="may"))
        else:
            self._affirm(token, at)

    def _deny(self, token: Token) -> None:
        """Has no garden: does not have a garden. There is no: there is not."""
        self.denied = True
        before = self.out[-1].root if self.out else ""
        if token.text != "no":
            self._not(token, token.text)
        elif before == "have":
            self.out.insert(-1, _negation(token, "not"))
        else:
            self._not(token, "not" if before == "be" else "no")

    def _not(self, token: Token, text: str) -> None:
        self.out.append(_negation(token, text))

    def _said(self, at: int) -> bool:
        """Whether a quality is said of something, and does not stand before a noun."""
        before = self.out[-1] if self.out else None
        after = self.tokens[at + 1] if at + 1 < len(self.tokens) else None
        said = before is not None and (
            before.root in LINKING or before.kind == "negation" or before.text.endswith("ly")
        )
        return said or before is None or after is None or after.kind != "word"

    def _affirm(self, token: Token, at: int) -> None:
        """Prohibited is not permitted, invalid is not valid."""
        half = denied_half(_plain(token.written))
        other = DENIALS.get(token.text) or (form_of(half) if half else None)
        if other is None:
            self.out.append(token)
            return
        if half and self.out and self.out[-1].text == "not":
            # Two denials of one thing are none: not incomplete.
            self.out.pop()
        elif half and not self._said(at):
            # The uninsured party pays: which one is meant, and the insured one may pay as well.
            self.out.append(token._replace(text="not", kind="negation", mask="not"))
        else:
            self._not(token, "not")
        self.out.append(poled(token._replace(text=other, mask=None)))


def _negation(token: Token, text: str) -> Token:
    return token._replace(text=text, kind="negation", mask="")
