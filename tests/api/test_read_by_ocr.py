"""What was recognized in pictures is kept with a document's text, and told beside quotes of it."""

import pytest
from starlette.testclient import TestClient

from core.documents import reading, report
from core.documents.extraction.process import Extracted
from core.insight_base import text_groups
from core.insights import document_report, evidence_report
from core.runtime import db
from pages.words import quotes
from tests.core.insights.world import QUOTE, document, id_of, say
from tests.pages.seeing import show, words

pytestmark = pytest.mark.usefixtures("database")
TEXT = f"Typed by hand: it works.\n\n{QUOTE}"


def test_a_quote_of_a_scanned_page_says_so_and_one_of_a_typed_page_does_not(client: TestClient) -> None:
    scan = document(TEXT)
    with db.transaction() as session:
        text_groups.lock(session)
        extracted = Extracted(TEXT, (0, 26), "en", 9, True, (), ((26, len(TEXT)),))
        reading.store_text(session, scan, extracted)
    say(scan, ["Ann works."])
    say(scan, ["Ben works."], "Typed by hand: it works.")
    assert report.by_ids([scan])[0].read_by_ocr == [2]
    assert client.get(f"/api/v1/documents/{scan}").json()["read_by_ocr"] == [2]
    for statement, by_ocr in (("Ann works.", True), ("Ben works.", False)):
        (row,) = evidence_report.evidence([id_of(statement)])
        (passage,) = [one for one in document_report.passages(scan, 0, 99) if one.words == statement]
        assert (row.supported, row.read_by_ocr, passage.read_by_ocr) == (True, by_ocr, by_ocr)
        assert (quotes.beside(passage) == "read by OCR") == by_ocr
        (out,) = client.get(f"/api/v1/insights/{id_of(statement)}").json()["evidence"]
        assert out["read_by_ocr"] is by_ocr
    assert "on page 2 were recognized in pictures" in words(show("document", id=scan)).replace("\\", "")
    assert "were recognized" not in words(show("document", id=document(TEXT))).replace("\\", "")
    assert "read by OCR" in words(show("insight", id=id_of("Ann works.")))
