"""Traces: off unless asked for. A span is a fixed name, a time and ids, held to the same list as a log line.

Nothing is instrumented by a library: those write addresses and statements into their spans.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from casework.adapters.log_values import drop_unfit
from casework.model.errors import SettingsInvalid

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer

OTLP = "otlp"
NAMES = frozenset({"ask_assistant", "take_request"})

_tracers: list["Tracer"] = []


def configure_traces(environ: Mapping[str, str], process: str) -> None:
    """Sends spans to the collector of OpenTelemetry's own settings where WAYMARK_TRACES says so.

    Raises SettingsInvalid for another word, and where what it needs is not installed.
    """
    wanted = environ.get("WAYMARK_TRACES", "").strip()
    if not wanted:
        return
    if wanted != OTLP:
        raise SettingsInvalid(f"WAYMARK_TRACES is {wanted!r}; it is {OTLP}, or unset: no traces.")
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError as fault:
        raise SettingsInvalid(
            "WAYMARK_TRACES is otlp, and the package opentelemetry-exporter-otlp-proto-http is not installed."
        ) from fault
    export_to(OTLPSpanExporter(), process)


def export_to(exporter: "SpanExporter", process: str) -> None:
    """From here on every span goes there, in the background."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    # Not `Resource.create`, which adds what stands in the environment.
    provider = TracerProvider(
        resource=Resource({"service.name": f"waymark-{process}"}), shutdown_on_exit=False
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _tracers[:] = [provider.get_tracer("waymark")]


def stop_traces() -> None:
    _tracers.clear()


@contextmanager
def span(name: str, **about: Any) -> Iterator[None]:
    """Around one piece of work. `name`: of `NAMES`; of `about` only what a log line might hold is kept."""
    if not _tracers:
        yield
        return
    kept, _ = drop_unfit(about)
    with _tracers[0].start_as_current_span(
        name if name in NAMES else "unnamed",
        attributes=kept,
        record_exception=False,
        set_status_on_exception=False,
    ) as current:
        try:
            yield
        except BaseException as error:
            # Its message may quote a victim; its class cannot.
            current.set_attribute("error", type(error).__name__)
            raise
