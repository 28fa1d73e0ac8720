"""A zip that came with a mail: its files, as files that came with a mail."""

from email.message import Message
from io import BytesIO

from core.documents.extraction import archive, failures, mapi
from core.documents.extraction.archive import LeftOut
from core.documents.extraction.mapi import Attached


class _Held:
    def __init__(self, most: int) -> None:
        self.files: list[Attached] = []
        self._left, self._name, self._data = most, "", bytearray()

    def begin(self, name: str) -> None:
        self._name, self._data = name, bytearray()

    def write(self, data: bytes) -> None:
        self._left -= len(data)
        if self._left < 0:
            raise failures.too_large("its attachments are too large")
        self._data += data

    def end(self, *, keep: bool) -> None:
        if keep:
            self.files.append(Attached({mapi.LONG_NAME: self._name, mapi.DATA: bytes(self._data)}))


def message(data: bytes, most: int) -> tuple[Message, LeftOut]:
    """At most so many bytes; raises ExtractionError beyond, and as `archive.unpack`."""
    held = _Held(most)
    left_out = archive.unpack_file(BytesIO(data), most, held)
    return mapi.letter({}, held.files), left_out
