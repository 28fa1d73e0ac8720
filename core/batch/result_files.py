"""A batch's result files as blocks of lines that can be told from one another, in little memory. No session here.

Every custom_id names its hand-over wholly, so a line is attributed without looking anything up.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.providers.batch_api import BatchLane, Line

BLOCK_LINES, BLOCK_BYTES = 2_000, 8_000_000
_HAND_OVER = re.compile(r"([0-9]{1,18})-([0-9]{1,9})")

# A request and which of its attempts.
Key = tuple[int, int]


def key_of(nonce: str, custom_id: str) -> Key | None:
    """None for an id that this batch did not hand over."""
    if not custom_id.startswith(f"{nonce}-"):
        return None
    found = _HAND_OVER.fullmatch(custom_id, len(nonce) + 1)
    return (int(found[1]), int(found[2])) if found else None


@dataclass(frozen=True, slots=True)
class Told:
    """A line that could be read and is about one of this batch's requests."""

    line: Line
    raw: bytes


@dataclass(frozen=True, slots=True)
class Odd:
    """A line that cannot be used: not_utf8, unreadable, unknown (of nobody here) or duplicate."""

    kind: str
    raw: bytes


@dataclass
class Block:
    answers: dict[Key, Told] = field(default_factory=dict)
    unanswered: dict[Key, Told] = field(default_factory=dict)
    odd: list[Odd] = field(default_factory=list)

    def raw(self, key: Key) -> bytes:
        return (self.answers.get(key) or self.unanswered[key]).raw


def blocks(files: Sequence[Path], lane: BatchLane, nonce: str) -> Iterator[Block]:
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


def _block(lines: list[bytes], lane: BatchLane, nonce: str) -> Block:
    block = Block()
    for raw in lines:
        try:
            # What reads JSON passes over bytes that are no text, and the database would refuse them.
            raw.isascii() or raw.decode()
            line = lane.read(raw)
        except UnicodeDecodeError:
            block.odd.append(Odd("not_utf8", raw))
            continue
        except (ValueError, RecursionError):
            block.odd.append(Odd("unreadable", raw))
            continue
        key = key_of(nonce, line.custom_id)
        among = block.answers if line.outcome == "answer" else block.unanswered
        if key is None:
            block.odd.append(Odd("unknown", raw))
        elif key in among:
            block.odd.append(Odd("duplicate", raw))
        else:
            among[key] = Told(line, raw)
    return block
