"""Logs: JSON in production, readable in a terminal. No document text, prompt or secret is ever passed to them."""

import logging
import sys
from typing import Any

import structlog

from core.environment import Settings

SHARED: tuple[Any, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def configure_logs(settings: Settings) -> None:
    last = _last_steps(settings.environment == "production")
    structlog.configure(
        processors=[*SHARED, *last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.log_level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    # Libraries log tasks with their arguments and connections with their addresses: only what went wrong is wanted.
    handler.setLevel(logging.WARNING)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*SHARED, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers, root.level = [handler], logging.WARNING
    adopt()


def _last_steps(production: bool) -> list[Any]:
    if production:
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    # The pretty formatter shows local variables.
    return [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)]


def adopt() -> None:
    """Take the handlers of libraries away, so that their lines have our format and the correlation id, too."""
    for name in [*logging.root.manager.loggerDict]:
        logger = logging.getLogger(name)
        if logger.handlers or not logger.propagate:
            logger.handlers, logger.propagate = [], True
