"""What the web process brings up before its first page, and takes down after its last: PostgreSQL where none is
given, the schema, the built-in templates, and the jobs process as a supervised child."""

import asyncio
import gc
import importlib
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import structlog

from core import db, migrate, templates
from core.children import Child, ChildState, Command
from core.errors import CairnError
from core.logs import configure_logs
from core.settings import Settings, get_settings

log = structlog.get_logger()
# Imported before the first page needs them, then frozen: a garbage collection never walks over them again.
HEAVY = ("pandas", "pyarrow", "plotly.express", "genai_prices", "bpe_openai", "core.jobs", "core.reports.costs")
POSTGRES_STOP_SECONDS = 2.0
_children: dict[str, Child] = {}


def children() -> tuple[ChildState, ...]:
    """What this process supervises, for the Health page."""
    return tuple(child.state for child in _children.values())


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[None]:
    try:
        settings = get_settings()
        configure_logs(settings)
        async with AsyncExitStack() as stack:
            await asyncio.to_thread(_bring_up, settings, stack)
            watches = [asyncio.create_task(child.supervise()) for child in _children.values()]
            stack.push_async_callback(_end_watches, watches)
            for name in HEAVY:
                importlib.import_module(name)
            gc.collect()
            gc.freeze()
            log.info("web started", children=[*_children])
            yield
    except CairnError as error:
        # Starlette would print a traceback; a person needs only the cause and the remedy.
        print(f"\nCairn did not start.\n{error.message}\n", file=sys.stderr, flush=True)
        os._exit(2)


def _bring_up(settings: Settings, stack: AsyncExitStack) -> None:
    """Start in order; what is pushed on the stack ends in the opposite one, also when a later step fails."""
    check_exposure(settings)
    url = settings.database_url
    if url is None:
        from core.embedded import EmbeddedPostgres

        postgres = Child("postgres", EmbeddedPostgres(settings.data_dir))
        _supervise(stack, postgres, POSTGRES_STOP_SECONDS)
        url = postgres.supervised.url  # type: ignore[attr-defined]
    db.configure(url)
    stack.callback(lambda: db.engine().dispose())
    migrate.upgrade()
    templates.sync_built_ins()
    if settings.embedded_jobs:
        env = {**os.environ, "DATABASE_URL": url, "CAIRN_PARENT_PID": str(os.getpid())}
        if settings.shutdown_grace_seconds is None:
            env["SHUTDOWN_GRACE_SECONDS"] = "2"
        jobs = Child("jobs", Command([sys.executable, "-m", "jobs"], env))
        _supervise(stack, jobs, 3.5)


def _supervise(stack: AsyncExitStack, child: Child, grace_seconds: float) -> None:
    child.start()
    _children[child.state.name] = child

    def end() -> None:
        child.stop(grace_seconds)
        del _children[child.state.name]

    stack.callback(end)


async def _end_watches(watches: list[asyncio.Task[None]]) -> None:
    for watch in watches:
        watch.cancel()
    await asyncio.gather(*watches, return_exceptions=True)


def check_exposure(settings: Settings) -> None:
    """Until there is a sign-in, only this machine may reach Cairn unless somebody says otherwise."""
    from core.errors import ConfigurationError

    address = os.environ.get("STREAMLIT_SERVER_ADDRESS", "127.0.0.1")
    if address not in ("127.0.0.1", "localhost", "::1") and not settings.allow_open_access:
        raise ConfigurationError(
            f"Cairn would listen on {address}, and it has no sign-in yet: everybody who reaches it could read every "
            "document. Listen on 127.0.0.1, or set ALLOW_OPEN_ACCESS=true behind a proxy that signs people in."
        )
