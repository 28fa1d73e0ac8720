"""What code in a reader's place may do: read its file and the libraries, and nothing else."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from core.documents.extraction import sandbox
from core.documents.extraction.process import ExtractionLimits
from core.errors import ExtractionError
from core.health import readings
from core.samples import SampleFile, files
from tests.core.documents.extraction.making import read, saved

ROOT = Path(__file__).resolve().parents[4]
pytestmark = pytest.mark.skipif(bool(sandbox.missing()), reason=sandbox.missing())
# Each is run in a process of its own; OSError is what must come.
ATTACKS = {
    "secret": "open(SECRET).read()",
    "list the data": "os.listdir(os.path.dirname(SECRET))",
    "another's environment": "open(f'/proc/{os.getppid()}/environ').read()",
    "passwords": "open('/etc/passwd').read()",
    "write beside": "open(SECRET + '.new', 'w')",
    "write its file": "open(FILE, 'a')",
    "truncate its file": "os.truncate(FILE, 0)",
    "delete its file": "os.unlink(FILE)",
    "its file's mode": "os.chmod(FILE, 0o777)",
    "its file's owner": "os.chown(FILE, 1, 1)",
    "a temporary file": "open('/tmp/cairn-escape', 'w')",
    "a link": "os.symlink(SECRET, '/tmp/cairn-escape')",
    "a file in memory": "os.memfd_create('code')",
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
    "kill": "os.kill(os.getppid(), 9)",
    "kill its group": "os.killpg(os.getpgrp(), 9)",
    "signal by descriptor": "os.pidfd_open(os.getppid())",
    "ptrace": "check(LIBC.ptrace(16, os.getppid(), 0, 0))",
    "another's memory": "check(LIBC.process_vm_readv(os.getppid(), 0, 0, 0, 0, 0))",
    "namespace": "check(LIBC.unshare(0x10000000))",
    "mount": "check(LIBC.mount(b'none', b'/mnt', b'tmpfs', 0, None))",
    "change root": "os.chroot('/')",
    "shared memory": "check(LIBC.shmget(0, 4096, 0o1600))",
}
PLACE = """
import ctypes, os, socket, subprocess, sys, json, threading
from pathlib import Path
from core.documents.extraction import sandbox
FILE, SECRET, UNIX, PORT = json.loads(sys.argv[1])
LIBC = ctypes.CDLL(None, use_errno=True)
def check(result):
    if result == -1:
        raise OSError(ctypes.get_errno(), "refused")
sandbox.enter(Path(FILE))
assert open(FILE).read() == "the file"
thread = threading.Thread(target=lambda: print("a thread may run"))
thread.start(); thread.join()
for name, attack in json.loads(sys.argv[2]).items():
    try:
        exec(attack)
    except OSError as error:
        print("refused:", name)
    else:
        print("OPEN:", name)
os.kill(os.getpid(), 0)
print("end")
"""


def test_code_in_a_readers_place_reaches_nothing(tmp_path: Path) -> None:
    file, secret, unix = tmp_path / "in.txt", tmp_path / "data" / "secret.key", tmp_path / "postgres.sock"
    file.write_text("the file")
    secret.parent.mkdir()
    secret.write_text("the key")
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as local:
        local.bind(str(unix))
        local.listen()
        places = [str(file), str(secret), str(unix), server.getsockname()[1]]
        done = subprocess.run(
            [sys.executable, "-c", PLACE, json.dumps(places), json.dumps(ATTACKS)],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
    assert done.stdout.splitlines() == ["a thread may run", *(f"refused: {name}" for name in ATTACKS), "end"], done
    assert (file.read_text(), secret.read_text()) == ("the file", "the key")
    assert psutil.pid_exists(os.getpid())
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
