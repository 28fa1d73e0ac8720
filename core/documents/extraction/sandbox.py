"""What the process that reads a stranger's file may do: read that file and the interpreter's libraries, and no more.

Landlock closes the file system and TCP, seccomp closes sockets, programs, processes, signals to others and the ways
round them. Neither needs root or a package. What is refused answers EPERM, so that a library falls back instead of
dying. Numbers are the kernel's (linux/landlock.h, linux/seccomp.h, linux/bpf_common.h, the tables of system calls).
"""

import ctypes
import os
import platform
import struct
import sys
import sysconfig
from functools import lru_cache
from pathlib import Path

from core.errors import CairnError

NO_NEW_PRIVS = 38
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
SECCOMP_SET_MODE_FILTER = 1
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
    missing()
    _libraries()


@lru_cache(maxsize=1)
def missing() -> str:
    """What keeps this machine from having the sandbox; empty where it has it."""
    if sys.platform != "linux" or platform.machine() not in NUMBERS:
        return f"Readers of files have no sandbox on {platform.system()} {platform.machine()}."
    if _libc().syscall(LANDLOCK_CREATE, None, 0, 1) < 1:
        return "This kernel has no Landlock, so readers of files have no sandbox. Linux 5.13 or newer has it."
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


# The calls that are refused, and their numbers on each kind of machine; x86_64 has old forms of some besides.
CALLS = (
    "socket socketpair connect bind listen accept accept4 sendto sendmsg sendmmsg execve execveat ptrace "
    "process_vm_readv process_vm_writev tkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_send_signal pidfd_open "
    "pidfd_getfd io_uring_setup bpf userfaultfd perf_event_open keyctl add_key request_key mount umount2 unshare "
    "setns chroot pivot_root open_by_handle_at init_module kexec_load memfd_create shmget msgget semget "
    "fchmod fchmodat fchmodat2 fchown fchownat setxattr lsetxattr fsetxattr utimensat"
).split()
X86_64 = (
    41, 53, 42, 49, 50, 43, 288, 44, 46, 307, 59, 322, 101, 310, 311, 200, 129, 297, 424, 434,
    438, 425, 321, 323, 298, 250, 248, 249, 165, 166, 272, 308, 161, 155, 304, 175, 246, 319, 29, 68, 64,
    91, 268, 452, 93, 260, 188, 189, 190, 280, 90, 92, 94, 132, 235,
)  # fmt: skip
AARCH64 = (
    198, 199, 203, 200, 201, 202, 242, 206, 211, 269, 221, 281, 117, 270, 271, 130, 138, 240, 424, 434,
    438, 425, 280, 282, 241, 219, 217, 218, 40, 39, 97, 268, 51, 41, 265, 105, 104, 279, 194, 186, 190,
    52, 53, 452, 55, 54, 5, 6, 7, 88,
)  # fmt: skip
# Besides: seccomp itself, kill and tgkill (to itself they may go), fork and vfork, clone (a thread it may be), clone3.
NUMBERS = {
    "x86_64": (0xC000003E, X86_64, {"seccomp": 317, "kill": 62, "tgkill": 234, "fork": 57, "vfork": 58, "clone": 56}),
    "aarch64": (0xC00000B7, AARCH64, {"seccomp": 277, "kill": 129, "tgkill": 131, "clone": 220}),
}
CLONE3, CLONE_THREAD = 435, 0x00010000
LOAD, EQUAL, AT_LEAST, BITS, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, KILL, EPERM, ENOSYS = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026
NUMBER_AT, MACHINE_AT, FIRST_ARGUMENT_AT = 0, 4, 16
# Calls of a second table (x32) on the same machine.
SECOND_TABLE = 0x40000000


def _restrict_calls() -> None:
    machine, refused, named = NUMBERS[platform.machine()]
    program = [(LOAD, 0, 0, MACHINE_AT), (EQUAL, 1, 0, machine), (RETURN, 0, 0, KILL), (LOAD, 0, 0, NUMBER_AT)]
    program += [(AT_LEAST, 0, 1, SECOND_TABLE), (RETURN, 0, 0, EPERM)]
    for number in (*refused, *(named[name] for name in ("fork", "vfork") if name in named)):
        program += [(EQUAL, 0, 1, number), (RETURN, 0, 0, EPERM)]
    # The C library falls back to clone, whose flags can be looked at.
    program += [(EQUAL, 0, 1, CLONE3), (RETURN, 0, 0, ENOSYS)]
    program += [(EQUAL, 0, 3, named["clone"]), (LOAD, 0, 0, FIRST_ARGUMENT_AT), (BITS, 1, 0, CLONE_THREAD)]
    program += [(RETURN, 0, 0, EPERM), (LOAD, 0, 0, NUMBER_AT)]
    for name in ("kill", "tgkill"):
        program += [(EQUAL, 0, 3, named[name]), (LOAD, 0, 0, FIRST_ARGUMENT_AT), (EQUAL, 1, 0, os.getpid())]
        program += [(RETURN, 0, 0, EPERM), (LOAD, 0, 0, NUMBER_AT)]
    program += [(RETURN, 0, 0, ALLOW)]
    code = b"".join(struct.pack("HBBI", operation, yes, no, value) for operation, yes, no, value in program)
    kept = ctypes.create_string_buffer(code)
    pointer = struct.pack("HxxxxxxP", len(program), ctypes.addressof(kept))
    _checked(_libc().syscall(named["seccomp"], SECCOMP_SET_MODE_FILTER, 0, pointer))
