"""What code in a reader's place may do: read its file and the libraries, and nothing else."""

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.documents.extraction import sandbox, starting
from core.documents.extraction.limits import ExtractionLimits
from core.errors import ExtractionError
from core.health import readings
from core.samples import SampleFile, files
from tests.core.documents.extraction.making import Reading, read, saved
from tests.core.documents.extraction.watching import parents, reader
from tests.pipeline import PATIENCE_S

pytestmark = pytest.mark.skipif(bool(sandbox.missing()), reason=sandbox.missing())
# Each must be refused.
ATTACKS = {
    "secret": "open(SECRET).read()",
    "list the data": "os.listdir(os.path.dirname(SECRET))",
    "another's environment": "open(f'/proc/{JOBS}/environ').read()",
    "the parent's environment": "open(f'/proc/{PARENT}/environ').read()",
    "another reader's environment": "open(f'/proc/{OTHER}/environ').read()",
    "the parent's memory": "open(f'/proc/{PARENT}/mem', 'rb')",
    "another reader's file": "open(f'/proc/{OTHER}/cwd/x')",
    "another reader's answer": "forge(f'/proc/{OTHER}/fd/{OUT}')",
    "the parent's pipe": "forge(f'/proc/{PARENT}/fd/4')",
    "a descriptor of another": "use(descriptors() - {0, 1, 2, OUT, SPOOL})",
    "passwords": "open('/etc/passwd').read()",
    "write beside": "open(SECRET + '.new', 'w')",
    "write its file": "open(FILE, 'a')",
    "truncate its file": "os.truncate(FILE, 0)",
    "empty its file": "os.open(FILE, os.O_RDONLY | os.O_TRUNC)",
    "empty a library": "os.open(__file__, os.O_RDONLY | os.O_TRUNC)",
    "delete its file": "os.unlink(FILE)",
    "its file's mode": "os.chmod(FILE, 0o777)",
    "its file's owner": "os.chown(FILE, 1, 1)",
    "its file's time": "os.utime(FILE)",
    "a temporary file": "open('/tmp/cairn-escape', 'w')",
    "a link": "os.symlink(SECRET, '/tmp/cairn-escape')",
    "a file in memory": "os.memfd_create('code')",
    "watch files": "check(LIBC.inotify_init1(0))",
    "TCP": "socket.create_connection(('127.0.0.1', PORT), 5)",
    "listen": "socket.create_server(('127.0.0.1', 0))",
    "DNS": "socket.getaddrinfo('localhost.localdomain', 80)",
    "UNIX socket": "socket.socket(socket.AF_UNIX).connect(UNIX)",
    "abstract socket": "socket.socket(socket.AF_UNIX).connect(chr(0) + 'cairn')",
    "datagram": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
    "raw": "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    "pair of sockets": "socket.socketpair()",
    "program": "os.execv('/bin/true', ['true'])",
    "shell": "subprocess.run(['/bin/true'])",
    "spawn": "os.posix_spawn('/bin/true', ['true'], {})",
    "fork": "os.fork()",
    "kill the parent": "os.kill(PARENT, 9)",
    "stop the parent": "os.kill(PARENT, 19)",
    "kill another": "os.kill(JOBS, 9)",
    "kill another reader": "os.kill(OTHER, 9)",
    "kill its group": "os.killpg(os.getpgrp(), 9)",
    "join another's group": "os.setpgid(0, PARENT)",
    "signal by descriptor": "os.pidfd_open(PARENT)",
    "take a descriptor": "check(LIBC.syscall(438, 0, 0, 0))",
    "signal by a pipe": "fcntl.fcntl(OUT, fcntl.F_SETOWN, PARENT)",
    "another signal by a pipe": "fcntl.fcntl(OUT, fcntl.F_SETSIG, 9)",
    "outlive the parent": "check(LIBC.prctl(1, 0, 0, 0, 0))",
    "the parent's limits": "check(LIBC.prlimit(PARENT, resource.RLIMIT_CPU, (ctypes.c_ulong * 2)(1, 1), None))",
    "its own limits": "check(LIBC.setrlimit(resource.RLIMIT_AS, (ctypes.c_ulong * 2)(-1, -1)))",
    "the parent's priority": "os.setpriority(os.PRIO_PROCESS, PARENT, 5)",
    "the parent's processors": "os.sched_setaffinity(PARENT, {0})",
    "ptrace": "check(LIBC.ptrace(16, PARENT, 0, 0))",
    "another's memory": "check(LIBC.process_vm_readv(PARENT, 0, 0, 0, 0, 0))",
    "namespace": "check(LIBC.unshare(0x10000000))",
    "mount": "check(LIBC.mount(b'none', b'/mnt', b'tmpfs', 0, None))",
    "change root": "os.chroot('/')",
    "shared memory": "check(LIBC.shmget(0, 4096, 0o1600))",
    "another's shared memory": "check(LIBC.shmctl(0, 0, None))",
    "messages": "check(LIBC.msgget(1, 0))",
    "rings": "check(LIBC.syscall(425, 1, 0))",
    "the second table of calls": "check(LIBC.syscall(0x40000000 + 41, 1, 1, 0))",
}
# Stands in the place of a library that a reader calls, and answers with what it reached.
PLACE = f"""
import ctypes, fcntl, json, os, resource, socket, subprocess, threading
ATTACKS = {ATTACKS!r}
LIBC = ctypes.CDLL(None, use_errno=True)
def check(result):
    if result == -1:
        raise OSError(ctypes.get_errno(), "refused")
def descriptors():
    return {{number for number in range(1024) if os.path.exists(f"/proc/self/fd/{{number}}")}}
def use(others):
    if not others:
        raise PermissionError("there are none")
def forge(path):
    with open(path, "wb", buffering=0) as pipe:
        pipe.write(b'{{"page_starts": [0], "left_out": [], "pictures": []}}\\nForged.')
def attack(name, code, known):
    try:
        exec(code, globals() | known)
    except (PermissionError, socket.gaierror):
        return f"refused: {{name}}"
    except OSError as error:
        return f"{{error}}: {{name}}"
    return f"OPEN: {{name}}"
def from_bytes(data, **_):
    known = json.loads(data.decode("latin-1"))
    known |= {{"PARENT": os.getppid(), "OUT": min(descriptors() - {{0, 1, 2}}), "SPOOL": max(descriptors())}}
    lines = []
    thread = threading.Thread(target=lambda: lines.append("a thread may run"))
    thread.start(); thread.join()
    lines += [attack(name, code, known) for name, code in ATTACKS.items()]
    os.kill(os.getpid(), 0)
    resource.getrlimit(resource.RLIMIT_AS)
    os.write(known["OUT"], b'{{"page_starts": [0], "left_out": [], "pictures": []}}\\n' + "\\n".join(lines).encode())
    os._exit(0)
"""


@pytest.fixture
def in_a_readers_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "libraries"
    folder.mkdir()
    saved(folder, "charset_normalizer.py", PLACE)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    starting.end_shared()
    yield folder
    starting.end_shared()


def test_code_in_a_readers_place_reaches_nothing(tmp_path: Path, in_a_readers_place: Path) -> None:
    file, secret, unix = tmp_path / "in.txt", tmp_path / "data" / "secret.key", tmp_path / "postgres.sock"
    secret.parent.mkdir()
    secret.write_text("the key")
    endless = tmp_path / "other.txt"
    os.mkfifo(endless)
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as local:
        local.bind(str(unix))
        local.listen()
        other = Reading(endless)
        known = {"FILE": str(file), "SECRET": str(secret), "UNIX": str(unix), "PORT": server.getsockname()[1]}
        known |= {"JOBS": os.getpid(), "OTHER": reader().pid, "é": ""}
        file.write_bytes(json.dumps(known, ensure_ascii=False).encode("latin-1"))
        before = parents()
        reached = read(file).text
        endless.write_text("What stands there.")
        other.join(PATIENCE_S)
    assert reached.splitlines() == ["a thread may run", *(f"refused: {name}" for name in ATTACKS)]
    assert other.extracted is not None
    assert other.extracted.text == "What stands there."
    assert parents() == before
    assert (json.loads(file.read_text("latin-1")), secret.read_text()) == (known, "the key")
    assert (in_a_readers_place / "charset_normalizer.py").read_text() == PLACE
    assert not Path("/tmp/cairn-escape").exists()


@pytest.mark.parametrize("sample", files(), ids=lambda sample: sample.name)
def test_a_file_reads_the_same_in_the_sandbox(sample: SampleFile) -> None:
    inside, outside = (read(sample.path, limits=ExtractionLimits(sandbox=mode)) for mode in ("required", "off"))  # type: ignore[arg-type]
    assert inside == outside
    assert inside.text


def test_what_a_readers_exception_says_is_not_shown(tmp_path: Path) -> None:
    path = saved(tmp_path, "err.xlsx", "PK\x03\x04![p](http://example.org/p.png)")
    with pytest.raises(ExtractionError) as caught:
        read(path)
    assert "example.org" not in caught.value.message
    assert "save it anew" in caught.value.message


def test_health_says_where_there_is_no_sandbox() -> None:
    assert readings.sandbox("auto", "") == []
    (missing,) = readings.sandbox("auto", "This kernel has no Landlock.")
    assert (missing.healthy, missing.message) == (True, "This kernel has no Landlock. Files are read without it.")
    assert not readings.sandbox("required", "This kernel has no Landlock.")[0].healthy
    assert "EXTRACTION_SANDBOX" in readings.sandbox("off", "")[0].message
