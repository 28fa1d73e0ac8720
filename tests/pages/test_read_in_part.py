"""What pages say of documents that were read in part, and how they are read again."""

import json
import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from core.documents import read_again, report, warnings
from core.documents.report import SumUp
from core.jobs import launch
from core.jobs.launch import JobSpec
from core.runtime import worker_lease
from core.tables.documents import warnings_of
from pages.common import formats, widgets
from pages.documents.table import missing, state_of
from tests.pages.seeing import buttons, links, press, show, words
from tests.pipeline import add_document, change, make_job, rows, run_job

pytestmark = pytest.mark.usefixtures("database")
FOUND = [{"code": "PAGES_WITHOUT_TEXT", "count": 8, "pages": [2, 3, 4, 5, 6, 7, 8, 9]}]


def read_in_part(found: Any = FOUND, text: str = "A page that has text.") -> str:
    document = add_document(text)
    change(
        "UPDATE document SET warnings = CAST(:found AS jsonb) WHERE id = :id",
        found=None if found is None else json.dumps(found),
        id=document,
    )
    return document


def test_a_documents_page_says_what_it_does_not_hold() -> None:
    stored = warnings_of(FOUND)
    assert stored is not None
    at = show("document", id=read_in_part())
    assert "8 pages without text" in words(at).replace("\\", "")
    assert "pages 2–9" in words(at).replace("\\", "")
    assert warnings.ALL in words(show("document", id=add_document("All of it.")))
    assert warnings.NOT_KNOWN in words(show("document", id=read_in_part(None, "Read before Cairn told.")))


def test_a_document_is_read_again_by_a_button_and_says_so() -> None:
    document = read_in_part(None)
    at = press(show("document", id=document), "Read again")
    assert "being read again" in words(at)
    assert "Read again" not in buttons(at)
    change("UPDATE blob_chunk SET data = decode(repeat('01', octet_length(data)), 'hex')")
    read_again.read_next(worker_lease.register("test"), threading.Event())
    at = show("document", id=document)
    assert "could not be read again" in words(at)
    assert "Read again" in buttons(at)
    (row,) = report.by_ids([document])
    assert f"Reference: {row.again_correlation_id}" in words(at).replace("\\", "")
    assert state_of(row) == f"ready, not read again: {row.again_error_message}"


def test_a_list_has_a_sign_for_each_and_finds_them() -> None:
    shown = {}
    for found in (FOUND, [], None):
        document = read_in_part(found, f"Text {found}")
        (row,) = report.by_ids([document])
        shown[missing(row)] = document
    assert list(shown) == ["⚠ 8 pages without text", "", "? not known"]
    assert "1 fit the filters" in words(show("documents", warnings="in part"))
    assert "1 fit the filters" in words(show("documents", warnings="not known"))


def test_all_that_the_filters_find_are_read_again_once_that_is_confirmed() -> None:
    read_in_part(None, "One."), read_in_part(None, "Two."), add_document("Read just now.")
    at = press(show("documents", warnings="not known"), "Read all again")
    assert "Read **2 documents** again" in words(at)
    assert rows("SELECT 1 FROM read_again") == []
    read_again.ask_all(report.Filters(warnings="unknown"))  # AppTest runs no button of a dialog
    assert len(rows("SELECT 1 FROM read_again")) == 2


def test_those_that_are_selected_are_read_again() -> None:
    read_in_part(None)
    at = show("documents")
    key = widgets.rows_key("documents", report.find().items)
    at.session_state[key] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    at = press(at.run(), "Read again (1)")
    assert "Read **1 document** again" in words(at)


def test_analyse_sums_up_what_was_read_in_part_before_anything_is_paid() -> None:
    read_in_part(), read_in_part(None, "Read before Cairn told."), add_document("All of it.")
    draft = launch.create(JobSpec("summarize", "offline", collection="default"), datetime.now(UTC), start=False)
    for at in (show("analyse"), show("job", id=draft)):
        for sentence in warnings.sum_up(SumUp(3, 1, 1, {"PAGES_WITHOUT_TEXT": 1})):
            assert formats.plain(sentence) in words(at)
    to_unknown = links(show("analyse"))["Show those where this is not known"]
    assert to_unknown.startswith("documents?")
    assert "warnings=not" in to_unknown


def test_a_link_to_a_quote_of_another_text_marks_nothing() -> None:
    document = add_document()
    run_job(make_job([document], params={"count": 1}))
    (quote,) = rows('SELECT start, "end" FROM evidence WHERE supported')
    place = {name: str(value) for name, value in quote.items()}
    notice = "No quote is known at this place"
    assert notice not in words(show("document", id=document, **place))
    assert notice in words(show("document", id=document, start=place["start"], end=str(quote["end"] + 1)))
