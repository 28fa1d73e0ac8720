"""Tokens of a text as OpenAI's o200k_base counts them, without a network.

The counter is the Rust extension inside bpe-openai, loaded without its Python package: importing that reads three
vocabularies nobody needs here (0.5 s and 70 MB in every process), and its `encode_ordinary` refuses long texts.
"""

import importlib.util
import sys
import threading
from functools import lru_cache
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bpe_openai._bindings import PyTokenizer

# The extension holds the GIL while it counts; a slice of this size takes it for some 5 ms.
SLICE = 1 << 16
LONGEST_SLICE = 1 << 20
_EXTENSION = "bpe_openai._bindings"
_loading = threading.Lock()


def count(text: str) -> int:
    with _loading:
        tokenizer = _tokenizer()
    total = start = 0
    while start < len(text):
        end = _slice_end(text, start)
        total += tokenizer.count(text[start:end])
        start = end
    return total


def _slice_end(text: str, start: int) -> int:
    """A place where no token can reach across: after a line's end and before a letter or digit.

    Where there is none for long, a cut anywhere, which is off by a token or two.
    """
    end, last = start + SLICE, start + LONGEST_SLICE
    while True:
        end = text.find("\n", end, last) + 1
        if not end:
            return min(len(text), last)
        if end < len(text) and text[end].isalnum():
            return end


@lru_cache(maxsize=1)
def _tokenizer() -> "PyTokenizer":
    if _EXTENSION not in sys.modules:
        package = importlib.util.find_spec("bpe_openai")
        spec = PathFinder.find_spec(_EXTENSION, package.submodule_search_locations if package else None)
        if spec is None or spec.loader is None:
            raise ImportError("bpe-openai is not installed. Install the requirements.")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        sys.modules[_EXTENSION] = module
    tokenizer: PyTokenizer = sys.modules[_EXTENSION].tokenizer_for_encoding("o200k_base")
    return tokenizer
