"""Who may open what: one reviewed table of every route, and the middleware that asks it. What is not listed is closed.

Whoever adds a route adds a row to `ROUTES`, and for an id in its address a row to `CONVERSATION_OF`, or its name to
`NO_CONVERSATION`. tests/console/test_access.py walks the router.
"""

from collections.abc import Callable, Mapping

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE, Handler
from casework.model.errors import NotTheOwner, WaymarkError
from casework.model.policy import NEEDS_FRESH_PROOF, Action, Relation, can, can_through_any
from casework.services.ports import StaffMember
from casework.services.staff_ports import Related
from console.sessions import SESSION, is_open

C = "/console/c/{conversation_id}"
COPY = "/console/copies/{request_id}"
ITEM = "/workbench/items/{item_no}"
GUEST = "/workbench/guests/written/{guest_no}"
MODEL = "/workbench/models/{model_no}"

ROUTES: dict[str, Action] = {
    "GET /": Action.KEEP_ACCOUNT,
    "POST /logout": Action.KEEP_ACCOUNT,
    "GET /console/account": Action.KEEP_ACCOUNT,
    "POST /console/account/codes": Action.KEEP_ACCOUNT,
    "GET /console/account/again": Action.KEEP_ACCOUNT,
    "POST /console/account/again": Action.KEEP_ACCOUNT,
    "GET /console/staff": Action.MANAGE_STAFF,
    "POST /console/staff": Action.MANAGE_STAFF,
    "POST /console/staff/{staff_id}/role": Action.MANAGE_STAFF,
    "POST /console/staff/{staff_id}/end": Action.MANAGE_STAFF,
    "POST /console/staff/{staff_id}/factor": Action.MANAGE_STAFF,
    f"GET {C}/glass": Action.BREAK_GLASS,
    f"POST {C}/glass": Action.BREAK_GLASS,
    "GET /console/glass": Action.REVIEW_GLASS,
    "POST /console/glass/{opening_id}": Action.REVIEW_GLASS,
    f"GET {C}/keeping": Action.READ_CONVERSATION,
    f"POST {C}/keeping/hold": Action.PLACE_HOLD,
    f"POST {C}/keeping/exported": Action.NOTE_EXPORTED,
    f"GET {C}/erase": Action.ERASE,
    f"POST {C}/erase": Action.ERASE,
    "GET /console/holds": Action.LIFT_HOLD,
    "POST /console/holds/{hold_id}": Action.LIFT_HOLD,
    "GET /console/erasures/{erasure_id}": Action.AGREE_ERASING,
    "POST /console/erasures/{erasure_id}": Action.AGREE_ERASING,
    "GET /console/copies": Action.HANDLE_ACCESS,
    "POST /console/copies": Action.HANDLE_ACCESS,
    f"GET {COPY}": Action.HANDLE_ACCESS,
    f"POST {COPY}/step": Action.HANDLE_ACCESS,
    f"POST {COPY}/second": Action.HANDLE_ACCESS,
    f"GET {COPY}/look": Action.HANDLE_ACCESS,
    f"POST {COPY}/look": Action.HANDLE_ACCESS,
    f"GET {COPY}/file": Action.HANDLE_ACCESS,
    f"GET {COPY}/give": Action.GIVE_ACCESS,
    f"POST {COPY}/give": Action.GIVE_ACCESS,
    "GET /console/audit": Action.READ_AUDIT,
    "GET /console/audit/unusual": Action.SEE_UNUSUAL_READING,
    "POST /console/audit/unusual/{finding_id}": Action.REVIEW_READING,
    "GET /console": Action.SEE_QUEUE,
    "GET /console/events": Action.SEE_QUEUE,
    "GET /console/next": Action.SEE_QUEUE,
    "GET /console/alerts": Action.SEE_QUEUE,
    "GET /console/keys": Action.SEE_QUEUE,
    "GET /console/start": Action.KEEP_SHIFT,
    "POST /console/start": Action.KEEP_SHIFT,
    "POST /console/start/end": Action.KEEP_SHIFT,
    f"GET {C}/transfer": Action.TRANSFER,
    f"POST {C}/transfer": Action.TRANSFER,
    f"POST {C}/transfer/accept": Action.TRANSFER,
    f"POST {C}/transfer/refuse": Action.TRANSFER,
    f"GET {C}/take-over": Action.TAKE_OVER,
    f"POST {C}/take-over": Action.TAKE_OVER,
    f"POST {C}/release": Action.TAKE_OVER,
    f"GET {C}/regrade": Action.REGRADE,
    f"POST {C}/regrade": Action.REGRADE,
    "GET /console/clocks": Action.SEE_CLOCKS,
    f"GET {C}": Action.READ_CONVERSATION,
    f"GET {C}/events": Action.READ_CONVERSATION,
    f"POST {C}/size": Action.READ_CONVERSATION,
    f"POST {C}/claim": Action.CLAIM,
    f"POST {C}/reply": Action.ANSWER,
    f"POST {C}/close": Action.CLOSE,
    f"POST {C}/hand-back": Action.ANSWER,
    f"POST {C}/return": Action.ANSWER,
    f"POST {C}/told": Action.RECORD_TOLD,
    f"GET {C}/reply": Action.READ_CONVERSATION,
    f"GET {C}/about": Action.READ_CONVERSATION,
    f"POST {C}/insert": Action.ANSWER,
    # Not ANSWER: who had it a moment ago still leaves the last words of a draft to the next owner.
    f"POST {C}/draft": Action.NOTE,
    f"POST {C}/draft/take": Action.ANSWER,
    f"GET {C}/notes": Action.READ_CONVERSATION,
    f"POST {C}/notes": Action.NOTE,
    f"GET {C}/wrong": Action.READ_CONVERSATION,
    f"POST {C}/wrong": Action.NOTE,
    f"GET {C}/happened": Action.READ_CONVERSATION,
    f"POST {C}/happened": Action.NOTE,
    "GET /console/happened": Action.SEE_QUEUE,
    "GET /console/canned": Action.EDIT_CANNED,
    "POST /console/canned": Action.EDIT_CANNED,
    f"GET {C}/plan": Action.READ_CONVERSATION,
    f"POST {C}/plan": Action.CHANGE_PLAN,
    f"POST {C}/locks": Action.CHANGE_PLAN,
    f"POST {C}/use": Action.CHANGE_USE,
    f"POST {C}/officer-link": Action.LINK_OFFICER,
    f"GET {C}/export": Action.EXPORT_RECORD,
    f"POST {C}/export": Action.EXPORT_RECORD,
    f"GET {C}/export/any": Action.EXPORT_ANY,
    f"POST {C}/export/any": Action.EXPORT_ANY,
    "GET /console/media/{media_id}": Action.OPEN_FILE,
    "GET /console/board": Action.SEE_BOARD,
    "GET /console/board/events": Action.SEE_BOARD,
    "GET /console/board/c/{conversation_id}": Action.TAKE_OVER,
    "POST /console/board/c/{conversation_id}": Action.TAKE_OVER,
    "GET /console/broadcast": Action.BROADCAST,
    "POST /console/broadcast": Action.BROADCAST,
    "POST /console/broadcast/end": Action.BROADCAST,
    "GET /console/intake": Action.PAUSE_INTAKE,
    "POST /console/intake": Action.PAUSE_INTAKE,
    "POST /console/intake/end": Action.PAUSE_INTAKE,
    "GET /console/assistant": Action.SWITCH_ASSISTANT,
    "POST /console/assistant/off": Action.SWITCH_ASSISTANT,
    "POST /console/assistant/on": Action.SWITCH_ASSISTANT,
    "GET /console/trial": Action.MANAGE_TRIAL,
    "POST /console/trial": Action.MANAGE_TRIAL,
    "POST /console/trial/start": Action.MANAGE_TRIAL,
    "POST /console/trial/end": Action.MANAGE_TRIAL,
    "POST /console/trial/{trial_entry_id}/remove": Action.MANAGE_TRIAL,
    "GET /console/quality": Action.REVIEW_QUALITY,
    "GET /console/quality/{reviewed_item}": Action.REVIEW_QUALITY,
    "POST /console/quality/{reviewed_item}": Action.REVIEW_QUALITY,
    "GET /console/measures": Action.SEE_MEASURES,
    "GET /console/measures/{table}.csv": Action.SEE_MEASURES,
    "GET /console/me": Action.KEEP_SHIFT,
    "POST /console/break": Action.KEEP_SHIFT,
    "POST /console/back": Action.KEEP_SHIFT,
    "POST /console/me/later": Action.KEEP_SHIFT,
    "POST /console/me/debrief": Action.KEEP_SHIFT,
    "GET /console/rota": Action.EDIT_ROTA,
    "POST /console/rota": Action.EDIT_ROTA,
    "POST /console/rota/{entry_id}/remove": Action.EDIT_ROTA,
    "GET /console/drills": Action.RUN_DRILL,
    "POST /console/drills": Action.RUN_DRILL,
    "GET /console/drills/{drill_id}": Action.RUN_DRILL,
    "GET /console/drills/{drill_id}/report.csv": Action.RUN_DRILL,
    "POST /console/drills/{drill_id}/end": Action.RUN_DRILL,
    "GET /workbench": Action.TRAIN,
    "POST /workbench/keys": Action.TRAIN,
    "GET /workbench/inbox/{queue}": Action.TRAIN,
    "GET /workbench/inbox/{queue}/next": Action.TRAIN,
    f"GET {ITEM}": Action.TRAIN,
    f"POST {ITEM}/label": Action.TRAIN,
    f"POST {ITEM}/third": Action.TRAIN,
    f"POST {ITEM}/skip": Action.TRAIN,
    f"POST {ITEM}/flag": Action.TRAIN,
    f"POST {ITEM}/judge": Action.TRAIN,
    f"POST {ITEM}/accept": Action.TRAIN,
    f"POST {ITEM}/remove": Action.TRAIN,
    f"GET {ITEM}/unmask": Action.UNMASK,
    f"POST {ITEM}/unmask": Action.UNMASK,
    "POST /workbench/undo/{annotation_id}": Action.TRAIN,
    "GET /workbench/third": Action.TRAIN,
    "GET /workbench/third/next": Action.TRAIN,
    "GET /workbench/clusters/{cluster_no}": Action.TRAIN,
    "POST /workbench/clusters/{cluster_no}": Action.TRAIN,
    "GET /workbench/agreement": Action.TRAIN,
    "GET /workbench/examples": Action.TRAIN,
    "GET /workbench/examples/{example_id}": Action.TRAIN,
    "POST /workbench/examples/{example_id}": Action.TRAIN,
    "POST /workbench/examples/{example_id}/variants": Action.TRAIN,
    "GET /workbench/guidelines/{label}": Action.TRAIN,
    "GET /workbench/guests": Action.TRAIN,
    "POST /workbench/guests": Action.TRAIN,
    "POST /workbench/guests/{link_no}/end": Action.TRAIN,
    f"GET {GUEST}": Action.TRAIN,
    f"POST {GUEST}/label": Action.TRAIN,
    f"POST {GUEST}/third": Action.TRAIN,
    f"POST {GUEST}/undo": Action.TRAIN,
    f"POST {GUEST}/accept": Action.TRAIN,
    f"POST {GUEST}/remove": Action.TRAIN,
    f"POST {GUEST}/handled": Action.TRAIN,
    "GET /workbench/data": Action.TRAIN,
    "POST /workbench/train": Action.TRAIN,
    "POST /workbench/evaluate": Action.TRAIN,
    "POST /workbench/compare": Action.TRAIN,
    "GET /workbench/jobs/{job_id}": Action.TRAIN,
    "GET /workbench/jobs/{job_id}/events": Action.TRAIN,
    "POST /workbench/jobs/{job_id}/stop": Action.TRAIN,
    "GET /workbench/models": Action.SEE_MODELS,
    "GET /workbench/models/back": Action.ROLL_BACK_MODEL,
    "POST /workbench/models/back": Action.ROLL_BACK_MODEL,
    f"GET {MODEL}": Action.SEE_MODELS,
    f"GET {MODEL}/evaluation": Action.SEE_MODELS,
    f"GET {MODEL}/evaluation/messages": Action.SEE_MODELS,
    f"POST {MODEL}/shadow": Action.TRAIN,
    f"POST {MODEL}/shadow/end": Action.TRAIN,
    f"GET {MODEL}/propose": Action.TRAIN,
    f"POST {MODEL}/propose": Action.TRAIN,
    f"GET {MODEL}/promote": Action.APPROVE_MODEL,
    f"POST {MODEL}/promote": Action.APPROVE_MODEL,
    # Who may go back may also keep what is live: whoever proposed a model takes the proposal back by it, too.
    f"POST {MODEL}/refuse": Action.ROLL_BACK_MODEL,
    "GET /workbench/comparisons/{comparison_id}": Action.SEE_MODELS,
    "GET /workbench/comparisons/{comparison_id}/{place}": Action.SEE_MODELS,
    "GET /workbench/content": Action.SEE_MODELS,
    "GET /workbench/content/{content_name}": Action.SEE_MODELS,
    "POST /workbench/content/{content_name}/draft": Action.TRAIN,
    "POST /workbench/content/{content_name}/publish": Action.APPROVE_CONTENT,
    "POST /workbench/content/{content_name}/refuse": Action.APPROVE_CONTENT,
    "POST /workbench/content/{content_name}/back": Action.APPROVE_CONTENT,
    "GET /workbench/content/{content_name}/told": Action.SEE_MODELS,
}

# The conversation an id of an address belongs to; None where there is none. An id nobody lists here closes its route.
CONVERSATION_OF: dict[str, Callable[[SqlTransaction, str], str | None]] = {
    "conversation_id": lambda _tx, conversation_id: conversation_id,
    "media_id": lambda tx, media_id: _find_conversation_of_media(tx, media_id),
}
# Ids of things that open no conversation: the action alone says who may.
NO_CONVERSATION: set[str] = {
    "entry_id",
    "trial_entry_id",
    "staff_id",
    "opening_id",
    "hold_id",
    "erasure_id",
    "finding_id",
    "request_id",
    "drill_id",
    "reviewed_item",
    "table",
}
# The workbench's: masked, and nothing of a conversation that is live (casework/services/review_inbox.py).
NO_CONVERSATION |= {
    "queue",
    "item_no",
    "annotation_id",
    "cluster_no",
    "example_id",
    "label",
    "content_name",
    "link_no",
    "guest_no",
    "job_id",
    "model_no",
    "comparison_id",
    "place",
}

# How whoever asks stands to the conversation of the address; NONE alone where there is none.
RELATIONS: web.RequestKey[frozenset[Relation]] = web.RequestKey("relations", frozenset)

HOME = "/console"
WORKBENCH = "/workbench"


class RoleRefused(WaymarkError):
    """No relation to a conversation would help: this is not for the role, or not listed."""


class ConversationClosed(WaymarkError):
    """Not on the queue, not theirs, and not opened with a reason; or there is no such conversation."""


class FreshProofNeeded(WaymarkError):
    """They may, once they have proved again who they are."""


class ActRefused(WaymarkError):
    """They may read the conversation, and not do this in it."""


@web.middleware
async def require_access(request: web.Request, handler: Handler) -> web.StreamResponse:
    """After `require_session`. Lets through what the table and the policy allow; the rest is refused and recorded."""
    resource = request.match_info.route.resource
    if resource is None or is_open(request):
        return await handler(request)
    key = f"{'GET' if request.method == 'HEAD' else request.method} {resource.canonical}"
    staff, action = request[SESSION].staff, ROUTES.get(key)
    related = await _find_related(request, staff)
    request[RELATIONS] = related.relations
    if action is not None and can_through_any(staff.role, action, related.relations):
        if action in NEEDS_FRESH_PROOF and not request[SESSION].is_fresh(request.app[SERVICE].clock.now()):
            raise FreshProofNeeded
        return await handler(request)
    if key == f"GET {HOME}":
        raise web.HTTPSeeOther(find_home(staff.role))
    await _record_refusal(request, key, related)
    raise _name_refusal(staff.role, action, related.relations, request.match_info)


def find_home(role: str) -> str:
    """Where somebody of that role begins."""
    if can(role, Action.SEE_QUEUE):
        return HOME
    if can(role, Action.TRAIN):
        return WORKBENCH
    return "/console/staff" if can(role, Action.MANAGE_STAFF) else "/console/account"


async def _find_related(request: web.Request, staff: StaffMember) -> Related:
    """The relation to what the address names; NONE where it names nothing, or something unknown."""
    named = {name: value for name, value in request.match_info.items() if name not in NO_CONVERSATION}
    nobody = Related(relations=frozenset({Relation.NONE}), exists=False)
    if not named or not set(named) <= set(CONVERSATION_OF):
        return nobody
    return await request.app[SERVICE].database.read(lambda tx: _find_weakest(tx, named, staff) or nobody)


def _find_weakest(tx: SqlTransaction, named: Mapping[str, str], staff: StaffMember) -> Related | None:
    """Two ids of one address must be of one conversation, or nobody has anything to do with it."""
    found = {CONVERSATION_OF[name](tx, value) for name, value in named.items()}
    conversation_id = found.pop()
    if found or conversation_id is None:
        return None
    return tx.relations.find(conversation_id, staff)


def _find_conversation_of_media(tx: SqlTransaction, media_id: str) -> str | None:
    found = tx.media.find(int(media_id))
    return found[0].conversation_id if found else None


async def _record_refusal(request: web.Request, key: str, related: Related) -> None:
    conversation_id = request.match_info.get("conversation_id") if related.exists else None
    staff_id = request[SESSION].staff.id
    await request.app[SERVICE].database.write(
        lambda tx: tx.audit.record(
            "access_refused", by=staff_id, conversation_id=conversation_id, thing=key[:96]
        )
    )


def _name_refusal(
    role: str, action: Action | None, relations: frozenset[Relation], named: Mapping[str, str]
) -> WaymarkError:
    # What a role can never do is refused before anything is said about the thing itself.
    if action is None or not can_through_any(role, action, Relation):
        return RoleRefused(role)
    if not can_through_any(role, Action.READ_CONVERSATION, relations):
        return ConversationClosed()
    if can(role, action, Relation.OWNER):
        return NotTheOwner(named.get("conversation_id", ""))
    return ActRefused()
