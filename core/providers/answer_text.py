"""Find the JSON in what a model wrote: after its thoughts, inside of a fence, behind a byte order mark.

Only what stands around it is looked past. The JSON itself is read strictly, and whether it fits its schema the caller
says: of the likely readings the first that fits is taken, and of objects strewn over prose the only one that does.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jsonschema
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
                found = orjson.loads(found.strip(AROUND)) if isinstance(found, str) else found
                yield found
                yield from _unwrapped(found)
            except orjson.JSONDecodeError:
                continue
            if len(seen) == 1:
                # The whole text is JSON: what is inside of it is no answer by itself.
                return


def _unwrapped(found: Any) -> Iterator[Any]:
    """What a model put its answer into: a list of it alone, a call of a function in words, a name for it."""
    if isinstance(found, list) and len(found) == 1:
        yield found[0]
    if not isinstance(found, dict):
        return
    inside = next((found[name] for name in CALLED if name in found and found.keys() <= {name, *BESIDE}), None)
    if isinstance(inside, dict):
        yield inside
        yield from _unwrapped(inside)
    elif isinstance(inside, str):
        yield orjson.loads(inside)


CALLED = ("arguments", "parameters", "input", "function", "answer", "result", "response", "output", "json", "data")
BESIDE = ("name", "id", "type", "tool", "recipient")


def to_schema(schema: Mapping[str, Any]) -> Callable[[Any], bool]:
    """Whether something fits this schema."""
    validator = jsonschema.Draft202012Validator(schema)

    def fits(found: Any) -> bool:
        try:
            return bool(validator.is_valid(found))
        except RecursionError:
            return False

    return fits


def fitting(text: str, fits: Callable[[Any], bool]) -> Any:
    """The answer in a text; None where there is none, or several in prose, of which none is chosen."""
    found = next((one for one in objects(text) if fits(one)), None)
    if found is not None:
        return found
    strewn = [] if _is_json(text.strip(AROUND)) else [one for one in _strewn(text) if fits(one)]
    return strewn[0] if strewn and all(one == strewn[0] for one in strewn) else None


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _strewn(text: str) -> Iterator[Mapping[str, Any]]:
    """The objects in prose, none that is inside of another or of one that was cut off."""
    at, tries = text.find("{"), 0
    while at >= 0 and tries < MOST_TRIES and len(text) <= LONGEST:
        tries += 1
        try:
            found, end = DECODER.raw_decode(text, at)
        except json.JSONDecodeError as error:
            if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated"):
                return
            end = at + 1
        except RecursionError:
            return
        else:
            yield found
        at = text.find("{", end)


MOST_TRIES = 200


def _refused(constant: str) -> Any:
    raise json.JSONDecodeError(constant, "", 0)


DECODER = json.JSONDecoder(parse_constant=_refused)


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


def best(text: str, elsewhere: Sequence[str], fits: Callable[[Any], bool]) -> str:
    """Of an answer's text and what stands elsewhere in its body the first that holds the answer, else an object, else
    the text.

    Servers put the answer into the arguments of a tool call that nobody asked for, or with the thoughts.
    """
    texts = (text, *elsewhere)
    found = next((one for one in texts if fitting(one, fits) is not None), None)
    return found if found is not None else next((one for one in texts if is_object(one)), text)
