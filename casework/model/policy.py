"""Who may do what: roles, actions, and one function that says no unless a row says yes.

Pure: it knows no database and no page. `docs/staff.md` says the same for people.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType


class Role(StrEnum):
    TRIAGE = "triage"
    INVESTIGATOR = "investigator"
    SUPERVISOR = "supervisor"
    TRAINER = "trainer"
    AUDITOR = "auditor"
    ADMIN = "admin"


class Action(StrEnum):
    """Everything a route of the desk lets somebody do."""

    KEEP_ACCOUNT = "keep_account"  # one's own log-in: out, second factor, home page
    SEE_QUEUE = "see_queue"
    SEE_CLOCKS = "see_clocks"  # the limits of the Victims' Code
    READ_CONVERSATION = "read_conversation"
    OPEN_FILE = "open_file"
    CLAIM = "claim"
    ANSWER = "answer"  # reply, draft, hand back, return
    NOTE = "note"
    REGRADE = "regrade"
    TRANSFER = "transfer"
    CLOSE = "close"
    CHANGE_PLAN = "change_plan"
    RECORD_TOLD = "record_told"
    LINK_OFFICER = "link_officer"
    EXPORT_RECORD = "export_record"  # the sealed record of a conversation one has
    EXPORT_ANY = "export_any"  # of anybody's, and of a whole case
    BREAK_GLASS = "break_glass"
    KEEP_SHIFT = "keep_shift"  # one's own shift, breaks and settings
    TAKE_OVER = "take_over"  # and reassign, release
    SEE_BOARD = "see_board"
    SEE_MEASURES = "see_measures"
    BROADCAST = "broadcast"
    PAUSE_INTAKE = "pause_intake"
    SWITCH_ASSISTANT = "switch_assistant"  # off for everybody, and on again
    MANAGE_TRIAL = "manage_trial"  # whom the assistant answers while it is tried
    REVIEW_QUALITY = "review_quality"
    RUN_DRILL = "run_drill"
    EDIT_ROTA = "edit_rota"
    EDIT_CANNED = "edit_canned"
    REVIEW_GLASS = "review_glass"
    MANAGE_STAFF = "manage_staff"
    APPROVE_IMPORT = "approve_import"
    READ_AUDIT = "read_audit"
    SEE_UNUSUAL_READING = "see_unusual_reading"
    REVIEW_READING = "review_reading"  # say of unusual reading what it was
    TRAIN = "train"
    UNMASK = "unmask"  # one value of a message on the workbench
    SEE_MODELS = "see_models"
    APPROVE_MODEL = "approve_model"
    ROLL_BACK_MODEL = "roll_back_model"
    APPROVE_CONTENT = "approve_content"
    PLACE_HOLD = "place_hold"
    LIFT_HOLD = "lift_hold"
    NOTE_EXPORTED = "note_exported"  # say that the force's record has it
    ERASE = "erase"
    AGREE_ERASING = "agree_erasing"  # as the second person, where the force's record does not have all of it
    HANDLE_ACCESS = "handle_access"  # a person's request for a copy of what is kept about them
    GIVE_ACCESS = "give_access"  # take that copy
    CHANGE_USE = "change_use"  # whether a conversation may teach the assistant


class Relation(StrEnum):
    """What a member of staff has to do with one conversation. Several may hold at once."""

    OWNER = "owner"  # has it now
    ASSIGNED = "assigned"  # their collar number is that of the officer in a linked case
    ON_QUEUE = "on_queue"  # it waits for anybody, and nobody has it
    COLLEAGUE = "colleague"  # somebody else of the desk has it now
    HANDLED = "handled"  # had it before
    GLASS = "glass"  # opened it with a reason, and the time is not over
    NONE = "none"


EVERYONE = frozenset(Role)
DESK = frozenset({Role.TRIAGE, Role.INVESTIGATOR, Role.SUPERVISOR})
SUPERVISORS = frozenset({Role.SUPERVISOR})
TRAINERS = frozenset({Role.TRAINER})

ANYWHERE = frozenset(Relation)
WITH_REASON_TO_READ = ANYWHERE - {Relation.NONE}
# Who opened it for a look, with a reason, changes nothing in it until they claim it.
AT_WORK = WITH_REASON_TO_READ - {Relation.GLASS}
# A plan can silence somebody or expose them: not while a colleague has the conversation, nor from memory.
OF_THEIRS = frozenset({Relation.OWNER, Relation.ON_QUEUE, Relation.ASSIGNED})
MINE = frozenset({Relation.OWNER})
ON_THE_DESK = frozenset({Relation.OWNER, Relation.ON_QUEUE, Relation.COLLEAGUE})

_ROWS: Mapping[Action, tuple[frozenset[Role], frozenset[Relation]]] = MappingProxyType(
    {
        Action.KEEP_ACCOUNT: (EVERYONE, ANYWHERE),
        Action.SEE_QUEUE: (DESK, ANYWHERE),
        Action.SEE_CLOCKS: (DESK, ANYWHERE),
        Action.KEEP_SHIFT: (DESK, ANYWHERE),
        Action.READ_CONVERSATION: (DESK, WITH_REASON_TO_READ),
        Action.OPEN_FILE: (DESK, WITH_REASON_TO_READ),
        # A colleague's too: the page then says who was first.
        Action.CLAIM: (DESK, WITH_REASON_TO_READ),
        Action.ANSWER: (DESK, MINE),
        Action.CLOSE: (DESK, MINE),
        Action.NOTE: (DESK, AT_WORK),
        Action.CHANGE_PLAN: (DESK, OF_THEIRS),
        Action.RECORD_TOLD: (DESK, AT_WORK),
        Action.LINK_OFFICER: (DESK, AT_WORK),
        Action.REGRADE: (DESK, ON_THE_DESK),
        # Whoever is asked to take it over accepts or refuses while it is still a colleague's.
        Action.TRANSFER: (DESK, ON_THE_DESK),
        Action.EXPORT_RECORD: (DESK, MINE),
        Action.EXPORT_ANY: (SUPERVISORS, WITH_REASON_TO_READ),
        Action.BREAK_GLASS: (DESK, ANYWHERE),
        Action.TAKE_OVER: (SUPERVISORS, ON_THE_DESK),
        Action.SEE_BOARD: (SUPERVISORS, ANYWHERE),
        Action.SEE_MEASURES: (SUPERVISORS | {Role.AUDITOR}, ANYWHERE),
        Action.BROADCAST: (SUPERVISORS, ANYWHERE),
        Action.PAUSE_INTAKE: (SUPERVISORS, ANYWHERE),
        # Off is the safe way and must be quick: one person, and no fresh proof.
        Action.SWITCH_ASSISTANT: (SUPERVISORS | {Role.ADMIN}, ANYWHERE),
        Action.MANAGE_TRIAL: (frozenset({Role.ADMIN}), ANYWHERE),
        Action.REVIEW_QUALITY: (SUPERVISORS, ANYWHERE),
        Action.RUN_DRILL: (SUPERVISORS, ANYWHERE),
        Action.EDIT_ROTA: (SUPERVISORS | {Role.ADMIN}, ANYWHERE),
        Action.EDIT_CANNED: (SUPERVISORS, ANYWHERE),
        Action.REVIEW_GLASS: (SUPERVISORS, ANYWHERE),
        Action.APPROVE_IMPORT: (SUPERVISORS, ANYWHERE),
        Action.PLACE_HOLD: (DESK, AT_WORK),
        Action.LIFT_HOLD: (SUPERVISORS, ANYWHERE),
        Action.NOTE_EXPORTED: (DESK, AT_WORK),
        Action.ERASE: (SUPERVISORS, WITH_REASON_TO_READ),
        Action.AGREE_ERASING: (SUPERVISORS, ANYWHERE),
        Action.HANDLE_ACCESS: (SUPERVISORS, ANYWHERE),
        Action.GIVE_ACCESS: (SUPERVISORS, ANYWHERE),
        Action.MANAGE_STAFF: (frozenset({Role.ADMIN}), ANYWHERE),
        Action.READ_AUDIT: (frozenset({Role.AUDITOR}), ANYWHERE),
        Action.SEE_UNUSUAL_READING: (SUPERVISORS | {Role.AUDITOR}, ANYWHERE),
        Action.REVIEW_READING: (SUPERVISORS, ANYWHERE),
        Action.TRAIN: (TRAINERS, ANYWHERE),
        Action.UNMASK: (TRAINERS, ANYWHERE),
        Action.SEE_MODELS: (TRAINERS | SUPERVISORS | {Role.AUDITOR}, ANYWHERE),
        # Whoever proposed it has another role, and the service asks for another person besides.
        Action.APPROVE_MODEL: (SUPERVISORS, ANYWHERE),
        # Going back is the safe way: it needs no second person.
        Action.ROLL_BACK_MODEL: (TRAINERS | SUPERVISORS, ANYWHERE),
        Action.APPROVE_CONTENT: (SUPERVISORS, ANYWHERE),
        Action.CHANGE_USE: (DESK, WITH_REASON_TO_READ),
    }
)
# Whoever has one of these roles reads what victims wrote, as they wrote it.
READERS = _ROWS[Action.READ_CONVERSATION][0]
# Done only by somebody who has just proved again who they are.
NEEDS_FRESH_PROOF = frozenset(
    {
        *(Action.BREAK_GLASS, Action.EXPORT_RECORD, Action.EXPORT_ANY),
        Action.MANAGE_STAFF,
        Action.UNMASK,
        Action.APPROVE_MODEL,
        Action.GIVE_ACCESS,
        Action.ERASE,
        Action.AGREE_ERASING,
    }
)


def can(role: str, action: Action, relation: Relation = Relation.NONE) -> bool:
    """Whether a row says yes. False for a role nobody defined, and for everything no row names."""
    roles, relations = _ROWS.get(action, (frozenset[Role](), frozenset[Relation]()))
    return role in roles and relation in relations


def can_through_any(role: str, action: Action, relations: Iterable[Relation]) -> bool:
    """Whether one of the relations is enough."""
    return any(can(role, action, each) for each in relations)
