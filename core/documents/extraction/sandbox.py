"""What the process that reads a stranger's file may do: read that file and the interpreter's libraries, and no more.

Landlock closes the file system and TCP, seccomp closes sockets, programs, processes, signals to others and the ways
round them. Neither needs root or a package. What is refused answers EPERM, so that a library falls back instead of
dying. Numbers are the kernel's (linux/landlock.h, linux/seccomp.h).
"""

import ctypes
import os
import platform
import struct
import sys
import sysconfig
from functools import lru_cache
from pathlib import Path

from core.documents.extraction import system_calls
from core.errors import CairnError

NO_NEW_PRIVS = 38
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
SECCOMP_SET_MODE_FILTER, SECCOMP_GET_ACTION_AVAIL = 1, 2
READ_FILE, READ_DIR = 1 << 2, 1 << 3
# All rights over files that a kernel's version of Landlock knows: 13 at first, then REFER, TRUNCATE and IOCTL_DEV.
FILE_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
ALL_FILE_RIGHTS = (1 << 16) - 1
BIND_AND_CONNECT_TCP = 0b11
SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11


class SandboxMissing(CairnError):
    """This kernel has no sandbox for the readers of files."""

    code = "SANDBOX_MISSING"


def enter(path: Path) -> None:
    """Close this process for good, but for reading `path`. Before its first thread. Raises SandboxMissing."""
    if missing():
        raise SandboxMissing(missing())
    _checked(_libc().prctl(NO_NEW_PRIVS, 1, 0, 0, 0))
    _restrict_files(path)
    _restrict_calls()


def prepare() -> None:
    """Find out now what `enter` needs, for the processes that are forked from this one."""
    if not missing():
        _libraries()
        system_calls.program(platform.machine(), os.getpid())


@lru_cache(maxsize=1)
def missing() -> str:
    """What keeps this machine from having the sandbox; empty where it has it."""
    if sys.platform != "linux" or platform.machine() not in system_calls.AUDIT_NUMBERS or sys.maxsize < 1 << 32:
        return f"Readers of files have no sandbox on {platform.system()} {platform.machine()}."
    if _libc().syscall(LANDLOCK_CREATE, None, 0, 1) < 1:
        return "This kernel has no Landlock, so readers of files have no sandbox. Linux 5.13 or newer has it."
    killing = ctypes.byref(ctypes.c_uint32(system_calls.KILL))
    if _libc().syscall(_seccomp(), SECCOMP_GET_ACTION_AVAIL, 0, killing) != 0:
        return "This kernel has no seccomp filters, so readers of files have no sandbox."
    return ""


@lru_cache(maxsize=1)
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise SandboxMissing(f"The sandbox for readers of files could not be set up: {os.strerror(number)}.")
    return result


def _restrict_files(path: Path) -> None:
    version = _libc().syscall(LANDLOCK_CREATE, None, 0, 1)
    tcp = BIND_AND_CONNECT_TCP if version >= 4 else 0
    scope = SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS if version >= 6 else 0
    handled = struct.pack("QQQ", FILE_RIGHTS.get(version, ALL_FILE_RIGHTS), tcp, scope)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    rules = _checked(_libc().syscall(LANDLOCK_CREATE, handled, size, 0))
    for place in (path, *_libraries(), Path(f"/proc/{os.getpid()}")):
        _may_read(rules, place)
    _checked(_libc().syscall(LANDLOCK_RESTRICT, rules, 0))
    os.close(rules)


def _may_read(rules: int, place: Path) -> None:
    try:
        opened = os.open(place, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    rights = READ_FILE | READ_DIR if place.is_dir() else READ_FILE
    _checked(_libc().syscall(LANDLOCK_ADD, rules, 1, struct.pack("=Qi", rights, opened), 0))
    os.close(opened)


@lru_cache(maxsize=1)
def _libraries() -> tuple[Path, ...]:
    """The interpreter's and the packages', Cairn's own code, and what the C library reads. A place inside another is
    left out.

    Not the folder that holds Cairn, though it is on the path: data may lie in it.
    """
    root = Path(__file__).resolve().parents[3]
    packages = [Path(place).resolve() for place in (*sysconfig.get_paths().values(), *sys.path) if place]
    system = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share/zoneinfo", "/etc/ld.so.cache")
    devices = ("/dev/null", "/dev/zero", "/dev/urandom", "/proc/meminfo", "/proc/cpuinfo")
    kernel = ("/sys/devices/system/cpu", "/sys/fs/cgroup", "/etc/localtime")
    named = (f"{sys.base_prefix}/lib", *system, *devices, *kernel)
    ours = (root / "core", *(place for place in packages if place not in (root, *root.parents)))
    places = {place.resolve() for place in (*ours, *map(Path, named)) if place.exists()}
    return tuple(sorted(place for place in places if places.isdisjoint(place.parents)))


def _restrict_calls() -> None:
    steps, code = system_calls.program(platform.machine(), os.getpid())
    kept = ctypes.create_string_buffer(code)
    pointer = struct.pack("HxxxxxxP", steps, ctypes.addressof(kept))
    _checked(_libc().syscall(_seccomp(), SECCOMP_SET_MODE_FILTER, 0, pointer))


def _seccomp() -> int:
    return system_calls.numbers(system_calls.INSTALL, platform.machine())["seccomp"]
