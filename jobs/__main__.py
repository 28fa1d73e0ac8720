"""`python -m jobs`: APScheduler decides when, the queue's workers do it. Any number of these may run.

`python -m jobs once`: one round of all that is due, then it ends; for cron.
"""

import asyncio
import logging
import sys

import structlog
from sqlalchemy.exc import OperationalError

from core.asking import templates
from core.environment import Settings, get_settings
from core.errors import CairnError
from core.runtime import engines, migrate, workspace
from core.runtime.logs import configure_logs
from core.settings import store
from jobs import once, process, queue_workers
from jobs import scheduler as jobs_scheduler

log = structlog.get_logger()


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["once"]):
        print("Usage: python -m jobs [once]", file=sys.stderr)
        return 2
    try:
        settings = get_settings()
        configure_logs(settings)
        engines.engine()
        workspace.everywhere_from_now_on()
        migrate.upgrade(settings.migration_database_url)
        templates.sync_built_ins()
        store.follow()
    except CairnError as error:
        print(error.message, file=sys.stderr)
        return 2
    except OperationalError as error:
        reason = (str(error.orig).splitlines() or [""])[0]
        print(
            f"The database cannot be reached. Check DATABASE_URL, and that PostgreSQL runs. {reason}", file=sys.stderr
        )
        return 1
    asyncio.run(once.run(settings) if arguments else run(settings))
    return 0


async def run(settings: Settings) -> None:
    stop = process.stop_on_signals()
    leadership = jobs_scheduler.Leadership()
    async with process.at_work(settings, lambda: leadership.held) as one:
        scheduler = jobs_scheduler.make(leadership)
        scheduler.start()
        watch = jobs_scheduler.SetBack(scheduler)
        watch.start()
        log.info("jobs started", worker=one.name)
        await one.work(queue_workers.work(one.lane, one.handed_over, one.stop_extraction), stop)
        watch.stop()
        scheduler.shutdown(wait=False)
    leadership.close()
    if not stop.is_set():
        log.error("A part of the jobs process ended by itself; the process ends with it.", worker=one.name)
    log.info("jobs ended", worker=one.name)
    process.leave(0 if stop.is_set() else 1)


if __name__ == "__main__":
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    # While the database is away it logs every attempt of every connection; queue_workers.py logs the loss once.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    sys.exit(main(sys.argv[1:]))
