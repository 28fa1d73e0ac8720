"""The body of a mail, whatever parts it hides in."""

import re
from email.message import Message

from core.documents.extraction import appointments
from core.documents.extraction.charset import decode
from core.documents.extraction.html import declared_charset, visible_text
from core.documents.extraction.pages import Pages
from core.errors import ExtractionError

# Programs draw or run these; nobody reads them.
_NO_PROSE = ("text/rtf", "text/css", "text/javascript", "text/xml", "text/csv", "text/tab-separated-values")
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]|\w+")  # of scripts without spaces, each character
# What programs write into the plain form of an HTML mail in the place of links and pictures.
_FILLING = re.compile(r"\bhttps?://\S+|\bmailto:\S+|\[\d+\]|\[(?:image|cid|bild)\b[^\[\]\n]*\]", re.I)
# So many words more, none of them with a figure, and two forms still say the same.
FEW_WORDS = 3
_SEALED = re.compile(r"^-----BEGIN PGP MESSAGE-----$.*?(?:^-----END PGP MESSAGE-----$|\Z)", re.DOTALL | re.MULTILINE)
_ENRICHED = re.compile(r"<param>[^<]*</param>|<(?!<)/?[\w-]+>|(?<=<)<", re.I)


class Body:
    """`text`, the parts of the mail that it stands for (`taken`, by id), and whether some of it is sealed by PGP."""

    def __init__(self, message: Message, pages: Pages) -> None:
        self.sealed = False
        self.taken: set[int] = set()
        # A named part is a file that somebody attached, but where no other part has words.
        for self._named in (False, True):
            scratch = pages.scratch()
            self.taken.clear()
            self.text = self._whole(message, scratch, own=not message.is_multipart())
            if self.text:
                break
        pages.leave_out_too(scratch)

    def _whole(self, part: Message, pages: Pages, *, own: bool = False) -> str:
        """`own`: its place says that it is body, even where it has a name."""
        kind = part.get_content_type()
        if kind == "multipart/encrypted":
            return ""
        if kind == "multipart/alternative" and part.is_multipart():
            return self._best(children(part), pages)
        if part.get_content_maintype() == "multipart" and part.is_multipart():
            first = kind == "multipart/related"
            texts = [self._whole(one, pages, own=first and not at) for at, one in enumerate(children(part))]
            return "\n\n".join(text for text in texts if text)
        if not self._is_text(part, own):
            return ""
        scratch = pages.scratch()
        try:
            text = self._unsealed(shown(part, scratch), scratch)
        except ExtractionError:
            return ""  # no text, whatever it says: a file
        pages.leave_out_too(scratch)
        self.taken.add(id(part))
        return text

    def _is_text(self, part: Message, own: bool) -> bool:
        kind = part.get_content_type()
        if part.get_content_disposition() == "attachment" or kind in _NO_PROSE:
            return False
        if part.get_content_maintype() not in ("text", "multipart") and not _is_html(kind):
            return False
        return own or self._named or kind == "text/calendar" or part.get_filename() is None

    def _best(self, forms: list[Message], pages: Pages) -> str:
        """The plain form where the richest, which stands last, says nothing more; any other that says something else,
        too."""
        read: list[tuple[Message, str, Pages]] = []
        for form in forms:
            scratch = pages.scratch()
            if text := self._whole(form, scratch, own=True):
                read.append((form, text, scratch))
            else:
                pages.leave_out_too(scratch)
        plain = [one for one in read if one[0].get_content_type() == "text/plain"]
        rich = [one for one in reversed(read) if one[0].get_content_type() not in ("text/plain", "text/calendar")]
        dates = [one for one in read if one[0].get_content_type() == "text/calendar"]
        richer = bool(rich) and (not plain or bool(_words(rich[0][1]) - _words(plain[0][1])))
        texts: list[str] = []
        for _, text, scratch in (rich + plain if richer else plain + rich) + dates:
            if not texts or says_else(text, "\n".join(texts)):
                texts.append(text)
                pages.leave_out_too(scratch)
            else:
                # The words stand above, and words in its pictures do not.
                pages.leave_out_too(scratch, only=("PICTURES_UNREAD",))
        return "\n\n".join(texts)

    def _unsealed(self, text: str, pages: Pages) -> str:
        rest, sealed = _SEALED.subn("", text)
        pages.leave_out("ENCRYPTED_UNREAD", count=sealed)
        self.sealed = self.sealed or sealed > 0
        return rest.strip() if sealed else text


def shown(part: Message, pages: Pages) -> str:
    """The text of one part. Raises ExtractionError for what is none."""
    data = payload(part)
    kind = part.get_content_type()
    declared = part.get_content_charset()
    if _is_html(kind):
        return visible_text(decode(data, declared or declared_charset(data)), pages)
    text = decode(data, declared)
    if kind == "text/calendar":
        return appointments.shown(text)
    return (_ENRICHED.sub("", text) if kind in ("text/enriched", "text/richtext") else text).strip()


def _is_html(kind: str) -> bool:
    """That of mail programs with features of their own (text/x-amp-html, text/watch-html), too."""
    return kind.endswith("html") or kind == "application/xhtml+xml"


def payload(part: Message) -> bytes:
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def children(part: Message) -> list[Message]:
    inside = part.get_payload()
    return [child for child in inside if isinstance(child, Message)] if isinstance(inside, list) else []


def says_else(text: str, known: str) -> bool:
    """Whether it holds words that the other lacks, more than layout brings along."""
    new = _words(text) - _words(known)
    return len(new) > FEW_WORDS or any(any(sign.isdecimal() for sign in word) for word in new)


def _words(text: str) -> set[str]:
    return {word.casefold() for word in _WORD.findall(_FILLING.sub(" ", text))}
