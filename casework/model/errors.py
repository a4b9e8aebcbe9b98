"""Refusals, each named for its reason. Apps turn them into HTTP once, in their middleware."""


class WaymarkError(Exception):
    """Something Waymark refuses to do, with the reason in its name."""


class SettingsInvalid(WaymarkError):
    """A setting is missing or wrong; the message names it and the remedy."""


class SignatureInvalid(WaymarkError):
    """A webhook that its provider did not sign."""


class ConversationNotFound(WaymarkError):
    """No conversation has this id."""


class MessageNotFound(WaymarkError):
    """No message of a person has this id."""


class NotTheOwner(WaymarkError):
    """Only the person who claimed a conversation may answer it."""


class AlreadyClaimed(WaymarkError):
    """Someone else owns the conversation; says who and since when."""

    def __init__(self, owner_name: str, owned_since: object) -> None:
        super().__init__(f"{owner_name} claimed this first")
        self.owner_name = owner_name
        self.owned_since = owned_since


class TooManyUrgent(WaymarkError):
    """They have as many urgent conversations as one person may hold."""


class ReasonNeeded(WaymarkError):
    """This is only done with a reason in words, of a length that can be kept."""


class TransferNotFound(WaymarkError):
    """No transfer has this id."""


class TransferOver(WaymarkError):
    """The offer was accepted, refused, late, or meant for somebody else."""


class NotToThem(WaymarkError):
    """A conversation cannot be passed on to this person: not at the desk, or its owner already."""


class NotUnattended(WaymarkError):
    """Its owner has answered, or has had too little time to be called silent."""


class AnnotationNotFound(WaymarkError):
    """No label or judgement of a trainer has this id."""


class ExampleNotFound(WaymarkError):
    """No example has this id."""


class ComparisonNotFound(WaymarkError):
    """No comparison of models has this id, or no difference of one this place."""


class DeskItemNotFound(WaymarkError):
    """No open item has this id."""


class SameGrade(WaymarkError):
    """The item has this grade already."""


class UnreadMessages(WaymarkError):
    """The victim wrote after the composer was opened; read first."""


class OutcomeNeeded(WaymarkError):
    """An item still stands open; say what came of it before handing the conversation back."""


class EffectUnknown(WaymarkError):
    """An action declared an effect nobody defined. Never ignored."""


class AssistantUnavailable(WaymarkError):
    """The assistant did not give a whole answer in time; `code` says how it failed."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class SignInRefused(WaymarkError):
    """Wrong name or password; never says which."""
