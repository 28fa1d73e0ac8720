"""Token counts, offline, by OpenAI's o200k_base. Other tokenizers differ by some percent; estimates say so."""

from functools import lru_cache
from typing import Any


@lru_cache(maxsize=1)
def _encoding() -> Any:
    import bpe_openai

    return bpe_openai.get_encoding("o200k_base")


def count(text: str) -> int:
    # `encode_ordinary`: a document that holds "<|endoftext|>" must not change how it is counted.
    return len(_encoding().encode_ordinary(text))
