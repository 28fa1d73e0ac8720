"""What pages tell of documents that are asked in parts."""

import re
from typing import Any

import pytest

from tests.local_provider import LocalProvider
from tests.pages.seeing import show
from tests.pipeline import add_document, make_job, run_job

LONG = "Two pumps failed in winter and were replaced at once.\n\n" * 700
pytestmark = pytest.mark.usefixtures("database")


def captions(page: str, **query: str) -> list[str]:
    return [caption.value for caption in show(page, **query).caption]


def test_analyse_tells_of_documents_that_are_asked_in_parts(openai: LocalProvider, setting: Any) -> None:
    setting(DEFAULT_MODEL_OPENAI="gpt-4")
    add_document("Short. Really.")
    assert not any("in parts" in caption for caption in captions("analyse"))
    add_document(LONG)
    assert any("reads at once: 1 document. Each is asked in parts" in caption for caption in captions("analyse"))


def test_an_answer_tells_which_part_it_is_of(openai: LocalProvider) -> None:
    job = make_job([add_document(LONG)], "summarize", provider="openai", model="gpt-4")
    run_job(job)
    told = "\n".join(markdown.value for markdown in show("job", id=job).markdown)
    assert re.findall(r"of part \d", told) == ["of part 2", "of part 1"]
