"""The child that recognizes the words of some pictures of one document. Its warm parent forks it.

The parent has the libraries in memory. The models are loaded here, since what runs them keeps threads and locks that no
fork survives, and behind the sandbox's door, which lets it read the libraries' own files: a thread that is older than
the sandbox would be outside of it. It writes JSON lines: `{"ready": true}`, then for each picture in turn
`{"seen": text, "lines", "doubtful"}` or `{"failed": true}`.
"""

import json
import os
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from core.documents.extraction import forked, sandbox
from core.documents.extraction.forked import Descriptors
from core.documents.extraction.pages import storable

# Behind those who serve people and call models.
NICE = 5
MOST_CHARACTERS = 200_000


def prepare() -> None:
    with suppress(Exception):  # the child says so
        from core.documents.extraction import ocr_model  # noqa: F401


def run(message: bytes, given: Descriptors, parent: int) -> NoReturn:
    """`message` is a JSON list: start and length of each picture, bytes of memory, seconds, sandbox."""
    try:
        forked.leave_parent(given, parent)
        _recognize(given, *json.loads(message))
    except BaseException:  # the outer boundary: a child must never come back into its parent's loop
        traceback.print_exc()
    finally:
        os._exit(1)


def _recognize(given: Descriptors, pictures: list[tuple[int, int]], memory: int, seconds: int, mode: str) -> NoReturn:
    answer = os.fdopen(given.out, "wb")
    os.nice(NICE)
    forked.limit(memory, seconds)
    if mode == "required" or (mode == "auto" and not sandbox.missing()):
        sandbox.enter(Path(os.devnull))
    from core.documents.extraction.ocr_model import Recognizer

    recognizer = Recognizer()
    forked.say(answer, {"ready": True})
    for start, length in pictures:
        try:
            seen = recognizer.seen(os.pread(given.spool, length, start))
        except Exception as error:  # the outer boundary: decoders raise whatever a broken picture makes them raise
            print(f"{type(error).__name__}: {error}"[:500], file=sys.stderr, flush=True)
            forked.say(answer, {"failed": True})
        else:
            text = storable(seen.text)[:MOST_CHARACTERS]
            forked.say(answer, {"seen": text, "lines": seen.lines, "doubtful": seen.doubtful})
    os._exit(0)
