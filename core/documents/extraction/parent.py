"""The warm parent: a process that has the readers' libraries in memory and forks a child for each file.

`python -m core.documents.extraction.parent child`, with a socket as standard input. A message on it names a file and
brings four descriptors: for the child's output, for its complaints, for pictures, and a line to the one who asked. On
the line the parent writes how the child ended; when the line ends first, it kills the child. It ends when its socket
does. With `ocr_child` it has the libraries that recognize words, and its children are given pictures; with `page_child`
they draw pages.

What it has, its children have: no secret, no connection, one thread, and no descriptor but these.
"""

import gc
import os
import selectors
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from core.documents.extraction import child, ocr_child, page_child, sandbox
from core.documents.extraction.forked import Descriptors

READY = b"ready"
MESSAGE_BYTES = 1 << 16
CHILDREN = {"child": child, "ocr_child": ocr_child, "page_child": page_child}
NO_CHILD = 71  # the exit code that stands for a child that could not be started


def main() -> NoReturn:
    control = socket.socket(fileno=0)
    kind = CHILDREN[sys.argv[1]]
    kind.prepare()
    sandbox.prepare()
    gc.collect()
    gc.freeze()  # what the children share with us, their collector need not touch
    parent = Parent(control, kind.run)
    control.send(READY)
    while True:
        parent.look()


class Parent:
    def __init__(self, control: socket.socket, run: Callable[[bytes, Descriptors, int], NoReturn]):
        self._control, self._run = control, run
        self._pid = os.getpid()
        self._lines: dict[int, socket.socket] = {}
        self._selector = selectors.PollSelector()  # it needs no descriptor
        self._ended, notify = os.pipe()
        for end in (self._ended, notify):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(notify, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._when_readable(control, self._next_file)
        self._when_readable(self._ended, self._reap)

    def look(self) -> None:
        """Wait until there is something to do, and do it."""
        for key, _ in self._selector.select():
            if self._selector.get_map().get(key.fd) is key:  # the step before may have ended it
                key.data()

    def _when_readable(self, descriptor: socket.socket | int, do: Callable[[], None]) -> None:
        self._selector.register(descriptor, selectors.EVENT_READ, do)

    def _next_file(self) -> None:
        message, received, _, _ = socket.recv_fds(self._control, MESSAGE_BYTES, 4)
        if not message:
            os._exit(0)  # whoever started us is gone; the children die with us
        out, complaints, spool, line = received
        try:
            pid = os.fork()
        except OSError as error:
            os.write(complaints, f"no process could be started: {error.strerror}".encode())
            socket.socket(fileno=line).send(str(NO_CHILD).encode())
        else:
            if not pid:
                self._run(message, Descriptors(out, complaints, spool), self._pid)
            os.setpgid(pid, pid)
            self._lines[pid] = socket.socket(fileno=line)
            self._when_readable(self._lines[pid], lambda: self._kill(pid))
        for ours in (out, complaints, spool):
            os.close(ours)

    def _kill(self, pid: int) -> None:
        """`pid` is a child of ours for as long as it has a line, so the number is nobody else's."""
        self._selector.unregister(self._lines[pid])
        os.kill(pid, signal.SIGKILL)
        with suppress(ProcessLookupError):  # where there is no sandbox it may have started others
            os.killpg(pid, signal.SIGKILL)

    def _reap(self) -> None:
        os.read(self._ended, 1 << 10)
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                self._tell(ended[0], os.waitstatus_to_exitcode(ended[1]))

    def _tell(self, pid: int, exit_code: int) -> None:
        with self._lines.pop(pid) as line:
            if line.fileno() in self._selector.get_map():
                self._selector.unregister(line)
            with suppress(OSError):  # nobody waits for it any more
                line.send(str(exit_code).encode())


if __name__ == "__main__":
    main()
