"""What the web process starts before its first page, and ends after its last: the embedded PostgreSQL where
DATABASE_URL is not set, the schema, the built-in templates, and the jobs process as a supervised child."""

import asyncio
import gc
import importlib
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

import structlog

from core.access import actor, people
from core.asking import templates
from core.calls import clients
from core.environment import Listening, Settings, check_admin, get_settings, load_settings
from core.errors import CairnError, ConfigurationError
from core.live import single_text
from core.runtime import db, engines, listening_socket, migrate, tokens, workspace
from core.runtime.logs import adopt, configure_logs
from core.runtime.supervision import Child, ChildState, Command
from core.settings import store

log = structlog.get_logger()
# Imported before the first page needs them, then frozen: a garbage collection never walks over them again.
HEAVY = ("pandas", "pyarrow", "plotly.express", "genai_prices", "core.jobs.launch", "core.money.costs")
POSTGRES_STOP_SECONDS = 2.0
# Calls in flight get this long to be answered, so that everything has ended within five seconds.
EMBEDDED_GRACE_SECONDS = 4.0
_children: dict[str, Child] = {}


def children() -> tuple[ChildState, ...]:
    """States of the supervised processes, for the Health page."""
    return tuple(child.state for child in _children.values())


def lifespan(
    address: Callable[[], str | None], port: Callable[[], int], base_path: Callable[[], str | None] = lambda: None
) -> Callable[[Any], AbstractAsyncContextManager[None]]:
    """For `st.App`. `address` and `port` are where the server listens, below `base_path`; they are asked for when it
    already does."""
    return lambda _app: _life(address, port, base_path)


@asynccontextmanager
async def _life(
    address: Callable[[], str | None], port: Callable[[], int], base_path: Callable[[], str | None]
) -> AsyncIterator[None]:
    try:
        listening = Listening(address())
        load_settings(listening)
        settings = get_settings()
        configure_logs(settings)
        check_base_path(base_path())
        async with AsyncExitStack() as stack:
            listening_socket.will_listen_on(port())
            await asyncio.to_thread(_bring_up, settings, listening, stack)
            watches = [asyncio.create_task(child.supervise()) for child in _children.values()]
            stack.push_async_callback(_end_watches, watches)
            stack.push_async_callback(_close_clients)
            for name in HEAVY:
                importlib.import_module(name)
            tokens.count("")  # loads the vocabulary
            adopt()
            # From here on pages and API say for each run and call who asks.
            for said_by_doors in (actor, workspace):
                said_by_doors.close()
                stack.callback(said_by_doors.open_again)
            gc.collect()
            gc.freeze()
            listening_socket.send_at_once(port())
            _say_who_is_asked(settings)
            log.info("web started", children=[*_children])
            yield
    except CairnError as error:
        # Starlette would print a traceback; a person needs only the cause and the remedy.
        print(f"\nCairn did not start.\n{error.message}\n", file=sys.stderr, flush=True)
        os._exit(2)


def _bring_up(settings: Settings, listening: Listening, stack: AsyncExitStack) -> None:
    """Start in order. The stack ends all in the opposite order, also when a later step fails."""
    url, owner = settings.database_url, settings.migration_database_url
    if url is None:
        from core.runtime.embedded_postgres import EmbeddedPostgres

        embedded = EmbeddedPostgres(settings.data_dir)
        _supervise(stack, Child("postgres", embedded), POSTGRES_STOP_SECONDS)
        url, owner = embedded.app_url, embedded.url
    engines.configure(url)
    stack.callback(lambda: engines.engine().dispose())
    migrate.upgrade(owner)
    check_admin(settings, listening, _has_admin)
    templates.sync_built_ins()
    stack.callback(store.follow().stop)
    stack.enter_context(single_text.seen())
    if settings.embedded_jobs:
        grace = EMBEDDED_GRACE_SECONDS if settings.shutdown_grace_seconds is None else settings.shutdown_grace_seconds
        # Not the owner's: what is there by now is enough for it.
        urls = {"DATABASE_URL": url, "MIGRATION_DATABASE_URL": url}
        set_here = {**urls, "CAIRN_PARENT_PID": str(os.getpid()), "SHUTDOWN_GRACE_SECONDS": str(grace)}
        jobs = Child("jobs", Command([sys.executable, "-m", "jobs"], {**os.environ, **set_here}))
        # After the grace it stores the answers it received. If it is killed before that, their outcome is unknown.
        _supervise(stack, jobs, grace + 3)


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


async def _close_clients() -> None:
    """The API's routes use the providers' clients in this loop, and a client is closed in the loop that used it."""
    await clients.close()


def _has_admin() -> bool:
    with db.reading() as session:
        return people.has_admin(session)


def _say_who_is_asked(settings: Settings) -> None:
    if settings.sign_in == "oidc":
        log.info("people sign in by OIDC", provider=settings.oidc_discovery_url, public_url=settings.public_url)
    elif settings.sign_in == "header":
        log.info("people sign in at a proxy, which names them", header=settings.trusted_user_header)
    elif settings.open_access:
        log.warning("nobody is asked who they are, and ALLOW_OPEN_ACCESS lets everybody in who reaches this address")
    else:
        log.info("nobody is asked who they are: only this machine reaches Cairn")


def check_base_path(base_path: str | None) -> None:
    """Below a path there are Streamlit's pages alone: health, API and downloads would get a page with status 200."""
    if (base_path or "").strip("/"):
        raise ConfigurationError(
            f"Cairn cannot be served below a path, and STREAMLIT_SERVER_BASE_URL_PATH says {base_path!r}: its API, its "
            "health and its downloads stand at the root. Take the setting away and give Cairn a host name of its own."
        )
