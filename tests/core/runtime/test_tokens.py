import threading
import time

import bpe_openai
import pytest

from core.runtime import tokens

PROSE = (
    "The northern plant lost 11 % of its output – “why?”, asked Zoë.\n\n\tIndented, and 契約は三月に終了します。\r\n"
)


@pytest.mark.parametrize(
    "text", ["", "hello world", "<|endoftext|>", PROSE, PROSE * 3000, "\n\n a\n\n\n/b\n 1\n" * 9000]
)
def test_as_openai_counts(text: str) -> None:
    assert tokens.count(text) == len(bpe_openai.get_encoding("o200k_base").encode_ordinary(text))


@pytest.mark.parametrize("unit", [PROSE, "a", "\t", "漢字"])
def test_three_megabytes_are_counted(unit: str) -> None:
    """What grows faster than the text would not come to an end."""
    text = unit * (3_000_000 // len(unit))
    assert 0 < tokens.count(text) <= len(text)


def test_other_threads_go_on_meanwhile() -> None:
    tokens.count("")
    over, longest = threading.Event(), 0.0

    def watch() -> None:
        nonlocal longest
        while not over.is_set():
            started = time.perf_counter()
            time.sleep(0.001)
            longest = max(longest, time.perf_counter() - started)

    watching = threading.Thread(target=watch)
    watching.start()
    started = time.perf_counter()
    tokens.count(PROSE * 100_000)
    counting = time.perf_counter() - started
    over.set()
    watching.join()
    assert longest < counting / 2
