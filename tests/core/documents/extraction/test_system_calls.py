"""The filter of system calls, run here step by step: it can be asked about any machine and any call."""

import re
import struct
from collections.abc import Sequence
from pathlib import Path

import pytest

from core.documents.extraction import system_calls
from core.documents.extraction.system_calls import ALLOW, ENOSYS, EPERM, KILL, NEWEST

PID, OTHER = 4711, 4712
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
TABLES = ", ".join((system_calls.REFUSED, system_calls.LOOKED_AT, system_calls.UNREADABLE, system_calls.INSTALL))


def answer(machine: str, number: int, arguments: Sequence[int] = (), calls_of: int | None = None) -> int:
    """What the kernel does with a call of the process."""
    asked = calls_of or system_calls.AUDIT_NUMBERS[machine]
    data = struct.pack("=IIQ6Q", number, asked, 0, *arguments, *[0] * (6 - len(arguments)))
    count, code = system_calls.program(machine, PID)
    steps = [struct.unpack_from("HBBI", code, 8 * at) for at in range(count)]
    at, held = 0, 0
    while True:
        operation, yes, no, value = steps[at]
        at += 1
        match operation:
            case system_calls.RETURN:
                return value
            case system_calls.LOAD:
                (held,) = struct.unpack_from("I", data, value)
            case system_calls.EQUAL:
                at += yes if held == value else no
            case system_calls.AT_LEAST:
                at += yes if held >= value else no
            case system_calls.BITS:
                at += yes if held & value else no


@pytest.mark.parametrize("machine", system_calls.AUDIT_NUMBERS)
def test_on_both_kinds_of_machine(machine: str) -> None:
    def asked(name: str, *arguments: int) -> int:
        return answer(machine, system_calls.numbers(TABLES, machine)[name], arguments)

    assert {asked(name) for name in system_calls.numbers(system_calls.REFUSED, machine)} == {EPERM}
    assert {asked(name) for name in ("clone3", "openat2")} == {ENOSYS}
    assert (asked("clone", 0x3D0F00), asked("clone", 17), asked("clone", 0x4000 | 17)) == (ALLOW, EPERM, EPERM)
    for name in ("kill", "tgkill"):
        assert (asked(name, PID, 9), asked(name, OTHER, 9), asked(name, 2**64 - 1, 9)) == (ALLOW, EPERM, EPERM)
    assert (asked("prctl", 1, 0), asked("prctl", 15)) == (EPERM, ALLOW)
    assert [asked("fcntl", 1, command) for command in (8, 10, 15, 1026)] == [EPERM] * 4
    assert [asked("fcntl", 1, command) for command in (0, 1, 2, 3, 4, 9, 1030)] == [ALLOW] * 7
    assert asked("prlimit64", 0, 9, 0, 1) == ALLOW
    assert [asked("prlimit64", *given) for given in ((0, 9, 1), (0, 9, 1 << 32), (OTHER, 9, 0, 1))] == [EPERM] * 3
    assert (asked("openat", 0, 0, 0o2000000), asked("openat", 0, 0, 0o2001000)) == (ALLOW, EPERM)
    assert answer(machine, NEWEST) == ALLOW
    assert (answer(machine, NEWEST + 1), answer(machine, 520)) == (ENOSYS, ENOSYS)


def test_what_is_of_one_machine_alone() -> None:
    numbers = system_calls.numbers(TABLES, "x86_64")
    assert (answer("x86_64", numbers["open"], (0, 0)), answer("x86_64", numbers["open"], (0, 0o1000))) == (ALLOW, EPERM)
    assert answer("x86_64", 0x40000000 + numbers["socket"]) == EPERM
    assert answer("x86_64", 0x40000000) == EPERM
    assert {answer("x86_64", 0, calls_of=of) for of in (0x40000003, 0xC00000B7)} == {KILL}
    assert {answer("aarch64", 63, calls_of=of) for of in (0x40000028, 0xC000003E)} == {KILL}
    assert not {"fork", "vfork", "open"} & system_calls.numbers(TABLES, "aarch64").keys()


@pytest.mark.parametrize("machine", [machine for machine, path in HEADERS.items() if path.exists()])
def test_the_numbers_are_the_kernels(machine: str) -> None:
    found = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", HEADERS[machine].read_text())
    kernels = {name: int(number) for name, number in found}
    ours = system_calls.numbers(TABLES, machine)
    assert {name: kernels.get(name, number) for name, number in ours.items()} == ours
    assert not [entry for entry in TABLES.split(",") if entry.split()[0] in kernels and entry.split()[0] not in ours]
