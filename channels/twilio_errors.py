"""What Twilio's error codes mean for a message of ours: the one place that knows them.

Each code has its own page, https://www.twilio.com/docs/api/errors/<code>, which is its source; the note beside it is
that page's title in short. Codes come as the answer to a send, and later in a status callback or a listed message.
WhatsApp's own codes behind the 63xxx: https://www.twilio.com/docs/whatsapp/tutorial/error-codes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from casework.model.delivery_failures import UNKNOWN_FAULT


class DeliveryOutcome(StrEnum):
    SENT = "sent"
    TRY_AGAIN = "try_again"  # nothing left; the same message may be sent later
    GIVE_UP = "give_up"  # it can never be sent as it is
    UNKNOWN = "unknown"  # it may have left; look it up before any resend


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What became of one attempt. `failure` is an id of casework/model/delivery_failures.toml, where it failed."""

    outcome: DeliveryOutcome
    provider_message_id: str | None = None
    error_code: int | None = None
    retry_after_seconds: int | None = None
    failure: str | None = None


@dataclass(frozen=True)
class Meaning:
    outcome: DeliveryOutcome
    failure: str


_AGAIN, _NEVER = DeliveryOutcome.TRY_AGAIN, DeliveryOutcome.GIVE_UP

MEANINGS: Mapping[int, Meaning] = MappingProxyType(
    {
        # They want nothing from us, or somebody shut us out.
        21610: Meaning(_NEVER, "opted_out"),  # unsubscribed recipient
        30004: Meaning(_NEVER, "blocked_by_person"),  # message blocked
        63014: Meaning(_NEVER, "blocked_by_person"),  # blocked by the user
        63003: Meaning(_NEVER, "not_on_whatsapp"),  # channel could not find the To address
        63024: Meaning(_NEVER, "not_on_whatsapp"),  # invalid message recipient
        63033: Meaning(_NEVER, "not_on_whatsapp"),  # recipient not reachable (deprecated)
        # The phone or the number.
        30003: Meaning(_AGAIN, "unreachable_now"),  # unreachable destination handset
        30005: Meaning(_NEVER, "number_not_in_use"),  # unknown destination handset
        30006: Meaning(_NEVER, "not_a_mobile"),  # landline or unreachable carrier
        21211: Meaning(_NEVER, "not_a_mobile"),  # invalid To number
        21214: Meaning(_NEVER, "not_a_mobile"),  # To number cannot be reached
        21217: Meaning(_NEVER, "not_a_mobile"),  # number does not appear to be valid
        21265: Meaning(_NEVER, "not_a_mobile"),  # To cannot be a short code
        21614: Meaning(_NEVER, "not_a_mobile"),  # To is no mobile number
        21635: Meaning(_NEVER, "not_a_mobile"),  # To cannot be a landline
        # The country or the way there.
        21408: Meaning(_NEVER, "not_allowed_there"),  # no permission for the region
        21612: Meaning(_NEVER, "not_allowed_there"),  # To and From cannot be connected
        21608: Meaning(_NEVER, "not_allowed_there"),  # trial account, To not verified
        63032: Meaning(_NEVER, "not_allowed_there"),  # a limit of WhatsApp for this user (its 472)
        63049: Meaning(_NEVER, "not_allowed_there"),  # Meta chose not to deliver it
        # What stands in it.
        30007: Meaning(_NEVER, "filtered_as_spam"),  # message filtered
        63013: Meaning(_NEVER, "template_wrong"),  # channel policy violation
        21617: Meaning(_NEVER, "too_long"),  # body over 1600 characters
        63021: Meaning(_NEVER, "template_wrong"),  # channel invalid content
        63027: Meaning(_NEVER, "template_wrong"),  # template does not exist for the language
        63028: Meaning(_NEVER, "template_wrong"),  # number of parameters does not match
        63029: Meaning(_NEVER, "template_wrong"),  # template not received whole
        63030: Meaning(_NEVER, "template_wrong"),  # unsupported parameter
        21655: Meaning(_NEVER, "template_wrong"),  # ContentSid invalid
        21656: Meaning(_NEVER, "template_wrong"),  # ContentVariables invalid
        21657: Meaning(_NEVER, "template_wrong"),  # Content template of another kind
        21658: Meaning(_NEVER, "template_wrong"),  # too many content variables
        63016: Meaning(_NEVER, "window_closed"),  # outside the messaging window
        # The queue, the pace and the time.
        20429: Meaning(_AGAIN, "busy"),  # too many requests
        63017: Meaning(_AGAIN, "busy"),  # rate of the account exceeded
        63018: Meaning(_AGAIN, "busy"),  # rate of the channel exceeded
        63038: Meaning(_AGAIN, "busy"),  # daily limit of the account
        63010: Meaning(_AGAIN, "busy"),  # internal error of the channel at Twilio
        63012: Meaning(_AGAIN, "busy"),  # internal error of the channel's provider
        21611: Meaning(_AGAIN, "queue_full"),  # queue of this From number is full
        30001: Meaning(_AGAIN, "queue_full"),  # queue overflow
        30036: Meaning(_NEVER, "too_late"),  # validity period expired
        # Our account and our settings: nothing leaves until people have mended it, and nothing is lost meanwhile.
        20003: Meaning(_AGAIN, "account_refused"),  # authenticate
        20005: Meaning(_AGAIN, "account_refused"),  # account not active
        20403: Meaning(_AGAIN, "account_refused"),  # forbidden
        10001: Meaning(_AGAIN, "account_refused"),  # account is not active
        90010: Meaning(_AGAIN, "account_refused"),  # account is not active
        30002: Meaning(_AGAIN, "account_refused"),  # account suspended
        63001: Meaning(_AGAIN, "account_refused"),  # the channel did not know us
        63020: Meaning(_AGAIN, "account_refused"),  # the business's own WhatsApp account (its 402: not paid)
        63022: Meaning(_AGAIN, "account_refused"),  # our WhatsApp name has no valid certificate
        21212: Meaning(_AGAIN, "not_our_number"),  # invalid From number
        21603: Meaning(_AGAIN, "not_our_number"),  # no From number
        21606: Meaning(_AGAIN, "not_our_number"),  # From is no number that may send
        21659: Meaning(_AGAIN, "not_our_number"),  # From is no Twilio number
        21660: Meaning(_AGAIN, "not_our_number"),  # From is of another account
        63002: Meaning(_AGAIN, "not_our_number"),  # channel could not find the From address
        63007: Meaning(_AGAIN, "not_our_number"),  # no channel of the account has the From address
        # Of a message to us, never of ours: a code somebody passed on was blotted out before it came.
        30038: Meaning(_NEVER, "redacted_code"),
        # Nobody knows why, or it may have arrived all the same: a person looks.
        30008: Meaning(_NEVER, UNKNOWN_FAULT),  # unknown error
        30410: Meaning(
            _NEVER, UNKNOWN_FAULT
        ),  # provider timeout; Twilio itself does not repeat it, for fear of two
        63005: Meaning(_NEVER, UNKNOWN_FAULT),  # channel did not accept the content
        63023: Meaning(_NEVER, UNKNOWN_FAULT),  # channel generic error
    }
)

# Wrong credentials, a closed account or an account path that does not exist, with a code nobody has sorted.
_ACCOUNT_STATUSES = frozenset({401, 403, 404})


def sort_refusal(*, status: int, code: int | None) -> Delivery:
    """What to do about an error answer to a send: Twilio's HTTP status and its own error code."""
    if status == 429:
        return Delivery(outcome=DeliveryOutcome.TRY_AGAIN, error_code=code, failure="busy")
    if status >= 500 or status == 408 or status < 400:
        # Whatever the code says: there is no idempotency key, so it may have been taken all the same.
        return Delivery(outcome=DeliveryOutcome.UNKNOWN, error_code=code)
    meaning = MEANINGS.get(code or 0)
    if meaning is not None:
        return Delivery(outcome=meaning.outcome, error_code=code, failure=meaning.failure)
    if status in _ACCOUNT_STATUSES:
        return Delivery(outcome=DeliveryOutcome.TRY_AGAIN, error_code=code, failure="account_refused")
    return Delivery(outcome=DeliveryOutcome.GIVE_UP, error_code=code, failure=UNKNOWN_FAULT)


def name_failure(error_code: str | None) -> str:
    """The failure that a code in a callback or a listed message stands for; `unknown_fault` for any other text."""
    is_code = (
        error_code is not None and error_code.isascii() and error_code.isdigit() and len(error_code) <= 6
    )
    meaning = MEANINGS.get(int(error_code)) if is_code and error_code else None
    return meaning.failure if meaning else UNKNOWN_FAULT
