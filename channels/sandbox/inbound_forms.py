"""A phone's message as the form Twilio posts.

Fields and spelling: recorded requests; reference notes on the channels, section 1.
"""

import json
from collections.abc import Mapping
from typing import Any

from casework.model.sms_segments import count_segments
from channels.sandbox.addresses import WHATSAPP, get_hidden_address, is_whatsapp
from channels.sandbox.handset_states import HandsetStates
from channels.sandbox.provider_settings import ProviderConsole
from channels.sandbox.record import START_WORDS, STOP_WORDS, RecordedMedia
from channels.sandbox.samples import SAMPLES
from channels.sandbox.settings import SandboxSettings
from channels.sandbox.writings import Writing

PROFILE_NAME = "Pretend Handset"
HELP_WORDS = frozenset({"HELP", "INFO"})
Form = list[tuple[str, str]]


class InboundForms:
    def __init__(self, *, settings: SandboxSettings, states: HandsetStates, console: ProviderConsole) -> None:
        self._settings = settings
        self._states = states
        self._console = console

    def get_sender(self, handset: str) -> str:
        """The address the service sees: on WhatsApp not the number, where the person hides it."""
        return get_hidden_address(handset) if self._states.get(handset).is_hidden else handset

    def get_service_address(self, handset: str) -> str:
        return (WHATSAPP if is_whatsapp(handset) else "") + self._settings.service_number

    def make_form(
        self, handset: str, writing: Writing, *, sid: str, origin: str
    ) -> tuple[tuple[str, str], ...]:
        """The form in order, blank values kept: they are part of what Twilio sends and signs.

        `origin` is where this sandbox is reached; files of the message are fetched there.
        """
        form = [
            *(self._whatsapp_fields(handset, writing) if is_whatsapp(handset) else self._sms_fields(writing)),
            ("SmsMessageSid", sid),
            ("SmsSid", sid),
            ("MessageSid", sid),
            ("AccountSid", self._settings.account_sid),
            *self._service_fields(),
            ("SmsStatus", "received"),
            ("NumMedia", str(len(writing.media))),
            *self._media_fields(writing.media, sid=sid, origin=origin),
            ("NumSegments", str(count_segments(writing.body))),
            ("From", self.get_sender(handset)),
            ("To", self.get_service_address(handset)),
            ("Body", writing.body),
            ("ApiVersion", "2010-04-01"),
        ]
        return _change_fields(form, writing.fields)

    def _service_fields(self) -> Form:
        if not self._console.now.uses_service:
            return []
        return [("MessagingServiceSid", self._settings.messaging_service_sid)]

    def _sms_fields(self, writing: Writing) -> Form:
        blank = [(f"{side}{part}", "") for side in ("To", "From") for part in ("City", "State", "Zip")]
        return [("ToCountry", "GB"), ("FromCountry", "GB"), *blank, *self._opt_out_field(writing.body)]

    def _opt_out_field(self, body: str) -> Form:
        if not self._console.now.has_opt_out_type:
            return []
        word = body.strip().upper()
        kinds = {"STOP": STOP_WORDS, "START": START_WORDS, "HELP": HELP_WORDS}
        return [("OptOutType", kind) for kind, words in kinds.items() if word in words]

    def _whatsapp_fields(self, handset: str, writing: Writing) -> Form:
        is_hidden = self._states.get(handset).is_hidden
        context: Form = [
            ("ProfileName", PROFILE_NAME),
            *([] if is_hidden else [("WaId", handset.removeprefix("whatsapp:+"))]),
            ("Forwarded", str(bool(writing.forwarded)).lower()),
            ("FrequentlyForwarded", str(writing.forwarded == "often").lower()),
            *_press_fields(writing),
            *_place_fields(writing),
        ]
        answered: Form = []
        if writing.answered:
            answered = [
                ("OriginalRepliedMessageSid", writing.answered.sid),
                ("OriginalRepliedMessageSender", writing.answered.from_),
            ]
        named = is_hidden or self._console.now.names_everyone
        metadata = {"type": "whatsapp", "data": {"context": dict(context)}}
        return [
            *answered,
            *([("ExternalUserId", get_hidden_address(handset))] if named else []),
            *context,
            ("MessageType", _get_type(writing)),
            ("ReferralNumMedia", "0"),
            ("ChannelMetadata", json.dumps(metadata, separators=(",", ":"))),
        ]

    def _media_fields(self, media: tuple[RecordedMedia, ...], *, sid: str, origin: str) -> Form:
        root = f"{origin}/2010-04-01/Accounts/{self._settings.account_sid}/Messages/{sid}/Media"
        return [
            field
            for index, each in enumerate(media)
            for field in (
                (f"MediaContentType{index}", each.content_type),
                (f"MediaUrl{index}", f"{root}/{each.sid}"),
            )
        ]


def _press_fields(writing: Writing) -> Form:
    pressed = writing.pressed
    if not pressed:
        return []
    if pressed.is_row:
        return [("ListId", pressed.payload), ("ListTitle", pressed.title)]
    return [("ButtonText", pressed.title), ("ButtonPayload", pressed.payload)]


def _place_fields(writing: Writing) -> Form:
    place = writing.place
    if not place:
        return []
    named = [(name, value) for name, value in (("Label", place.label), ("Address", place.address)) if value]
    return [("Latitude", str(place.latitude)), ("Longitude", str(place.longitude)), *named]


def _get_type(writing: Writing) -> str:
    if writing.pressed:
        # A template's button arrives as `button`, one sent inside the window as `interactive`.
        is_template = writing.answered is not None and not writing.answered.is_in_window
        return "button" if is_template and not writing.pressed.is_row else "interactive"
    if writing.place:
        return "location"
    return SAMPLES[writing.media[0].sample].kind if writing.media else "text"


def _change_fields(form: Form, fields: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    kept = [(name, value) for name, value in form if name not in fields]
    added = [
        (name, str(each))
        for name, value in fields.items()
        if value is not None
        for each in (value if isinstance(value, list) else [value])
    ]
    return tuple(kept + added)
