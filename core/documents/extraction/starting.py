"""Start the warm parents of those who read files and of those who recognize words, and hand work over to them."""

import json
import os
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, Self

from core.documents.extraction.parent import MESSAGE_BYTES, READY
from core.errors import ExtractionError

_ROOT = Path(__file__).resolve().parents[3]
# All that the readers may know of our environment: where their libraries are.
_KEPT_VARIABLES = ("PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH")
# Libraries for arithmetic start threads of their own; a process with threads must not fork. onnxruntime would have one
# that reports to its makers what it is used for.
_SET_VARIABLES = {
    "PYTHONUTF8": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "ORT_DISABLE_TELEMETRY": "1",
}
START_SECONDS = 60.0
# How long a parent may take to kill a child. One that takes longer hangs, and is killed with its children.
KILL_SECONDS = 3.0


Kind = Literal["child", "ocr_child", "page_child"]


class ParentGone(Exception):
    """The parent ended, and its children with it: nothing is known of the file."""


class WarmParent:
    """Raises ExtractionError where it does not start."""

    def __init__(self, kind: Kind = "child") -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "core.documents.extraction.parent", kind],
                cwd=_ROOT,
                env={name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ} | _SET_VARIABLES,
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._control.settimeout(START_SECONDS)
        with suppress(OSError):
            if self._control.recv(MESSAGE_BYTES) == READY:
                return
        self.end()
        raise ExtractionError(
            f"The process that reads files did not start (exit code {self.process.returncode}). "
            "Repair the installation, then try again."
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def alive(self) -> bool:
        return self.process.poll() is None

    def end(self) -> None:
        """At once, with all its children."""
        self.process.kill()
        self.process.wait()
        self._control.close()

    def hand_over(self, message: list[Any], spool: int) -> "Reading":
        """To a new child; what it takes is said by its `run`. Raises ParentGone."""
        out, their_out = os.pipe()
        complaints, their_complaints = os.pipe()
        line, their_line = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with their_line:
            try:
                descriptors = [their_out, their_complaints, spool, their_line.fileno()]
                socket.send_fds(self._control, [json.dumps(message).encode()], descriptors)
            except OSError:
                os.close(out)
                os.close(complaints)
                line.close()
                raise ParentGone from None
            finally:
                os.close(their_out)
                os.close(their_complaints)
        return Reading(self, out, complaints, line)


class Reading:
    """A file in the hands of a child: the child's output and complaints, and the line to the parent."""

    def __init__(self, parent: WarmParent, out: int, complaints: int, line: socket.socket):
        self.out, self.complaints, self.line = out, complaints, line
        self.exit_code: int | None = None
        self._parent = parent

    def learn_exit_code(self) -> None:
        """Once the line can be read. Raises ParentGone."""
        try:
            said = self.line.recv(MESSAGE_BYTES)
        except ConnectionError:
            said = b""
        if not said:
            raise ParentGone
        self.exit_code = int(said)

    def end(self) -> None:
        """Kill the child if it still runs, and wait until it is gone."""
        with self.line:
            if self.exit_code is None:
                self._hang_up()
        os.close(self.out)
        os.close(self.complaints)

    def _hang_up(self) -> None:
        self.line.settimeout(KILL_SECONDS)
        try:
            self.line.shutdown(socket.SHUT_WR)
            self.learn_exit_code()
        except TimeoutError:
            self._parent.end()
        except (OSError, ParentGone):
            return  # it died with its parent


_shared: dict[Kind, WarmParent] = {}
_starting = threading.Lock()


def shared(kind: Kind = "child") -> WarmParent:
    """This process's one; it is started when there is none, or none any more. Raises ExtractionError."""
    with _starting:
        if kind not in _shared or not _shared[kind].alive():
            _end(kind)
            _shared[kind] = WarmParent(kind)
        return _shared[kind]


def end_shared() -> None:
    for kind in list(_shared):
        _end(kind)


def _end(kind: Kind) -> None:
    if kind in _shared:
        _shared.pop(kind).end()
