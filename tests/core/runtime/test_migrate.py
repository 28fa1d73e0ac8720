"""From blank to head, back and again, without drift: on the embedded PostgreSQL and on the oldest supported one."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from alembic import command

from core.access import chain
from core.asking import templates
from core.insight_base import renewal
from core.insights import report
from core.insights.report import Filters
from core.money import folding
from core.runtime import db, engines, migrate
from tests import databases
from tests.pipeline import add_document, make_job, rows, run_job

DEBIAN = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


@pytest.fixture(scope="module")
def debian_url() -> Iterator[str]:
    """A server of Debian's postgresql package, run by an account without rights."""
    if not DEBIAN:
        if os.environ.get("CI") == "true":
            pytest.fail("CI needs Debian's postgresql for the oldest supported version")
        pytest.skip("no PostgreSQL of Debian on this machine")
    account = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    directory = tempfile.mkdtemp(prefix="cairn-debian-")
    shutil.chown(directory, account)

    def run(program: str, *options: str) -> None:
        subprocess.run([DEBIAN[0] / program, *options], user=account, cwd=directory, check=True, capture_output=True)

    run("initdb", "-D", f"{directory}/data", "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C")
    run("pg_ctl", "-D", f"{directory}/data", "-w", "-l", f"{directory}/log", "-o", f"-F -h '' -k {directory}", "start")
    yield f"postgresql://postgres@/postgres?host={directory}"
    run("pg_ctl", "-D", f"{directory}/data", "-m", "immediate", "stop")
    shutil.rmtree(directory, ignore_errors=True)


# Of each revision at which rows were put in, what rows of its kind become at head.
ROWS: Mapping[str, tuple[str, ...]] = {
    "0003": (
        """INSERT INTO job (id, name, params, provider, model, lane, state, error)
           SELECT 'job_' || number, '', '{}', 'openai', 'gpt-5-mini', 'live', 'running', error
           FROM (VALUES
             (0, 'The job waits. In the jobs process, openai is not set up: set its key on the Settings page.'),
             (1, 'The live requests wait: openai/gpt-5-mini was stopped by hand, until a person lets it go on.'),
             (2, 'Waits for the rate limit of openai/gpt-5-mini: goes on in 12 s.'),
             (3, 'The template is gone.'),
             (4, NULL)) job(number, error)""",
    ),
    "0008": (
        "INSERT INTO collection (id, name) VALUES ('col_1', 'one')",
        "INSERT INTO template (id, name, built_in, version) VALUES ('qa', 'qa', true, 1), ('tpl_1', 'own', false, 1)",
        "INSERT INTO insight (id, statement, statement_key, kind) VALUES ('ins_1', 'It works.', 'it works', 'qa')",
    ),
    "0011": (
        "INSERT INTO collection (id, workspace_id, name) VALUES ('col_2', 'ws_default', 'two')",
        "INSERT INTO blob (sha256, size_bytes) VALUES ('x', 1)",
        """INSERT INTO document
             (id, workspace_id, name, collection_id, sha256, media_type, size_bytes, state, text_group)
           VALUES ('doc_1', 'ws_default', 'd', 'col_2', 'x', 'text/plain', 1, 'ready', 'doc_1')""",
        """INSERT INTO insight (id, workspace_id, statement, exact_key, language, kind, support, confidence) VALUES
           ('ins_2', 'ws_default', 'Les usines.', 'k1', 'fr', 'qa', 1, 0.5),
           ('ins_3', 'ws_default', 'Les portes.', 'k2', 'fr', 'qa', 11, 0.9995)""",
        "UPDATE insight SET head_id = 'ins_3' WHERE id = 'ins_2'",
        """INSERT INTO evidence
             (insight_id, document_id, response_id, template_id, quote, quote_key, supported, attributes)
           VALUES ('ins_2', 'doc_1', 1, 'qa', '', '', true, '{}')""",
    ),
    "0027": (
        """INSERT INTO usage_record (workspace_id, time, job_id, provider, model, lane, tier, input_tokens,
             cost_usd, list_usd, priced, status, reused, saved_usd)
           SELECT 'ws_default', at::timestamptz, job, 'openai', 'm', lane, 'standard', input, cost, list,
             cost IS NOT NULL, 'ok', lane = 'live', saved
           FROM (VALUES ('2026-03-01 23:59Z', 'job_1', 'batch', 7, 1.5, 3, NULL),
                        ('2026-03-01 00:00Z', 'job_1', 'batch', 7, NULL, NULL, NULL),
                        ('2026-03-02 00:00Z', NULL, 'live', 0, 0, 0, 2))
             v(at, job, lane, input, cost, list, saved)""",
    ),
    "0031": (
        """INSERT INTO audit_entry (time, "user", action, subject, before, after) VALUES
  ('2026-01-02T03:04:05Z', 'settings page', 'change', 'setting:model:openai', NULL, '{"model": "x", "at": 1.50}'),
  ('2026-01-02T03:04:06.5+02', 'HTTP API', 'open breaker', 'openai/gpt-5', '{"state": "shut"}', '{"on": 1}'),
  (now(), '', 'remove', 'retention:documents', NULL, '{"days": 3, "documents": 7}'),
  (now(), 'insights pages', 'merge', 'insights', NULL, '{"into": "ins_1", "note": "Grüße"}')""",
    ),
}


@contextmanager
def made(server: str, name: str, template: str = "template0") -> Iterator[str]:
    """A database of this name, and this process at work in it."""
    name = f"{name}_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}")
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    engines.configure(databases.named(server, name))
    yield name
    engines.engine().dispose()
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module", params=["embedded", "debian"])
def server(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue("postgres_url" if request.param == "embedded" else "debian_url")
    return url


@pytest.fixture(scope="module")
def grown_up(server: str) -> Iterator[str]:
    """From blank to head, which takes longest, and with rows of several revisions on the way."""
    with made(server, "grown_up") as name:
        for revision, statements in ROWS.items():
            with engines.engine().begin() as connection:
                command.upgrade(migrate.alembic_config(connection), revision)
                for statement in statements:
                    connection.exec_driver_sql(statement)
        migrate.upgrade()
        yield name


@pytest.fixture
def at_head(server: str, grown_up: str) -> Iterator[None]:
    """At work in it. What a test changes there is about no other test."""
    engines.configure(databases.named(server, grown_up))
    yield
    engines.engine().dispose()


@pytest.fixture
def copied(server: str, grown_up: str, at_head: None) -> Iterator[None]:
    engines.engine().dispose()
    with made(server, "copied", grown_up):
        yield


def things() -> set[str]:
    """Tables, functions and types of ours and of the queue."""
    sql = """SELECT relname::text AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
             UNION SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
             UNION SELECT typname::text FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype = 'e'"""
    return {row["name"] for row in rows(sql)}


def down_to(revision: str) -> None:
    with engines.engine().begin() as connection:
        command.downgrade(migrate.alembic_config(connection), revision)


pytestmark = pytest.mark.usefixtures("at_head")


@pytest.mark.usefixtures("copied")
def test_the_way_back_keeps_what_was_there_leaves_nothing_in_the_end_and_can_be_gone_again() -> None:
    full = things()
    assert {"document", "usage_record", "procrastinate_jobs"} <= full
    down_to("0031")
    assert len(rows("SELECT 1 FROM audit_entry")) == 4
    down_to("0027")
    assert rows("SELECT count(*) AS n FROM usage_record") == [{"n": 3}]
    down_to("0011")
    assert len(rows("SELECT search FROM insight")) == 3
    down_to("0008")
    assert rows("SELECT name FROM collection ORDER BY id") == [{"name": "one"}, {"name": "two"}]
    down_to("0003")
    assert [row["error"] for row in rows("SELECT error FROM job ORDER BY id")][3] == "The template is gone."
    down_to("base")
    assert things() == {"alembic_version"}
    migrate.upgrade()
    assert things() == full
    # And all works there.
    templates.sync_built_ins()
    run_job(make_job([add_document()], params={"count": 2}))
    assert rows("SELECT state FROM job") == [{"state": "completed"}]
    assert rows("SELECT count(*) AS n FROM evidence WHERE supported") == [{"n": 2}]


def test_the_models_and_the_migrations_say_the_same() -> None:
    with engines.engine().connect() as connection:
        command.check(migrate.alembic_config(connection))
        assert migrate.revision(connection) == migrate.head()


def test_a_second_upgrade_finds_nothing_to_do() -> None:
    migrate.upgrade()
    assert rows("SELECT count(*) AS n FROM alembic_version") == [{"n": 1}]


def test_a_job_that_waited_by_a_sentence_in_its_error_has_no_error_any_more() -> None:
    found = rows("SELECT error, waits_for FROM job ORDER BY id")
    assert [row["error"] for row in found] == [None, None, None, "The template is gone.", None]
    assert {row["waits_for"] for row in found} == {None}


def test_what_was_there_before_the_wall_belongs_to_the_default_workspace() -> None:
    for table, id_ in (("collection", "col_1"), ("insight", "ins_1")):
        belongs = rows(f"SELECT workspace_id FROM {table} WHERE id = :id", id=id_)
        assert belongs == [{"workspace_id": "ws_default"}]
    belongs = rows("SELECT workspace_id FROM template ORDER BY id")
    assert [row["workspace_id"] for row in belongs] == [None, "ws_default"]


def test_the_audit_of_before_is_kept_and_is_a_chain() -> None:
    found = rows("SELECT id, door, action, subject, workspace, after FROM audit_entry ORDER BY id")
    assert [tuple(row.values())[:5] for row in found] == [
        (1, "pages", "settings.change", "setting:model:openai", None),
        (2, "api", "breaker.open", "breaker:openai/gpt-5", None),
        (3, "jobs", "retention.run", "retention:documents", None),
        (4, "pages", "insight.merge", "insights", "ws_default"),
    ]
    assert found[0]["after"] == {"model": "x", "at": 1.5}
    assert (chain.verify().valid, chain.verify().entries) == (True, 4)


def test_what_was_there_before_search_is_listed_and_made_ready() -> None:
    assert [row.id for row in report.find(Filters(collection="two", template="qa")).items] == ["ins_3"]
    assert rows("SELECT support_rank, confidence_rank FROM insight WHERE id > 'ins_1' ORDER BY id") == [
        {"support_rank": 1, "confidence_rank": 2},
        {"support_rank": 5, "confidence_rank": 6},
    ]
    assert report.find(Filters(q="porte")).items == ()
    while renewal.renew():
        pass
    assert [row.id for row in report.find(Filters(q="porte")).items] == ["ins_3"]


def test_what_was_used_before_there_were_sums_is_in_them() -> None:
    summed = """SELECT day::text, job_id, calls, reused, unpriced, input_tokens, listed, cost_usd::float8 AS cost,
                  list_usd::float8 AS list, listed_cost_usd::float8 AS listed_cost, saved_usd::float8 AS saved
                FROM usage_sum ORDER BY day"""
    assert [tuple(row.values()) for row in rows(summed)] == [
        ("2026-03-01", "job_1", 2, 0, 1, 14, 1, 1.5, 3.0, 1.5, 0.0),
        ("2026-03-02", None, 0, 1, 0, 0, 1, 0.0, 0.0, 0.0, 2.0),
    ]
    # As the triggers and folds have it, which add to the same rows.
    with db.transaction() as session:
        db.execute(session, "UPDATE usage_record SET cost_usd = 2 WHERE cost_usd IS NULL")
    folding.keep_up("UTC")
    assert [(row["cost"], row["calls"]) for row in rows(summed)] == [(3.5, 2), (0.0, 0)]
