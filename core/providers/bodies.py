"""Read the body of an answer as servers send it: JSON behind blanks or a byte order mark, or a stream of events."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

BLANKS = b" \t\r\n"
BOM = b"\xef\xbb\xbf"
DONE = b"[DONE]"


@dataclass(frozen=True)
class Body:
    """`raw` is the JSON to keep: as it came, or made anew where the database would not take that."""

    data: Any
    raw: str


def read(content: str | bytes) -> Body:
    """Raises ValueError for what is no JSON, also for JSON that was cut off."""
    sent = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    plain = sent.strip(BLANKS).removeprefix(BOM).strip(BLANKS)
    try:
        return Body(orjson.loads(plain), plain.decode())
    except ValueError:
        events = _events(plain)
        data = events if events is not None else _leniently(plain)
        return Body(data, json.dumps(data))


def _leniently(plain: bytes) -> Any:
    """JSON with bytes that are no UTF-8, and numbers that are none: what a paid answer says is in the rest of it."""
    try:
        return json.loads(plain.decode("utf-8", "replace"), parse_constant=lambda _: None, parse_float=_number)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _number(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _events(plain: bytes) -> dict[str, Any] | None:
    """The whole answer of a stream of chunks of a chat completion; None for anything else."""
    if not plain.startswith((b"data:", b":", b"event:", b"id:")):
        return None
    lines = (line.strip(BLANKS) for line in plain.splitlines())
    sent = [line.removeprefix(b"data:").strip(BLANKS) for line in lines if line.startswith(b"data:")]
    chunks = [orjson.loads(line) for line in sent if line and line != DONE]
    return _joined([chunk for chunk in chunks if isinstance(chunk, dict)])


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
