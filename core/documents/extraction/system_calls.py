"""The system calls that are refused to a process that reads a stranger's file, as a program for seccomp.

Numbers and values are the kernel's: linux/seccomp.h, linux/bpf_common.h, arch/x86/entry/syscalls/syscall_64.tbl, and
asm-generic/unistd.h, which is the table of aarch64.
"""

import struct
from functools import lru_cache

# A call's name, its number on x86_64 and on aarch64. A dash: there is no such call.
REFUSED = """
socket 41 198, socketpair 53 199, connect 42 203, bind 49 200, listen 50 201, accept 43 202, accept4 288 242,
sendto 44 206, sendmsg 46 211, sendmmsg 307 269,

execve 59 221, execveat 322 281, fork 57 -, vfork 58 -, setpgid 109 154, setsid 112 157, unshare 272 97,
setns 308 268, ptrace 101 117, process_vm_readv 310 270, process_vm_writev 311 271, process_madvise 440 440,
process_mrelease 448 448, kcmp 312 272, pidfd_open 434 434, pidfd_getfd 438 438, pidfd_send_signal 424 424,
tkill 200 130, rt_sigqueueinfo 129 138, rt_tgsigqueueinfo 297 240, setrlimit 160 164, setpriority 141 140,
ioprio_set 251 30, sched_setparam 142 118, sched_setscheduler 144 119, sched_setattr 314 274,
sched_setaffinity 203 122, migrate_pages 256 238, move_pages 279 239,

memfd_create 319 279, memfd_secret 447 447, shmget 29 194, shmat 30 196, shmctl 31 195, msgget 68 186,
msgsnd 69 189, msgrcv 70 188, msgctl 71 187, semget 64 190, semop 65 193, semtimedop 220 192, semctl 66 191,
mq_open 240 180, mq_unlink 241 181, mq_timedsend 242 182, mq_timedreceive 243 183, mq_notify 244 184,
add_key 248 217, request_key 249 218, keyctl 250 219,

chmod 90 -, fchmod 91 52, fchmodat 268 53, fchmodat2 452 452, chown 92 -, lchown 94 -, fchown 93 55,
fchownat 260 54, setxattr 188 5, lsetxattr 189 6, fsetxattr 190 7, removexattr 197 14, lremovexattr 198 15,
fremovexattr 199 16, utime 132 -, utimes 235 -, futimesat 261 -, utimensat 280 88, truncate 76 45,
open_by_handle_at 304 265, inotify_init 253 -, inotify_init1 294 26, fanotify_init 300 262,

io_uring_setup 425 425, io_uring_enter 426 426, io_uring_register 427 427, bpf 321 280, userfaultfd 323 282,
perf_event_open 298 241, mount 165 40, umount2 166 39, move_mount 429 429, open_tree 428 428, fsopen 430 430,
fsconfig 431 431, fsmount 432 432, fspick 433 433, mount_setattr 442 442, chroot 161 51, pivot_root 155 41,
quotactl 179 60, quotactl_fd 443 443, acct 163 89, swapon 167 224, swapoff 168 225, reboot 169 142,
sethostname 170 161, setdomainname 171 162, settimeofday 164 170, clock_settime 227 112, adjtimex 159 171,
clock_adjtime 305 266, syslog 103 116, vhangup 153 58, iopl 172 -, ioperm 173 -, modify_ldt 154 -,
init_module 175 105, finit_module 313 273, delete_module 176 106, kexec_load 246 104, kexec_file_load 320 294,
personality 135 92
"""
# What they are given decides.
LOOKED_AT = """
kill 62 129, tgkill 234 131, clone 56 220, prctl 157 167, fcntl 72 25, prlimit64 302 261, open 2 -, openat 257 56
"""
# Their arguments lie in memory, where a filter cannot look. A kernel that has no such call is what a library expects:
# it falls back to clone and openat.
UNREADABLE = "clone3 435 435, openat2 437 437"
INSTALL = "seccomp 317 277"
# The last call of these tables. To newer ones the answer is that of an older kernel, which has none of them.
NEWEST = 462
# Calls of a second table (x32) on x86_64.
SECOND_TABLE = 0x40000000
AUDIT_NUMBERS = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

CLONE_THREAD = 0x00010000
PR_SET_PDEATHSIG = 1
F_SETOWN, F_SETSIG, F_SETOWN_EX, F_NOTIFY = 8, 10, 15, 1026
O_TRUNC = 0o1000

LOAD, EQUAL, AT_LEAST, BITS, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, KILL, EPERM, ENOSYS = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026
NUMBER_AT, MACHINE_AT, ARGUMENTS_AT = 0, 4, 16
Step = tuple[int, int, int, int]  # operation, steps to skip where it holds and where it does not, value
REFUSE: Step = (RETURN, 0, 0, EPERM)


@lru_cache(maxsize=8)
def numbers(table: str, machine: str) -> dict[str, int]:
    """The calls of a table that the machine has."""
    column = list(AUDIT_NUMBERS).index(machine) + 1
    entries = (entry.split() for entry in table.split(","))
    return {entry[0]: int(entry[column]) for entry in entries if entry[column] != "-"}


def program(machine: str, pid: int) -> tuple[int, bytes]:
    """How many steps, and the steps, of the filter of process `pid`."""
    to_itself = [step for name in ("kill", "tgkill") for step in _looked_at(name, machine, _unless(0, pid))]
    code = _for_all(machine) + _packed([*to_itself, (RETURN, 0, 0, ALLOW)])
    return len(code) // 8, code


@lru_cache(maxsize=2)
def _for_all(machine: str) -> bytes:
    steps = [(LOAD, 0, 0, MACHINE_AT), (EQUAL, 1, 0, AUDIT_NUMBERS[machine]), (RETURN, 0, 0, KILL)]
    steps += [(LOAD, 0, 0, NUMBER_AT), (AT_LEAST, 0, 1, SECOND_TABLE), REFUSE]
    steps += [(AT_LEAST, 0, 1, NEWEST + 1), (RETURN, 0, 0, ENOSYS)]
    for number in numbers(REFUSED, machine).values():
        steps += [(EQUAL, 0, 1, number), REFUSE]
    for number in numbers(UNREADABLE, machine).values():
        steps += [(EQUAL, 0, 1, number), (RETURN, 0, 0, ENOSYS)]
    # A thread, and no process.
    steps += _looked_at("clone", machine, [_load(0), (BITS, 1, 0, CLONE_THREAD)])
    # It dies with its parent.
    steps += _looked_at("prctl", machine, [_load(0), (EQUAL, 0, 1, PR_SET_PDEATHSIG)])
    # A descriptor may have a signal sent to any process.
    asked = [(EQUAL, skip, 0, value) for skip, value in ((3, F_SETOWN), (2, F_SETSIG), (1, F_SETOWN_EX))]
    steps += _looked_at("fcntl", machine, [_load(1), *asked, (EQUAL, 0, 1, F_NOTIFY)])
    # Limits may be read, its own alone.
    steps += _looked_at("prlimit64", machine, _unless(0, 0))
    steps += _looked_at("prlimit64", machine, [(LOAD, 0, 0, _at(2) + 4), (EQUAL, 0, 2, 0), *_unless(2, 0)])
    # Landlock knows truncating since its third version.
    steps += _looked_at("open", machine, [_load(1), (BITS, 0, 1, O_TRUNC)])
    steps += _looked_at("openat", machine, [_load(2), (BITS, 0, 1, O_TRUNC)])
    return _packed(steps)


def _looked_at(name: str, machine: str, tests: list[Step]) -> list[Step]:
    """Refuse the call where the tests lead to the next step; they skip that one otherwise."""
    number = numbers(LOOKED_AT, machine).get(name)
    if number is None:
        return []
    return [(EQUAL, 0, len(tests) + 2, number), *tests, REFUSE, (LOAD, 0, 0, NUMBER_AT)]


def _unless(argument: int, value: int) -> list[Step]:
    return [_load(argument), (EQUAL, 1, 0, value)]


def _load(argument: int) -> Step:
    """Its lower half, all there is of a number of 32 bits."""
    return (LOAD, 0, 0, _at(argument))


def _at(argument: int) -> int:
    return ARGUMENTS_AT + 8 * argument


def _packed(steps: list[Step]) -> bytes:
    return b"".join(struct.pack("HBBI", operation, yes, no, value) for operation, yes, no, value in steps)
