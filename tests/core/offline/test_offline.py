import os
import subprocess
import sys

PROGRAM = """
import json, sys
import core.offline
heavy = [name for name in ("numpy", "snowballstemmer", "vaderSentiment", "sklearn") if name in sys.modules]
from tests.core.offline.test_built_in import LEASE, REPORT
told = [core.offline.answer(operation, text, {"question": "Who pays for the portal?"}).result
        for text in (REPORT, LEASE) for operation in ("summarize", "sentiment", "key_points", "questions", "qa")]
print(json.dumps({"heavy": heavy, "told": told}))
"""


def run(hash_seed: str) -> str:
    environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.getcwd()}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def test_importing_is_cheap_and_answers_are_the_same_in_every_process() -> None:
    first = run("1")
    assert '"heavy": []' in first
    assert first == run("2")
