"""Traces are off; asked for, a span holds a fixed name and ids and never a word of anybody."""

import subprocess
import sys
from collections.abc import Iterator

import aiohttp
import pytest
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from casework.adapters import traces
from casework.adapters.assistant import RasaAssistant
from casework.model.errors import AssistantUnavailable, SettingsInvalid
from tests.support.canaries import CANARIES, find_in_text
from tests.support.running import ROOT

TURN, CONVERSATION = "0" * 31 + "1", "0" * 31 + "2"
WORDS = [value for values in CANARIES.values() for value in values]


class Kept(InMemorySpanExporter):
    """What arrived at the collector, whole."""

    def texts(self) -> list[str]:
        return [span.to_json() for span in self.get_finished_spans()]


@pytest.fixture
def kept() -> Iterator[Kept]:
    exporter = Kept()
    traces.export_to(exporter, "test")
    yield exporter
    traces.stop_traces()


def flush() -> None:
    provider = traces._tracers[0].span_processor  # type: ignore[attr-defined]
    provider.force_flush()


def test_off_nothing_of_it_is_even_loaded() -> None:
    script = (
        "import sys; from casework.adapters import traces; traces.configure_traces({}, 'test')\n"
        "with traces.span('ask_assistant'): pass\n"
        "sys.exit('opentelemetry' in ' '.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], env={"PYTHONPATH": str(ROOT)}, check=False)

    assert done.returncode == 0


@pytest.mark.parametrize("word", ["1", "on", "jaeger"])
def test_another_word_stops_the_start(word: str) -> None:
    with pytest.raises(SettingsInvalid, match="it is otlp, or unset"):
        traces.configure_traces({"WAYMARK_TRACES": word}, "test")


def test_without_the_package_the_error_names_it() -> None:
    script = (
        "import sys; sys.modules['opentelemetry.exporter.otlp.proto.http.trace_exporter'] = None\n"
        "from casework.adapters import traces\n"
        "traces.configure_traces({'WAYMARK_TRACES': 'otlp'}, 'test')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "SettingsInvalid: WAYMARK_TRACES is otlp, and the package opentelemetry-exporter" in done.stderr


def test_of_what_is_given_only_ids_numbers_and_words_of_ours_are_kept(kept: Kept) -> None:
    """Red when: `span` gives its attributes on as they come."""
    for word in WORDS:
        with traces.span(word, turn_id=word, text=word, code=word, route=word):
            pass
    with traces.span("ask_assistant", turn_id=TURN, seconds=2):
        pass
    flush()

    assert find_in_text("the spans", "\n".join(kept.texts())) == []
    last = kept.get_finished_spans()[-1]
    assert (last.name, dict(last.attributes or {})) == ("ask_assistant", {"turn_id": TURN, "seconds": 2})


def test_an_error_is_its_class_and_nothing_it_says(kept: Kept) -> None:
    """Red when: OpenTelemetry's own way is left on: it keeps the message and the whole trace."""
    with pytest.raises(ValueError), traces.span("ask_assistant", turn_id=TURN):
        raise ValueError(" ".join(WORDS))
    flush()

    [span] = kept.get_finished_spans()
    assert span.attributes is not None
    assert span.attributes["error"] == "ValueError"
    assert span.events == ()
    assert span.status.description is None
    assert find_in_text("the span", span.to_json()) == []


async def test_a_question_to_the_assistant_is_a_span_without_what_was_asked(kept: Kept) -> None:
    async with aiohttp.ClientSession() as session:
        assistant = RasaAssistant(["http://127.0.0.1:1"], "s" * 32, session)
        for word in WORDS[:3]:
            with pytest.raises(AssistantUnavailable):
                await assistant.ask(
                    turn_id=TURN,
                    conversation=CONVERSATION,
                    text=word,
                    state={"said": word},
                    facts={"earlier": [word]},
                )
    flush()

    assert [span.name for span in kept.get_finished_spans()] == ["ask_assistant"] * 3
    assert find_in_text("the spans", "\n".join(kept.texts())) == []
    assert dict(kept.get_finished_spans()[0].attributes or {}) == {
        "turn_id": TURN,
        "conversation_id": CONVERSATION,
        "error": "AssistantUnavailable",
    }


def test_a_collector_that_is_away_stops_nobody() -> None:
    class Away(SpanExporter):
        def export(self, spans: object) -> SpanExportResult:
            raise OSError("away")

    traces.export_to(Away(), "test")
    try:
        with traces.span("ask_assistant", turn_id=TURN):
            pass
        flush()
    finally:
        traces.stop_traces()
