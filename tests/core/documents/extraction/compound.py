"""Writes compound files (OLE), as Outlook saves mails in: folders of streams, all short enough for one mini stream."""

import struct
from collections.abc import Mapping
from typing import Union

Folder = Mapping[str, Union[bytes, "Folder"]]
FREE, END, NOBODY = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF
SECTOR, MINI = 512, 64


def compound(root: Folder) -> bytes:
    entries: list[bytearray] = []
    stream = bytearray()
    of_mini: list[int] = []

    def add(name: str, kind: int, start: int = END, size: int = 0) -> int:
        said = (name + "\0").encode("utf-16-le")
        entry = bytearray(128)
        entry[: len(said)] = said
        struct.pack_into("<HBBIII", entry, 64, len(said), kind, 1, NOBODY, NOBODY, NOBODY)
        struct.pack_into("<IQ", entry, 116, start, size)
        entries.append(entry)
        return len(entries) - 1

    def fill(parent: int, folder: Folder) -> None:
        link = parent, 76  # to the first inside, then from each to the next
        for name, inside in folder.items():
            if isinstance(inside, bytes):
                first, count = len(of_mini), -(-len(inside) // MINI)
                stream.extend(inside.ljust(count * MINI, b"\0"))
                of_mini.extend([*range(first + 1, first + count), END] if count else [])
                number = add(name, 2, first if count else END, len(inside))
            else:
                number = add(name, 1)
                fill(number, inside)
            struct.pack_into("<I", entries[link[0]], link[1], number)
            link = number, 72

    add("Root Entry", 5)
    fill(0, root)
    table = b"".join(struct.pack("<I", one) for one in of_mini)
    starts, fat = [], [0xFFFFFFFD]
    parts = [bytes(stream), table, bytes(128 * len(entries))]
    for part in parts:
        size = -(-len(part) // SECTOR)
        starts.append(len(fat) if size else END)
        fat += [*range(len(fat) + 1, len(fat) + size), END] if size else []
    assert len(fat) <= SECTOR // 4, "too large for one sector of the table"
    struct.pack_into("<IQ", entries[0], 116, starts[0], len(stream))
    parts[2] = b"".join(map(bytes, entries))
    header = bytearray(SECTOR)
    header[:8] = bytes.fromhex("d0cf11e0a1b11ae1")
    struct.pack_into("<HHHHH", header, 24, 0x3E, 3, 0xFFFE, 9, 6)
    minis = -(-len(table) // SECTOR)
    struct.pack_into("<IIIIIIIII", header, 44, 1, starts[2], 0, 4096, starts[1], minis, END, 0, 0)
    struct.pack_into("<108I", header, 80, *[FREE] * 108)
    struct.pack_into("<I", header, 76, 0)
    body = b"".join(part.ljust(-(-len(part) // SECTOR) * SECTOR, b"\0") for part in parts)
    return bytes(header) + struct.pack("<128I", *(fat + [FREE] * (128 - len(fat)))) + body
