"""Find the JSON in what a model wrote: after its thoughts, inside of a fence, behind a byte order mark.

Only what stands around it is looked past. The JSON itself is read strictly, and whether it fits its schema is not
decided here: of several readings the caller takes the first that fits.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

AROUND = "\ufeff\u200b\u2060 \t\r\n"
# Where thoughts end and the answer begins, as model families mark it. Some templates send only the closing mark.
THOUGHT = re.compile(
    r"</(?:[a-z]+:)?(?:think(?:ing)?|thoughts?|reason(?:ing)?|reflection|analysis|scratchpad)>|◁/think▷|\[/think\]"
    r"|<\|end_of_thought\|>|<\|message\|>",
    re.IGNORECASE,
)
FENCES = ("```", "~~~")
# Longer texts are read only as they are: nothing is searched in them.
LONGEST = 4_000_000
MARKS = 4


def objects(text: str) -> Iterator[Any]:
    """What the text may say as JSON, the likeliest reading first. Raises nothing; yields nothing for prose."""
    seen = set()
    for candidate in _candidates(text):
        if candidate not in seen:
            seen.add(candidate)
            try:
                found = orjson.loads(candidate)
                yield orjson.loads(found.strip(AROUND)) if isinstance(found, str) else found
            except orjson.JSONDecodeError:
                continue
            if len(seen) == 1:
                # The whole text is JSON: what is inside of it is no answer by itself.
                return


def _candidates(text: str) -> Iterator[str]:
    whole = text.strip(AROUND)
    yield whole
    if len(whole) > LONGEST:
        return
    thoughts = [mark.end() for mark in THOUGHT.finditer(whole)]
    # Of many marks most are quoted in a thought or in the answer.
    ends = sorted({*thoughts[:MARKS], *thoughts[-MARKS:]}, reverse=True)
    for rest in (*(whole[end:].strip(AROUND) for end in ends), whole):
        yield rest
        yield from _fenced(rest)
        if 0 <= (first := rest.find("{")) < (last := rest.rfind("}")):
            yield rest[first : last + 1]


def _fenced(text: str) -> Iterator[str]:
    """What stands in the one fence of a text."""
    lines = text.splitlines()
    marks = [number for number, line in enumerate(lines) if line.lstrip().startswith(FENCES)]
    if len(marks) == 2:
        yield "\n".join(lines[marks[0] + 1 : marks[1]]).strip(AROUND)


def is_object(text: str) -> bool:
    return any(isinstance(one, dict) for one in objects(text))


def best(text: str, elsewhere: Sequence[str]) -> str:
    """Of an answer's text and what stands elsewhere in its body the first that holds an object, else the text.

    Servers put the answer into the arguments of a tool call that nobody asked for, or with the thoughts.
    """
    return next((one for one in (text, *elsewhere) if is_object(one)), text)
