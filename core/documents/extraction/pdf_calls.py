"""What pdfium is asked of single characters: called so often that what ctypes does for each call takes half the time.

The functions are those of pypdfium2, with plain addresses for what they are given. They never run Python code, so the
lock of the interpreter is kept meanwhile.
"""

import ctypes
import itertools
from collections import deque
from collections.abc import Iterable, Sequence

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium
from numpy.typing import NDArray


def _address(function: object) -> int:
    found = ctypes.cast(function, ctypes.c_void_p).value  # type: ignore[arg-type]
    assert found is not None
    return found


_loose_box = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)(
    _address(pdfium.FPDFText_GetLooseCharBox)
)
_has_no_character = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int)(
    _address(pdfium.FPDFText_HasUnicodeMapError)
)


def boxes(text_page: pypdfium2.PdfTextPage, places: Sequence[int]) -> NDArray[np.float32]:
    """Left, top, right and bottom of the characters at these places, as tall as their font."""
    found = np.empty((len(places), 4), dtype=np.float32)
    begin = found.ctypes.data
    each = range(begin, begin + found.nbytes, 16)
    deque(map(_loose_box, itertools.repeat(_address(text_page.raw)), places, each), maxlen=0)
    return found


def without_character(text_page: pypdfium2.PdfTextPage, places: Iterable[int]) -> int:
    """Of how many glyphs the file does not tell the character."""
    return sum(map(_has_no_character, itertools.repeat(_address(text_page.raw)), places))
