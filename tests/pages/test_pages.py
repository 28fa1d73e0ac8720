"""Every page: empty, full, broken. What a person reads on it is asserted, not only that it ran."""

import io
from datetime import UTC, datetime

import pytest
from streamlit.testing.v1 import AppTest

from core.asking import templates
from core.documents import deletion, report, upload
from core.fields import FieldSpec
from core.health import sampling
from core.insights import evidence_report, life
from core.insights import report as insights_report
from core.insights.report import Filters
from core.jobs import launch
from core.jobs.launch import JobSpec
from core.runtime import db, engines, worker_lease
from pages.common import formats, look, widgets
from pages.document import beside
from pages.words import quotes as quote_words
from tests.pages import made
from tests.pages.seeing import PAGES, buttons, links, opened, press, show, words
from tests.pipeline import PATIENCE_S, TEXT, add_document, database_away, make_job, rows, run_job

LISTS = ("overview", "documents", "analyse", "jobs", "insights", "matrix", "templates", "costs", "health")
pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def analysed() -> tuple[str, str]:
    """A document and the ended job that asked for its key points."""
    document = add_document()
    job = make_job([document], params={"count": 2})
    run_job(job)
    return document, job


@pytest.mark.parametrize(
    ("page", "says"),
    [
        ("overview", "First steps"),
        ("documents", "No documents yet"),
        ("analyse", "no documents to ask"),
        ("jobs", "No jobs yet"),
        ("insights", "No insights yet"),
        ("matrix", "a table of your documents"),
        ("templates", "Key points"),
        ("costs", "No model was called"),
        ("health", "none is alive"),
        ("document", "names no document"),
        ("job", "names no job"),
        ("insight", "names no insight"),
        ("audit", "Nothing was recorded yet"),
        ("review", "Nothing to review"),
        ("own_requests", "need a language model"),
    ],
)
def test_an_empty_page_says_what_it_is_for(page: str, says: str) -> None:
    at = show(page)
    assert not at.exception
    assert says.lower() in words(at).lower()


@pytest.mark.parametrize(
    ("page", "back"), [("job", "All jobs"), ("insight", "All insights"), ("document", "All documents")]
)
def test_a_page_of_nothing_leads_back_to_the_list(page: str, back: str) -> None:
    assert back in links(show(page, id=f"{page}_1"))


def test_filters_that_fit_no_entry_are_no_empty_audit() -> None:
    assert "No entry fits these filters." in words(show("audit", **{"audit-action": "sign_in"}))


@pytest.mark.parametrize("page", LISTS)
def test_a_full_page_runs(page: str, analysed: tuple[str, str]) -> None:
    at = show(page)
    assert not at.exception
    assert not at.error


@pytest.mark.parametrize("page", ["overview", "jobs", "insights", "documents"])
def test_a_page_over_many_rows_shows_a_part_of_them(page: str) -> None:
    with db.transaction() as session:
        db.execute(session, "INSERT INTO collection (workspace_id, id, name) VALUES ('ws_default', 'col_1', 'many')")
        db.execute(session, "INSERT INTO blob (sha256, size_bytes) SELECT n::text, 1 FROM generate_series(1, 1500) n")
        db.execute(
            session,
            """INSERT INTO document (workspace_id, id, name, collection_id, sha256, media_type, size_bytes, state)
               SELECT 'ws_default', 'doc_' || n, n || '.txt', 'col_1', n::text, 'text/plain', 1, 'ready'
               FROM generate_series(1, 1500) n""",
        )
        db.execute(
            session,
            """INSERT INTO job (workspace_id, id, name, template_id, template_version, params, provider, model,
                 lane, state)
               SELECT 'ws_default', 'job_' || n, 'job ' || n, 'qa', 1, '{}', 'offline', 'offline-1', 'live', 'completed'
               FROM generate_series(1, 1500) n""",
        )
        db.execute(
            session,
            """INSERT INTO insight (workspace_id, id, statement, exact_key, kind, support)
               SELECT 'ws_default', 'ins_' || n, 'statement ' || n, 'statement ' || n, 'qa', 1
                 FROM generate_series(1, 1500) n""",
        )
    at = show(page)
    assert not at.exception
    assert all(len(frame.value) <= 200 for frame in at.dataframe)
    assert "newest" in words(at).lower() or "of 1,500" in words(at) or "1,500 documents" in words(at)


def test_the_overview_counts_what_there_is(analysed: tuple[str, str]) -> None:
    found = {metric.label: metric.value for metric in show("overview").metric}
    assert (found["Documents ready"], found["Insights"], found["Spent today"]) == ("1", "2", "$0.00")


def test_samples_load_with_one_button() -> None:
    at = show("overview")
    next(button for button in at.button if button.label == "Load sample documents").click().run()
    assert not at.exception
    assert len(rows("SELECT DISTINCT media_type FROM document")) >= 3


def test_a_failed_document_says_why_and_can_be_tried_again() -> None:
    document = upload.add("broken.exe", io.BytesIO(b"\x7fELF\0\0")).document
    at = show("document", id=document.id)
    assert "Convert it" in words(at)
    next(button for button in at.button if button.label == "Try again").click().run()
    assert rows("SELECT state FROM document") == [{"state": "queued"}]


def test_the_document_page_marks_the_quote(analysed: tuple[str, str]) -> None:
    document, _ = analysed
    evidence = rows('SELECT start, "end" FROM evidence ORDER BY start LIMIT 1')[0]
    at = show("document", id=document, start=str(evidence["start"]), end=str(evidence["end"]))
    assert not at.exception
    html = "".join(element.proto.body for element in at.get("html"))
    marked = html.split("<mark")[1].split(">", 1)[1].split("</mark>")[0]
    assert marked == TEXT[evidence["start"] : evidence["end"]]


def test_the_document_page_marks_every_passage_by_its_verdict_and_none_that_was_dismissed(
    analysed: tuple[str, str],
) -> None:
    document, _ = analysed
    first, second = rows("SELECT id, insight_id FROM evidence ORDER BY start")
    with db.transaction() as session:
        db.execute(
            session,
            """UPDATE evidence SET supported = false, verdict = 'differs', nearest_start = start, nearest_end = "end",
                 start = NULL, "end" = NULL WHERE id = :id""",
            id=first["id"],
        )
    html = "".join(element.proto.body for element in show("document", id=document).get("html"))
    assert [style in html for style in (beside.STYLES["found"], beside.STYLES["differs"])] == [True, True]
    life.change(second["insight_id"], life.Change(state="dismissed", reason="Not so."))
    at = show("document", id=document)
    html = "".join(element.proto.body for element in at.get("html"))
    assert html.count("<mark") == 1
    assert beside.STYLES["found"] not in html
    assert [label for label in buttons(at) if "dismissed" in label]


def test_the_document_page_lists_insights_whose_quote_was_not_found(analysed: tuple[str, str]) -> None:
    document, _ = analysed
    with db.transaction() as session:
        db.execute(session, """UPDATE evidence SET supported = false, verdict = 'absent', start = NULL, "end" = NULL""")
    (insight, *_) = insights_report.find(Filters(document=document)).items
    (evidence, *_) = evidence_report.evidence([insight.id])
    at = show("document", id=document)
    assert quote_words.verdict(evidence) in words(at)
    assert quote_words.NO_SUPPORT_HERE in words(at)
    assert f"insight?id={insight.id}" in links(at).values()


def test_a_document_that_is_gone_says_so() -> None:
    assert "may have been deleted" in words(show("document", id="doc_gone"))


def test_the_same_quote_of_two_answers_is_listed_once() -> None:
    document = add_document()
    for _ in range(2):
        run_job(make_job([document], params={"count": 2}, reuse=False))
    assert len(rows("SELECT 1 FROM evidence")) == len(rows("SELECT 1 FROM sighting")) == 2
    at = show("document", id=document)
    assert not at.exception
    assert len([label for label in buttons(at) if "pumps" in label or "plant" in label]) == 2


@pytest.mark.parametrize("link", [{"start": "9", "end": "3"}, {"start": "5"}, {"start": "0", "end": "99999"}])
def test_a_quote_that_cannot_be_is_not_marked(link: dict[str, str]) -> None:
    at = show("document", id=add_document(), **link)
    assert not at.exception
    html = "".join(element.proto.body for element in at.get("html"))
    assert html.count("Repairs took nine days") == 1
    assert "<mark" not in html


def test_a_quote_on_a_later_part_opens_there_also_after_paging(analysed: tuple[str, str]) -> None:
    far = add_document("Unthinkable. " * 1000 + TEXT, "far.txt")
    run_job(make_job([far], "qa", params={"question": "What did the two pumps cost the northern plant?"}))
    place = rows('SELECT start, "end" FROM evidence WHERE document_id = :d ORDER BY start', d=far)[0]
    at = show("document", id=far, start=str(place["start"]), end=str(place["end"]))
    assert "The quote stands on part 3." in words(at)
    (shown,) = [html.proto.body for html in at.get("html") if "pumps" in html.proto.body]
    assert shown.split(">", 1)[1].startswith("Unthinkable. ")
    assert [expander.label for expander in at.expander] == ["The beginning of this part"]
    assert next(button.label[:2] == "**" for button in at.button if "pumps" in button.label)
    at.session_state["page"] = 1
    assert "Part 1 of" in words(at.run())
    next(button for button in at.button if "pumps" in button.label).click().run()
    assert at.session_state["page"] == 3
    assert "The quote stands on part 3." in words(at)


def test_the_original_is_a_link_to_the_api_and_not_a_copy_in_memory() -> None:
    document = add_document()
    at = show("document", id=document)
    assert [link.proto.url for link in at.get("link_button")] == [f"api/v1/documents/{document}/original"]
    assert not at.get("download_button")


def test_text_of_a_document_never_becomes_markup() -> None:
    document = add_document("<script>alert(1)</script> and <img src=x onerror=alert(2)> " * 3)
    at = show("document", id=document)
    html = "".join(element.proto.body for element in at.get("html") if element.proto.body != look.FRAME)
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;" in html


def test_analyse_shows_the_estimate_and_launches() -> None:
    add_document()
    at = show("analyse")
    found = {metric.label: metric.value for metric in at.metric}
    assert found["Requests"] == "1"
    assert (found["Live, about"], found["Batch, about"]) == ("$0.00", "$0.00")
    # Launching leads to the job's page, which AppTest cannot follow from a single page: the job itself is what counts.
    next(button for button in at.button if button.label == "Launch 1 request · free").click().run()
    assert rows("SELECT template_id, state FROM job") == [{"template_id": "key_points", "state": "queued"}]


def test_analyse_says_that_sentiment_offline_knows_english_only() -> None:
    add_document()
    at = show("analyse")
    assert "English words" not in words(at)
    at.selectbox(key="template").set_value("sentiment").run()
    assert "English words" in words(at)


def test_sentiment_of_a_language_model_comes_without_the_caption(openai: object) -> None:
    add_document()
    at = show("analyse")
    at.selectbox(key="template").set_value("sentiment").run()
    assert "Model" in [box.label for box in at.selectbox]
    assert "English words" not in words(at)


def test_analyse_says_why_there_is_nothing_to_launch() -> None:
    upload.add("broken.exe", io.BytesIO(b"\x7fELF\0\0"))
    at = show("analyse")
    assert "1 document, 1 could not be read" in at.selectbox[0].options[0]
    assert "could be read" in words(at)
    assert next(button for button in at.button if button.label == "Launch 0 requests · free").disabled


def test_analyse_takes_over_the_documents_that_another_page_chose() -> None:
    first = add_document("The first of two documents. It is short.", "first.txt")
    add_document("The second of two documents. It is short.", "second.txt")
    at = opened("analyse")
    at.session_state["ask_documents"] = [first, "doc_gone"]
    at.run()
    assert at.multiselect[0].value == [first]
    next(button for button in at.button if button.label == "Launch 1 request · free").click().run()
    assert rows("SELECT document_id FROM job_document") == [{"document_id": first}]


def test_a_link_to_analyse_brings_the_template() -> None:
    add_document()
    assert show("analyse", template="Key points").selectbox(key="template").value == "key_points"


def test_a_job_whose_calls_have_no_price_is_not_called_free(analysed: tuple[str, str]) -> None:
    _, job = analysed
    with db.transaction() as session:
        db.execute(session, "UPDATE usage_record SET priced = false, cost_usd = NULL")
    found = {metric.label: metric.value for metric in show("job", id=job).metric}
    assert found["Cost"] == "not priced"
    assert show("jobs").dataframe[0].value["Cost"].isna().all()


def test_an_answer_tells_why_it_ended_early_and_whose_it_is(analysed: tuple[str, str]) -> None:
    document, job = analysed
    with db.transaction() as session:
        db.execute(session, "UPDATE response SET finish_reason = 'length'")
    at = show("job", id=job)
    assert "cut off at the output limit" in words(at)
    assert links(at)["**report\\.txt**"] == f"document?id={document}"
    deletion.delete(document)
    assert not show("job", id=job).exception


def test_try_on_three_takes_three_documents() -> None:
    for number in range(5):
        add_document(f"{TEXT} Number {number}.", f"{number}.txt")
    at = show("analyse")
    next(button for button in at.button if button.label == "Try on 3 documents").click().run()
    assert rows("SELECT count(*) AS n FROM job_document") == [{"n": 3}]


def test_analyse_asks_for_the_question_that_is_missing() -> None:
    add_document()
    at = show("analyse")
    at.selectbox(key="template").set_value("qa").run()
    assert not at.exception
    assert "Type the question" in words(at)
    assert not [button for button in at.button if button.label.startswith("Launch")]


def test_the_job_page_shows_answers_cost_and_failures(analysed: tuple[str, str]) -> None:
    _, job = analysed
    with db.transaction() as session:
        db.execute(
            session,
            """INSERT INTO request (job_id, custom_id, fingerprint, lane, state, error_code, error_message)
               VALUES (:job, 'x', 'x', 'live', 'failed', 'rate_limited', 'The rate limit is reached.')""",
            job=job,
        )
    text = words(show("job", id=job))
    assert "**1 failed.** The rate limit is reached" in text
    assert "Answered 1" in text
    assert "Send again" in text


def test_the_job_page_leads_to_insights_only_where_its_template_makes_them(analysed: tuple[str, str]) -> None:
    document, points = analysed
    run_job(tone := make_job([document], "sentiment"))
    assert links(show("job", id=points))["Insights"] == f"insights?job={points}"
    assert "Insights" not in links(show("job", id=tone))


def test_a_queued_job_offers_to_cancel() -> None:
    job = make_job([add_document()])
    assert "Cancel job" in words(show("job", id=job))


def test_a_page_with_a_filter_in_its_link_can_be_left() -> None:
    """Streamlit clears the link on the way out, and refuses that for what is bound to a widget."""
    document = add_document()
    at = AppTest.from_file(str(PAGES / "navigation.py"), default_timeout=PATIENCE_S).run()
    at.query_params["state"] = "ready"
    at.switch_page("documents/documents.py").run()
    assert at.selectbox(key="state").value == "ready"
    key = widgets.rows_key("documents", report.find().items)
    at.session_state[key] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    at.run()
    next(button for button in at.button if button.label == "Analyse (1)").click().run()
    assert not at.exception
    assert at.title[0].value == "Analyse"
    assert at.multiselect[0].value == [document]


def test_documents_are_counted_by_state() -> None:
    add_document()
    upload.add("broken.exe", io.BytesIO(b"\x7fELF\0\0"))
    assert "2 documents: 1 ready, 1 failed." in words(show("documents"))
    assert "1 fit the filters" in words(show("documents", state="failed"))
    assert show("documents").dataframe[0].value["State"].iloc[0].startswith("failed: This type of file")


def test_a_link_to_an_insight_opens_its_quotes(analysed: tuple[str, str]) -> None:
    insight = rows("SELECT id, statement FROM insight ORDER BY id LIMIT 1")[0]
    at = show("insights", insight=insight["id"])
    assert formats.plain(insight["statement"]) in words(at)
    assert "Open in report\\.txt" in links(at)


def test_a_document_leads_back_to_where_one_came_from_with_its_filters(analysed: tuple[str, str]) -> None:
    document, job = analysed
    assert links(show("document", id=document))["All documents"] == "documents?"

    def back_from(page: str, **query: str) -> str:
        at = show(page, **query)
        at.query_params.clear()
        at.query_params["id"] = document
        return next(iter(links(at.switch_page("document/document.py").run()).values()))

    assert back_from("insights", q="pumps", template="Key points") == "insights?q=pumps&template=Key+points"
    assert back_from("documents", state="ready") == "documents?state=ready"
    assert back_from("job", id=job) == f"job?id={job}"


def test_a_link_to_an_insight_that_is_gone_says_so(analysed: tuple[str, str]) -> None:
    at = show("insights", insight="ins_gone")
    assert "no insight ins" in words(at)
    assert len(at.dataframe[0].value) == 2


def test_the_overview_names_a_finding_with_what_carries_it(analysed: tuple[str, str]) -> None:
    assert any("pumps" in label and "in\xa01\xa0document" in label for label in links(show("overview")))
    with db.transaction() as session:
        db.execute(session, "UPDATE insight SET support = 0")
    assert any(quote_words.NO_SUPPORT.replace(" ", "\xa0") in label for label in links(show("overview")))
    insight = insights_report.find().items[0].id
    assert quote_words.NO_SUPPORT in words(show("insights", insight=insight))


def test_the_overview_names_a_job_whose_requests_failed() -> None:
    made.requests(made.job("completed", name="Contracts"), "failed", 3)
    assert "3 failed in Contracts" in links(show("overview"))


def test_the_overview_says_when_nobody_works() -> None:
    assert any("None is alive" in label for label in links(show("overview")))
    worker_lease.register("test")
    sampling.take(datetime.now(UTC), well=True)
    text = words(show("overview"))
    assert "None is alive" not in text
    assert "All is well" in text


def test_health_takes_a_provider_that_is_not_set_up_for_no_fault(openai: object) -> None:
    text = words(show("health"))
    assert ":green[:material/check_circle:] **OpenAI**" in text
    assert ":gray[:material/remove:] **Anthropic**" in text


def test_health_without_a_database_still_says_what_it_can(database: str) -> None:
    with database_away(database):
        at = show("health")
    text = words(at)
    assert not at.exception
    assert not at.error
    assert ":red[:material/error:] **Database**" in text
    assert "**Offline engine** · set up" in text


def test_insight_filters_come_from_the_link(analysed: tuple[str, str]) -> None:
    assert len(show("insights", q="pumps").dataframe[0].value) >= 1
    assert "No insight fits" in words(show("insights", q="zebra"))


def test_prompts_can_be_read_and_own_templates_copied() -> None:
    own = templates.create("Fees", "Find the fee.", [FieldSpec("fee", "number")], insights=False)
    at = show("templates")
    prompts = [code.value for code in at.code]
    assert "Find the fee." in prompts
    assert any(prompt.startswith("State the {count} most important points") for prompt in prompts)
    at = at.button(key=f"copy-{own.id}").click().run()
    assert at.text_input[0].value == "Fees, copy"
    assert at.text_area[0].value == "Find the fee."
    assert "Saving makes version" not in words(at)


def test_an_own_template_is_deleted_and_only_finds_what_it_brought() -> None:
    own = templates.create("Fees", "Find the fee.", [], insights=True)
    at = show("templates").button(key=f"delete-{own.id}").click().run()
    assert "Its answers and insights stay" in words(at)
    at = press(at, "Delete")
    assert "The template Fees was deleted" in words(at)
    assert "Find the fee." not in [code.value for code in at.code]
    run_job(make_job([add_document()]))
    assert "Fees" not in show("analyse").selectbox(key="template").options
    assert "Fees" in show("insights").selectbox(key="template").options


def test_templates_show_own_ones_with_their_fields() -> None:
    templates.create("Dates", "Find every date.", [FieldSpec("when", "string", "the date")], insights=True)
    templates.create("Fees", "Find the fee.", [FieldSpec("fee", "number", quote=True)], insights=False)
    text = words(show("templates"))
    assert "Dates" in text
    assert "Fields: when \\(text\\)" in text
    assert "Fields: fee \\(number\\) with its quote" in text


def test_a_database_that_is_away_is_said_in_plain_words(migrated: str) -> None:
    engines.configure(migrated.replace("/cairn", "/not_there"))
    at = AppTest.from_file(str(PAGES / "navigation.py"), default_timeout=PATIENCE_S).run()
    assert "cannot be reached" in words(at)
    assert "Reference" in words(at)
    assert len(at.error) == 1
    engines.configure(migrated)
    next(button for button in at.button if button.label == "Try again").click().run()
    assert not at.error
    assert "First steps" in words(at)


def test_a_wrong_choice_launches_nothing() -> None:
    spec = JobSpec(template="key_points", provider="offline", documents=("doc_gone",))
    with pytest.raises(Exception, match="doc_gone"):
        launch.create(spec, datetime.now(UTC))
    assert rows("SELECT 1 FROM job") == []
