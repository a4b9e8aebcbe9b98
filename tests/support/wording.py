"""The wording rules for every text a victim can receive, and where those texts are. The page is docs/wording.md."""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from actions.support import RESPONSES
from casework.model.content_lint import (
    ANOTHER_WAY,
    EMERGENCY,
    HARDEST_GRADE,
    LONGEST_PARAGRAPH,
    LONGEST_REVIEW,
    LONGEST_SENTENCE_WORDS,
    MOST_PARAGRAPHS,
    MOST_SEGMENTS,
    NEVER_SAID,
    PHONE,
    PROMISES,
    SAID_SAFELY,
    WAITING,
    WAITING_SAFELY,
)
from casework.model.sms_segments import GSM_7, GSM_7_EXTENDED, count_segments
from casework.services.content_gaps import SAMPLES
from casework.services.contents import read_known_numbers
from casework.services.rendering import write_out
from casework.services.service_texts import load_service_texts
from casework.services.support_directory import Opening, SupportService, get_support_services
from tests.support.reading_grade import grade, split_sentences
from tests.yaml_files import ROOT, read_yaml

TEMPLATES = ROOT / "casework" / "templates"

# Said inside a longer reply, which ends with the other ways.
PART_OF_A_LIST = "utter_support_service"

# The longest each gap is filled with, and an ordinary value to read it with.
GAPS: dict[str, tuple[str, str]] = {
    **SAMPLES,
    "code": ("123456", "123456"),
    "link": (f"https://{'messages.'.rjust(48, 'x')}example.org/i/{'x' * 32}", "https://example.org/i/x"),
    "word": ("4BDGH7", "4BDGH7"),
    "token": ("x" * 32, "x" * 32),
    "day": ("Wednesday 30 September", "Friday 1 May"),
    "choices": ("1 News on my case 2 What happens next 3 My officer 4 A person", "1 Yes 2 No"),
    "cost": (
        max(
            (load_service_texts().texts[f"sms_cost_{kind}"]["sms"] for kind in ("free", "standard")), key=len
        ),
    )
    * 2,
    "name": (max((service.name for service in get_support_services()), key=len), "Sam"),
}

TO_STAFF = "on_call_"
"""What begins so in the service's texts is read by no victim."""


@dataclass(frozen=True, kw_only=True)
class Text:
    """One text in one form. `form` is "sms" or "web"; `words` may have gaps as {name}."""

    name: str
    form: str
    words: str
    choices: tuple[str, ...] = ()
    source: str = ""
    review_by: date | None = None

    def filled(self, which: int = 1) -> str:
        """With the longest values (0) or ordinary ones (1) in the gaps."""
        return self.words.format(**{gap: values[which] for gap, values in GAPS.items()})

    def sent(self) -> str:
        """As it leaves with the longest values. Without buttons the choices are written out."""
        if self.form == "web" or not self.choices:
            return self.filled(0)
        return write_out(self.filled(0), self.choices, load_service_texts())


def read_texts() -> list[Text]:
    """Every text a victim can receive: the assistant's, the safety lines, the service's own, the directory."""
    return [*_responses(), *_templates("safety_lines.toml"), *_templates("service_texts.toml"), *_directory()]


def _responses() -> Iterator[Text]:
    for domain in read_yaml("bot/domain"):
        for name, variations in domain.get("responses", {}).items():
            # Told with each entry of the directory instead.
            if not name.startswith(PART_OF_A_LIST):
                yield from _response(name, variations)


def _response(name: str, variations: list[Mapping[str, Any]]) -> Iterator[Text]:
    of_channel = {variation.get("channel"): variation for variation in variations}
    for form in ("web", "sms"):
        variation = of_channel.get(form, of_channel[None])
        facts = variation.get("metadata") or {}
        yield Text(
            name=name,
            form=form,
            words=variation["text"],
            choices=tuple(button["title"] for button in variation.get("buttons", [])),
            source=facts.get("source", ""),
            review_by=date.fromisoformat(facts["review_by"]) if "review_by" in facts else None,
        )


def _templates(file: str) -> Iterator[Text]:
    for name, entry in _toml(file).items():
        if name.startswith(TO_STAFF):
            continue
        for form in ("sms", "web") if "sms" in entry else ():
            source = entry["source"] if isinstance(entry["source"], str) else " ".join(entry["source"])
            yield Text(name=name, form=form, words=entry[form], source=source, review_by=entry["review_by"])


def _directory() -> Iterator[Text]:
    [support] = read_yaml("bot/domain/support.yml")
    for service in get_support_services():
        for opening in _openings_of(service):
            for text in _response(RESPONSES[opening], support["responses"][RESPONSES[opening]]):
                # The name stays a gap: a service is called what it is called, however hard that is to read.
                words = text.words.format(
                    name="{name}",
                    phone=service.phone_display,
                    hours=service.hours,
                    for_whom=service.for_whom,
                    reach=service.reach,
                )
                source = " ".join(page for page, _ in service.source)
                name = f"{text.name}.{service.id}"
                yield replace(text, name=name, words=words, source=source, review_by=service.review_by)


def _openings_of(service: SupportService) -> tuple[Opening, ...]:
    if service.always_open:
        return (Opening.ALWAYS,)
    return (Opening.OPEN, Opening.CLOSED, Opening.HOLIDAY) if service.open_hours else (Opening.UNKNOWN,)


def read_numbers() -> set[str]:
    """Every telephone number that has a source: those of the safety lines and those of the directory."""
    return set(read_known_numbers())


def _toml(file: str) -> dict[str, Any]:
    return tomllib.loads((TEMPLATES / file).read_text(encoding="utf-8"))


def _hard(text: Text, today: date) -> bool:
    return grade(text.filled()) > HARDEST_GRADE


def _long_winded(text: Text, today: date) -> bool:
    return any(len(sentence) > LONGEST_SENTENCE_WORDS for sentence in split_sentences(text.filled()))


def _too_long(text: Text, today: date) -> bool:
    if text.form == "sms":
        return count_segments(text.sent()) > MOST_SEGMENTS
    paragraphs = text.filled(0).split("\n\n")
    return len(paragraphs) > MOST_PARAGRAPHS or any(len(part) > LONGEST_PARAGRAPH for part in paragraphs)


def _other_letters(text: Text, today: date) -> bool:
    return not set(text.sent()) <= GSM_7 | GSM_7_EXTENDED


def _never_said(text: Text, today: date) -> bool:
    return NEVER_SAID.search(SAID_SAFELY.sub("", text.words)) is not None


def _loud(text: Text, today: date) -> bool:
    return "!" in text.words


def _promises(text: Text, today: date) -> bool:
    return PROMISES.search(text.words) is not None


def _advises_waiting(text: Text, today: date) -> bool:
    return WAITING.search(WAITING_SAFELY.sub("", text.words)) is not None


def _has_fact(words: str) -> bool:
    return bool(re.search(r"\b\d|\brights?\b|\blimit\b", re.sub(r"\{\w+\}", "", words), re.I))


def _unsourced(text: Text, today: date) -> bool:
    return _has_fact(text.words) and not (text.source.strip() and text.review_by)


def _past_review(text: Text, today: date) -> bool:
    return text.review_by is not None and not today <= text.review_by <= today + LONGEST_REVIEW


def _strange_number(text: Text, today: date) -> bool:
    return not set(PHONE.findall(text.words)) <= read_numbers() | EMERGENCY


def _call_alone(text: Text, today: date) -> bool:
    numbers = set(PHONE.findall(text.words)) - EMERGENCY
    is_part = text.name.startswith(PART_OF_A_LIST)
    return bool(numbers) and not is_part and ANOTHER_WAY.search(text.words) is None


def _half_a_deadline(text: Text, today: date) -> bool:
    return "5 working days" in text.words and not re.search(r"enhanced|1 working day", text.words)


RULES: dict[str, Callable[[Text, date], bool]] = {
    "harder to read than age 11": _hard,
    "sentence too long": _long_winded,
    "too long": _too_long,
    "a letter text messages do not have": _other_letters,
    "word never said": _never_said,
    "exclamation mark": _loud,
    "promise": _promises,
    "advises waiting": _advises_waiting,
    "number, right or deadline without a source": _unsourced,
    "past its review date, or reviewed too late": _past_review,
    "telephone number without a source": _strange_number,
    "a call as the only way": _call_alone,
    "deadline without the enhanced one": _half_a_deadline,
}


def find_faults(text: Text, *, today: date) -> set[str]:
    """The names of the rules that a text breaks."""
    return {rule for rule, is_broken in RULES.items() if is_broken(text, today)}
