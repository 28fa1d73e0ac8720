"""In which language answers are asked for: by default, for a job, for a single text."""

import asyncio
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from core import providers
from core.access import actor
from core.asking import built_in as asking_built_in
from core.asking import prompts, templates
from core.asking.built_in import BUILT_IN, NoParams
from core.asking.prompts import Asking, check_params, params_of
from core.asking.request_plan import Question
from core.calls import clients
from core.errors import InvalidInput
from core.fields import FieldSpec
from core.jobs import launch
from core.jobs.launch import JobSpec
from core.languages import CODES, NAMES, code_of
from core.live import single_text
from core.runtime import db
from core.settings import defaults, store
from tests.callers import by
from tests.local_provider import LocalProvider
from tests.pipeline import TEXT, add_document, make_job, rows, run_job

MODELS = {"openai": "gpt-5-mini", "anthropic": "claude-haiku-4-5"}
IN_GERMAN = "Answer in German, whatever the language of the document"
AS_IT_WAS = "Answer in the language of the document unless asked otherwise."
OWN = (FieldSpec("date", "string", "When"), FieldSpec("amount", "number", required=False))


@pytest.fixture(autouse=True)
def _clients_of_one_loop() -> Iterator[None]:
    yield
    clients.forget()


def asking(template: str, **params: Any) -> Asking:
    if built_in := BUILT_IN.get(template):
        required = {"question": "What failed?"} if template == "qa" else {}
        checked = check_params(template, {**required, **params}, built_in.params)
        return Asking(template, 1, built_in.prompt, (), built_in.insights, checked)
    return Asking(template, 3, "Find commitments.", OWN, True, check_params(template, params, asking_built_in.Worded))


@pytest.mark.parametrize(
    ("provider", "sha256"),
    [
        ("openai", "2854746445bd9691a9e9121b596937be81c0e5b4933ca3029fcf643eb45570b2"),
        ("anthropic", "c711ebc8e35f533a614528f8b0ce850dbc5d0276780e136ea8897dc0d5684b15"),
    ],
)
def test_answers_that_are_known_stay_known(provider: str, sha256: str) -> None:
    """A changed prompt is another question, and all that was paid for is asked anew: these change on purpose alone.
    Last when prompts began to name the fields, for servers that take no schema."""
    digest = hashlib.sha256()
    for template in (*(one.id for one in BUILT_IN.values() if one.of_documents), "tpl_1"):
        question = Question(asking(template), providers.keyless(provider), MODELS[provider], "")
        digest.update((question.fingerprint("0" * 64) + question.merged("0" * 64)).encode())
    assert digest.hexdigest() == sha256


@pytest.mark.parametrize("provider", MODELS)
@pytest.mark.parametrize("template", ["summarize", "key_points", "questions", "qa", "tpl_1"])
def test_a_language_stands_in_every_prompt_and_decides_what_is_reused(provider: str, template: str) -> None:
    plain, german = asking(template), asking(template, language="german")
    assert asking(template, language="document") == plain
    for built in (prompts.build(german, TEXT, "0" * 64), prompts.build_merge(german, [{}])):
        assert IN_GERMAN in built.system
        assert "Quotes alone are never translated" in built.system
        assert AS_IT_WAS not in built.system
    one, other = (Question(of, providers.keyless(provider), MODELS[provider], "") for of in (plain, german))
    assert one.fingerprint("0" * 64) != other.fingerprint("0" * 64)
    assert one.merged("0" * 64) != other.merged("0" * 64)


@pytest.mark.parametrize(("template", "language"), [("qa", "Klingon"), ("qa", 3), ("sentiment", "German")])
def test_a_language_that_does_not_fit_is_refused(template: str, language: Any) -> None:
    with pytest.raises(InvalidInput, match="language"):
        asking(template, language=language)


def test_an_own_template_without_words_has_no_language() -> None:
    assert params_of("tpl_1", (FieldSpec("amount", "number"),), False) is NoParams
    assert params_of("tpl_1", (FieldSpec("amount", "number"),), True) is asking_built_in.Worded


@pytest.mark.usefixtures("database")
class TestStored:
    def params(self, job_id: str) -> dict[str, Any]:
        found: dict[str, Any] = rows("SELECT params FROM job WHERE id = :job", job=job_id)[0]["params"]
        return found

    def test_the_default_comes_from_the_environment_or_from_here(self, setting: Any) -> None:
        assert defaults.language() == (None, "default")
        setting(DEFAULT_LANGUAGE="french")
        assert defaults.language() == ("French", "environment")
        defaults.change_language("document")
        assert defaults.language() == (None, "here")
        defaults.change_language(None)
        assert defaults.language() == ("French", "environment")
        with pytest.raises(InvalidInput, match="Klingon"):
            defaults.change_language("Klingon")
        assert store.values() == {}

    def test_a_job_keeps_the_language_that_was_the_default_when_it_was_made(self, openai: LocalProvider) -> None:
        defaults.change_language("German")
        made = make_job([add_document()], "summarize", provider="openai", params={"length": "short"})
        defaults.change_language("French")
        run_job(made)
        assert self.params(made) == {"length": "short", "language": "German"}
        assert IN_GERMAN in str(openai.asked[0].body)

    def test_a_job_may_choose_its_own_or_that_of_the_document(self, openai: LocalProvider) -> None:
        defaults.change_language("French")
        document = add_document()
        for language in ("German", "document"):
            run_job(make_job([document], "summarize", provider="openai", params={"language": language}))
        assert IN_GERMAN in str(openai.asked[0].body)
        assert AS_IT_WAS in str(openai.asked[1].body)

    def test_the_default_is_counted_in_the_estimate(self, openai: LocalProvider) -> None:
        spec = JobSpec("summarize", "openai", documents=(add_document(),))
        run_job(launch.create(spec, datetime.now(UTC)))
        assert launch.estimate(spec, datetime.now(UTC)).reused == 1
        defaults.change_language("German")
        assert launch.estimate(spec, datetime.now(UTC)).reused == 0

    def test_answers_without_words_are_not_asked_again_for_a_language(self, openai: LocalProvider) -> None:
        defaults.change_language("German")
        assert self.params(make_job([add_document()], "sentiment", provider="openai")) == {}

    def test_an_own_template_has_the_default(self, openai: LocalProvider) -> None:
        defaults.change_language("German")
        own = templates.create("Commitments", "Find commitments.", OWN, True)
        assert "language" in own.params_schema["properties"]
        assert self.params(make_job([add_document()], own.id, provider="openai")) == {"language": "German"}

    def test_the_offline_engine_is_not_asked_to_translate(self) -> None:
        defaults.change_language("German")
        document = add_document()
        assert self.params(make_job([document], "summarize")) == {"length": "medium"}
        with pytest.raises(InvalidInput, match="cannot translate"):
            make_job([document], "summarize", params={"language": "German"})

    def test_a_single_text_has_the_default_or_its_own(self, openai: LocalProvider) -> None:
        defaults.change_language("German")

        def ask(**options: Any) -> str:
            clients.forget()
            asyncio.run(single_text.process("summarize", TEXT, options, "openai", MODELS["openai"]))
            return str(openai.asked[-1].body)

        assert IN_GERMAN in ask()
        assert "Answer in Dutch" in ask(language="Dutch")
        assert AS_IT_WAS in ask(language="document")

    def test_the_change_is_in_the_audit(self) -> None:
        with actor.bound(by("ann")):
            defaults.change_language("German")
        with db.transaction() as session:
            told = db.row(session, 'SELECT "user", subject, after FROM audit_entry')
        assert told is not None
        assert (told.user, told.subject, told.after) == ("ann", "setting:language", {"language": "German"})


def test_every_language_has_the_code_that_texts_are_told_by() -> None:
    assert [code_of(name) for name in ("English", "German", "Norwegian", "Chinese", "Korean")] == [
        *("en", "de", "no", "zh", "ko")
    ]
    assert len(CODES) == len(set(CODES)) == len(NAMES)
    assert code_of(None) is None
