"""Structured logs, one event per line, on standard error. Of an error they contain what `haichieu.errors` lets show."""

import logging
import sys
import traceback
from collections.abc import Iterator
from types import TracebackType

import structlog

from haichieu.errors import shown


def configure_logs(level: str, process: str) -> None:
    """Send structlog, standard logging and uncaught errors to standard error: JSON, or readable on a terminal."""
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    terminal = sys.stderr.isatty()
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(_described_info),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(process=process)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter("%(name)s: %(message)s"))
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[handler])
    sys.excepthook = _log_uncaught


def described(problem: BaseException) -> str:
    """Return where an error happened and what may be shown of it, its causes first."""
    return "\n".join(_lines(problem))


def _lines(problem: BaseException) -> Iterator[str]:
    cause = problem.__cause__ or (None if problem.__suppress_context__ else problem.__context__)
    if cause is not None:
        yield from _lines(cause)
        yield "which led to:"
    for frame in traceback.extract_tb(problem.__traceback__):
        yield f"  {frame.filename}:{frame.lineno} in {frame.name}: {frame.line}"
    name, words = type(problem).__qualname__, shown(problem)
    yield name if words == name else f"{name}: {words}"
    if isinstance(problem, BaseExceptionGroup):
        for part in problem.exceptions:
            yield from (f"    {line}" for line in _lines(part))


class _Formatter(logging.Formatter):
    """Formats the errors that libraries log. asyncio shows them in the message too, after its first line."""

    def format(self, record: logging.LogRecord) -> str:
        if record.exc_info:
            record.msg, record.args = record.getMessage().partition("\n")[0], None
        return super().format(record)

    def formatException(self, ei: structlog.typing.ExcInfo | tuple[None, None, None]) -> str:  # noqa: N802
        return described(ei[1]) if ei[1] is not None else ""


def _described_info(exc_info: structlog.typing.ExcInfo) -> str:
    return described(exc_info[1])


def _log_uncaught(kind: type[BaseException], problem: BaseException, at: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, problem, at)
        return
    structlog.get_logger().critical("process.failed", exc_info=problem)
