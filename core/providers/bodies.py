"""Read the body of an answer as servers send it: JSON behind blanks or a byte order mark, or a stream of events."""

import json
import math
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

BLANKS = b" \t\r\n\0"
BOM = b"\xef\xbb\xbf"
DONE = b"[DONE]"


@dataclass(frozen=True)
class Body:
    """`raw` is the JSON to keep: as it came, or made anew where the database would not take that."""

    data: Any
    raw: str


def read(content: str | bytes) -> Body:
    """Raises ValueError for what is no JSON, also for JSON that was cut off."""
    sent = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else _unpacked(content)
    plain = sent.strip(BLANKS).removeprefix(BOM).strip(BLANKS)
    try:
        body = Body(orjson.loads(plain), plain.decode())
    except ValueError:
        events = _events(plain)
        data = events if events is not None else _leniently(COMMENTS.sub(b"", plain))
        return Body(data, json.dumps(data))
    # A gateway that passes on a text of JSON as a JSON text.
    return read(body.data) if isinstance(body.data, str) and body.data.lstrip().startswith("{") else body


# Lines that keep a connection alive ahead of an answer that is no stream.
COMMENTS = re.compile(rb"\A(?::[^\n]*\n\s*)+")
GZIP = b"\x1f\x8b"
# No answer is longer.
MOST_BYTES = 64 << 20


def _unpacked(content: bytes) -> bytes:
    """UTF-8 of what came packed or in another encoding, without a header that says so."""
    if content.startswith(GZIP):
        try:
            content = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(content, MOST_BYTES)
        except zlib.error:
            raise ValueError("packed, and broken") from None
    encoding = json.detect_encoding(content)
    return content if encoding.startswith("utf-8") else content.decode(encoding, "replace").encode()


def _leniently(plain: bytes) -> Any:
    """JSON with bytes that are no UTF-8, and numbers that are none: what a paid answer says is in the rest of it.

    These stay as texts, which nobody takes for a count."""
    try:
        return json.loads(plain.decode("utf-8", "replace"), parse_constant=str, parse_float=_number)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def mended(line: bytes) -> bytes:
    """A line of results that only Python's reader takes, such as one with NaN among its numbers.

    Raises ValueError.
    """
    return json.dumps(_leniently(line)).encode()


def _number(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else text


def _events(plain: bytes) -> dict[str, Any] | None:
    """The whole answer of a stream of chunks of a chat completion or of events of a message; None for anything else."""
    if not plain.startswith((b"data:", b":", b"event:", b"id:")):
        return None
    lines = (line.strip(BLANKS) for line in plain.splitlines())
    sent = [line.removeprefix(b"data:").strip(BLANKS) for line in lines if line.startswith(b"data:")]
    chunks = [orjson.loads(line) for line in sent if line and line != DONE]
    events = [chunk for chunk in chunks if isinstance(chunk, dict)]
    if not events:
        return None
    return _message(events) if any(one.get("type") in MESSAGE for one in events) else _joined(events)


MESSAGE = ("message_start", "content_block_start", "content_block_delta", "message_delta")
# Of a block's deltas the field that goes on, and the block's own name for it.
GOES_ON = {"text": "text", "thinking": "thinking", "partial_json": "input"}


def _message(events: list[dict[str, Any]]) -> dict[str, Any]:
    """Anthropic's events, as the message that they make."""
    whole: dict[str, Any] = {"content": []}
    blocks: dict[int, dict[str, Any]] = {}
    for event in events:
        match event:
            case {"type": "message_start", "message": dict(begun)}:
                whole |= begun
            case {"type": "content_block_start", "index": int(place), "content_block": dict(block)}:
                blocks[place] = {name: value for name, value in block.items() if name != "input" or value}
            case {"type": "content_block_delta", "index": int(place), "delta": dict(delta)}:
                _go_on(blocks.setdefault(place, {"type": "text"}), delta)
            case {"type": "message_delta"}:
                whole |= event.get("delta") or {}
                whole["usage"] = {**(whole.get("usage") or {}), **(event.get("usage") or {})}
            case {"error": _}:
                whole["error"] = event["error"]
    return {**whole, "content": [blocks[place] for place in sorted(blocks)]}


def _go_on(block: dict[str, Any], delta: Mapping[str, Any]) -> None:
    for name, own in GOES_ON.items():
        if isinstance(delta.get(name), str):
            block[own] = f"{block.get(own) or ''}{delta[name]}"


def _joined(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    whole: dict[str, Any] = {}
    message: dict[str, Any] = {}
    choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": None}
    for chunk in chunks:
        whole |= {key: value for key, value in chunk.items() if key != "choices" and value is not None}
        for part in chunk.get("choices") or ():
            if isinstance(part, dict) and not part.get("index"):
                choice["finish_reason"] = part.get("finish_reason") or choice["finish_reason"]
                _add(message, part.get("delta") or part.get("message") or {})
    if any(chunk.get("choices") for chunk in chunks):
        whole["choices"] = [choice]
    return whole


def _add(message: dict[str, Any], delta: Mapping[str, Any]) -> None:
    for key, value in delta.items():
        if key == "tool_calls" and isinstance(value, list):
            _add_calls(message.setdefault(key, []), value)
        elif isinstance(value, str) and isinstance(message.get(key), str) and key != "role":
            message[key] += value
        elif isinstance(value, list) and isinstance(message.get(key), list):
            message[key] = [*message[key], *value]
        elif value is not None:
            message[key] = value


def _add_calls(calls: list[dict[str, Any]], parts: list[Any]) -> None:
    for part in parts:
        if not isinstance(part, dict):
            continue
        place = part.get("index", len(calls))
        if not isinstance(place, int) or place >= len(calls):
            calls.append({"id": part.get("id"), "type": "function", "function": {"name": "", "arguments": ""}})
            place = -1
        of = part.get("function") or {}
        for key in ("name", "arguments"):
            calls[place]["function"][key] += of.get(key) or ""
