from core.runtime import db
from core.tables.jobs import ACTIVE, CANCELLED, ENDED, STATES, in_sql, is_cancelled


def test_a_job_is_a_draft_or_active_or_ended() -> None:
    assert sorted(STATES) == sorted(("draft", *ACTIVE, *ENDED))


def test_sql_tells_which_jobs_are_cancelled(database: str) -> None:
    with db.transaction() as session:
        for state in STATES:
            db.execute(
                session,
                """INSERT INTO job (workspace_id, id, name, params, provider, model, lane, state)
                   VALUES ('ws_default', :state, '', '{}', 'offline', 'm', 'live', :state)""",
                state=state,
            )
    with db.transaction() as session:
        asks_nothing = db.rows(session, f"SELECT r.id FROM job r WHERE {is_cancelled('r.id')}")
        ended = db.rows(session, f"SELECT id FROM job WHERE state IN {in_sql(ENDED)}")
    assert sorted(row.id for row in asks_nothing) == sorted(CANCELLED)
    assert sorted(row.id for row in ended) == sorted(ENDED)
