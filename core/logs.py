"""Logs: JSON in production, readable in a terminal. No document text, prompt or secret is ever passed to them."""

import logging
import sys
from typing import Any

import structlog

from core.settings import Settings


def configure_logs(settings: Settings) -> None:
    production = settings.environment == "production"
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer = (
        structlog.processors.JSONRenderer()
        if production
        else structlog.dev.ConsoleRenderer(
            colors=False,
            exception_formatter=structlog.dev.plain_traceback,  # the pretty one shows local variables
        )
    )
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, renderer] if production else [*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.log_level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    # Libraries log tasks with their arguments and connections with their addresses: only what went wrong is wanted.
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
