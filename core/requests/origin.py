"""The correlation id of the click or API call that set a job, or a provider batch of it, going."""

from core.runtime import db


def of_job(job_id: str) -> str | None:
    return _one("SELECT correlation_id FROM job WHERE id = :id", job_id)


def of_batch(batch_id: str) -> str | None:
    return _one(
        "SELECT j.correlation_id FROM provider_batch b JOIN job j ON j.id = b.job_id WHERE b.id = :id", batch_id
    )


def _one(sql: str, id_: str) -> str | None:
    with db.transaction(everywhere=True) as session:
        found: str | None = db.scalar(session, sql, id=id_)
        return found
