"""Who writes, what they write, and how they may be reached."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from casework.model.contact_hours import ContactWindow
from casework.model.messages import Channel
from casework.model.safe_contact import SafeContact, SafeContactPlan, parse_safe_contact


@dataclass(frozen=True)
class Person:
    """Somebody who writes. `word` stands in every text of theirs and in nobody else's."""

    name: str
    channel: Channel
    number: str
    word: str


PEOPLE = {
    each.name: each
    for each in (
        Person("Asha", Channel.SMS, "+447700900001", "mango"),
        Person("Asha on WhatsApp", Channel.WHATSAPP, "+447700900001", "mango"),
        Person("Bea on WhatsApp", Channel.WHATSAPP, "+447700900002", "plum"),
        Person("a stranger", Channel.SMS, "+447700900003", "quince"),
    )
}
# The contacts of record, with the case of each.
KNOWN = {"+447700900001": "43260012345", "+447700900002": "43260012346"}

# {word} is the person's own. What is whole by itself has none: a keyword is the whole text.
CALM = (
    "what is happening with my case {word}",
    "i want to talk to a person {word}",
    "ref 43260012345 {word}",
    "thanks {word}",
    "/restart {word}",
)
DANGER = ("he is outside my door {word}", "he says he will kill me {word}", "he has followed me home {word}")
DOUBTED = ("he keeps texting me {word}",)
WORDS = ("STOP", "EXIT", "START", "no", "2")
POISON: Mapping[str, str] = {
    "nul": "he\x00llo {word}",
    "half an emoji": "he\ud83dllo {word}",
    "long": "{word} " + "x" * 3000,
    "many emoji": "\U0001f9ff" * 700,
    "right to left": "abc\u202etxt.exe {word}",
    "empty, with a picture": "",
}

ANY = parse_safe_contact(SafeContact.ANY)
PLANS: Mapping[str, SafeContactPlan] = {
    "any time": ANY,
    "never at night": replace(
        ANY,
        hours=tuple(ContactWindow(weekday=day, start_minute=8 * 60, end_minute=20 * 60) for day in range(7)),
    ),
    "answers only": parse_safe_contact(SafeContact.REPLY_ONLY),
    "nothing in writing": parse_safe_contact(SafeContact.NONE),
}
