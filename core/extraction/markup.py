"""HTML and mail. Nothing is ever fetched: only the bytes at hand are read."""

import email
import email.policy
from collections.abc import Iterable
from email.message import EmailMessage
from pathlib import Path

from bs4 import BeautifulSoup, NavigableString, Tag

from core.extraction.reading import Read, Stage
from core.extraction.types import EML

UNSEEN = ("script", "style", "template", "noscript", "svg", "head", "iframe", "object")
BLOCKS = frozenset(
    "address article aside blockquote br dd div dl dt figcaption footer form h1 h2 h3 h4 h5 h6 header hr li main nav "
    "ol p pre section table tr ul".split()
)
MAIL_HEADERS = ("From", "To", "Cc", "Date", "Subject")


def read(path: Path, media_type: str, on_stage: Stage) -> Read:
    on_stage("reading", 0, 1)
    data = path.read_bytes()
    return Read((_mail(data) if media_type == EML else html_text(data),))


def html_text(data: bytes | str) -> str:
    """What a person sees: blocks on lines of their own, cells apart by tabs."""
    soup = BeautifulSoup(data, "lxml")
    title = soup.title.get_text(" ", strip=True) if soup.title else ""
    for tag in soup(UNSEEN):
        tag.decompose()
    pieces: list[str] = []
    for node in soup.descendants:
        if isinstance(node, Tag):
            if node.name in BLOCKS:
                pieces.append("\n")
            elif node.name in ("td", "th"):
                pieces.append("\t")
        elif type(node) is NavigableString:
            kept = node.find_parent("pre") is not None
            pieces.append(str(node) if kept else " ".join(f"a{node}a".split())[1:-1])
    lines = (line.strip() for line in "".join(pieces).split("\n"))
    body = _squeeze(lines)
    return body if not title or title in body[:500] else f"{title}\n\n{body}"


def _squeeze(lines: Iterable[str]) -> str:
    kept: list[str] = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    return "\n".join(kept).strip()


def _mail(data: bytes) -> str:
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    headers = [f"{name}: {message[name]}" for name in MAIL_HEADERS if message[name]]
    body = message.get_body(preferencelist=("plain", "html"))
    text = ""
    if body is not None:
        content = str(body.get_content())
        text = html_text(content) if body.get_content_subtype() == "html" else content
    attached = [part.get_filename() or part.get_content_type() for part in message.iter_attachments()]
    listed = [f"Attachments (not read): {', '.join(attached)}"] if attached else []
    return "\n\n".join(["\n".join(headers), text.strip(), *listed]).strip()
