"""Read a batch's result files in blocks of lines, so that memory stays small. No session here.

A custom_id holds the batch's nonce, the request and its attempt, so a line is matched without a lookup.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.providers.batch_api import BatchLane, ResultLine

BLOCK_LINES, BLOCK_BYTES = 2_000, 8_000_000
_ATTEMPT = re.compile(r"([0-9]{1,18})-([0-9]{1,9})")

# A request's id and which of its attempts it was: the idempotency key of everything that is made of a line.
Key = tuple[int, int]


def key_of(nonce: str, custom_id: str) -> Key | None:
    """None for a custom_id of another batch."""
    if not custom_id.startswith(f"{nonce}-"):
        return None
    found = _ATTEMPT.fullmatch(custom_id, len(nonce) + 1)
    return (int(found[1]), int(found[2])) if found else None


@dataclass(frozen=True, slots=True)
class MatchedLine:
    """A line that could be read and names a request of this batch."""

    line: ResultLine
    raw: bytes


@dataclass(frozen=True, slots=True)
class RejectedLine:
    """A dead letter: a line that cannot be used. `kind`: not_utf8, unreadable, unknown (no such request), duplicate."""

    kind: str
    raw: bytes


@dataclass
class ResultBlock:
    answers: dict[Key, MatchedLine] = field(default_factory=dict)
    unanswered: dict[Key, MatchedLine] = field(default_factory=dict)
    odd: list[RejectedLine] = field(default_factory=list)


def blocks(files: Sequence[Path], lane: BatchLane, nonce: str) -> Iterator[ResultBlock]:
    for lines in _slices(files):
        yield _block(lines, lane, nonce)


def _slices(files: Sequence[Path]) -> Iterator[list[bytes]]:
    lines, size = list[bytes](), 0
    for path in files:
        with path.open("rb") as file:
            for line in file:
                if line.isspace():
                    continue
                lines.append(line.rstrip(b"\r\n"))
                size += len(line)
                if len(lines) >= BLOCK_LINES or size >= BLOCK_BYTES:
                    yield lines
                    lines, size = [], 0
    if lines:
        yield lines


def _block(lines: list[bytes], lane: BatchLane, nonce: str) -> ResultBlock:
    block = ResultBlock()
    for raw in lines:
        try:
            # JSON readers skip bytes that are not UTF-8, and the database would refuse them.
            raw.isascii() or raw.decode()
            line = lane.read(raw)
        except UnicodeDecodeError:
            block.odd.append(RejectedLine("not_utf8", raw))
            continue
        except (ValueError, RecursionError):
            block.odd.append(RejectedLine("unreadable", raw))
            continue
        key = key_of(nonce, line.custom_id)
        among = block.answers if line.outcome == "answer" else block.unanswered
        if key is None:
            block.odd.append(RejectedLine("unknown", raw))
        elif key in among:
            block.odd.append(RejectedLine("duplicate", raw))
        else:
            among[key] = MatchedLine(line, raw)
    return block
