"""Logs are events with fields, one JSON line each, on stderr. No patient's data: keys, counts,
codes and names of fields only."""

from __future__ import annotations

import logging
import sys

import structlog


def configure(*, pretty: bool = False) -> None:
    """Sends structlog and the standard library's logging to stderr; repeatable."""
    render: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if pretty else structlog.processors.JSONRenderer()
    )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, render],
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # wherever stderr is then
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=False,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
