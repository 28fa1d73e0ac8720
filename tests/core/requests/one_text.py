"""A text that is asked in a process of its own, which prints whether the answer was there already."""

import asyncio
import sys

from core.live import single_text

if __name__ == "__main__":
    print(asyncio.run(single_text.process("summarize", sys.argv[1], {}, "openai", "gpt-5-mini")).reused)
