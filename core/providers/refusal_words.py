"""A server's own words for a refusal, in whichever shape it sends them. Pure."""

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

_TITLE = re.compile(r"<(title|h1)\b[^>]*>(.*?)</\1>", re.IGNORECASE | re.DOTALL)
_HIDDEN = re.compile(r"<(script|style)\b.*?</\1>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
# Where a message stands, in the order in which it is looked for.
MESSAGES = ("message", "msg", "detail", "error_description", "error_message", "errors", "reason", "title", "error")
# Of a page so much is searched for its title.
PAGE_CHARACTERS = 20_000
DEEPEST = 5


@dataclass(frozen=True)
class Words:
    """`code` and `kind` as the server names the error, `param` what of the request, `message` in its words; each is ""
    where there is none."""

    code: str = ""
    kind: str = ""
    message: str = ""
    param: str = ""

    @property
    def all(self) -> str:
        return " ".join((self.code, self.kind, self.param, self.message))


def read(body: Any) -> Words:
    """Of `{"error": …}` as object, text or list, of `{"detail": …}`, of plain text and of a page of HTML."""
    if isinstance(body, bytes):
        body = body.decode("utf-8", "replace")
    if isinstance(body, str):
        return _of_text(body)
    if isinstance(body, list):
        return next((found for one in body[:3] if (found := read(one)) != Words()), Words())
    if not isinstance(body, dict):
        return Words()
    error = body.get("error") or body
    if isinstance(error, list):
        return read(error)
    if not isinstance(error, dict):
        return Words(_short_name(body.get("code")), _short_name(body.get("type")), _message(error))
    named = (_short_name(error.get("code")), _short_name(error.get("type")))
    # llama.cpp names its context beside the message.
    context = f" n_ctx={error['n_ctx']}" if isinstance(error.get("n_ctx"), int) else ""
    words = Words(*named, _message(error), _short_name(error.get("param")) + context)
    # OpenRouter passes on what its own provider answered.
    passed_on = _mapping(error.get("metadata")).get("raw")
    return replace(words, message=f"{words.message} {_message(passed_on)}".strip()) if passed_on else words


def _of_text(text: str) -> Words:
    stripped = text.strip().removeprefix("\ufeff")
    if stripped.startswith(("{", "[")):
        try:
            return read(json.loads(stripped))
        except (ValueError, RecursionError):
            return Words(message=_one_line(stripped))
    if not stripped.startswith("<"):
        return Words(message=_one_line(stripped))
    page = stripped[:PAGE_CHARACTERS]
    titled = _TITLE.search(page)
    return Words(message=_one_line(html.unescape(_TAG.sub(" ", titled[2] if titled else _HIDDEN.sub(" ", page)))))


def _message(value: Any, deep: int = 0) -> str:
    if isinstance(value, str):
        return _of_text(value).message if value.lstrip().startswith(("{", "<")) and deep < DEEPEST else _one_line(value)
    if deep >= DEEPEST:
        return ""
    if isinstance(value, list):
        return "; ".join(found for one in value[:3] if (found := _message(one, deep + 1)))
    if not isinstance(value, dict):
        return ""
    found = next((text for name in MESSAGES if (text := _message(value.get(name), deep + 1))), "")
    place = value.get("loc")
    return f"{'.'.join(map(str, place))}: {found}" if isinstance(place, list) and found else found


def _short_name(value: Any) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _one_line(text: str) -> str:
    return " ".join(text.split())
