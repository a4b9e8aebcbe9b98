"""Logs carry a fixed sentence, ids and numbers (`casework/adapters/log_values.py`). All else is dropped, not masked."""

import logging
import sys
import threading
from collections.abc import MutableMapping
from typing import Any

import structlog

from casework.adapters.log_values import drop_unfit
from casework.adapters.metrics import LOG_VALUES_DROPPED


def keep_what_fits(_logger: object, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Keys nobody knows are dropped, and so are values of an unknown shape, which are counted."""
    kept, unfit = drop_unfit(event)
    if unfit:
        LOG_VALUES_DROPPED.inc(unfit)
    return kept


def add_error(_logger: object, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """An exception becomes its type and place; its message may quote a victim."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        frame = error.__traceback__
        while frame is not None and frame.tb_next is not None:
            frame = frame.tb_next
        if frame is not None:
            event["where"] = f"{frame.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{frame.tb_lineno}"
    return event


class LibraryHandler(logging.Handler):
    """A library's own warning, reduced to who said it, how bad and where: its words may quote a victim."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().warning(
            "library_warning",
            library=record.name,
            severity=record.levelname,
            exc_info=record.exc_info[1] if record.exc_info else None,
        )


def configure_logs(process: str) -> None:
    """JSON lines on standard error, content-free."""
    logging.basicConfig(level=logging.WARNING, handlers=[LibraryHandler()], force=True)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            add_error,
            keep_what_fits,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)
    # Python's own way to die prints the exception's message, which may quote a victim.
    sys.excepthook = lambda _type, error, _trace: structlog.get_logger().error("process_died", exc_info=error)
    threading.excepthook = lambda died: structlog.get_logger().error("thread_died", exc_info=died.exc_value)
