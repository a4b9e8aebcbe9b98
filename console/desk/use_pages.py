"""The switch on the plan page: may what they wrote teach the assistant? Whether or not anybody knows who they are."""

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.model.errors import MessageNotFound, ReasonNeeded
from casework.model.training_flags import TrainingFlag
from casework.services import consents
from casework.services.consents import AllowedHereAlone, UseWithdrawn
from console.desk.conversation_pages import CONVERSATION, parse_inbox_id
from console.desk.plan_pages import render_plan
from console.forms import read_form
from console.sessions import SESSION

FAULT_OF: dict[type[Exception], tuple[int, str]] = {
    ReasonNeeded: (422, "use_reason"),
    UseWithdrawn: (409, "use_withdrawn"),
    AllowedHereAlone: (422, "use_here_alone"),
    MessageNotFound: (422, "use_message"),
}


def add_use_routes(app: web.Application) -> None:
    app.router.add_post(CONVERSATION + "/use", save_use)


async def save_use(request: web.Request) -> web.StreamResponse:
    """Of all of it, of one message, or, where it forbids, of all the same people wrote anywhere."""
    form, staff = await read_form(request), request[SESSION].staff
    conversation_id = request.match_info["conversation_id"]
    if form.get("use") not in set(TrainingFlag):
        return await render_plan(request, status=422, fault="use_none_chosen", typed_use=form)
    chosen = TrainingFlag(form["use"])
    if chosen is TrainingFlag.WITHDRAWN and form.get("sure") != "yes":
        return await render_plan(request, status=422, fault="use_not_sure", typed_use=form)
    message, why = form.get("message", ""), form.get("why", "")

    def save(tx: SqlTransaction) -> None:
        if form.get("everywhere") == "yes":
            consents.flag_everywhere(tx, conversation_id, chosen, why=why, by=staff.id)
        else:
            inbox_id = parse_inbox_id(message) if message else None
            consents.flag(tx, conversation_id, inbox_id, chosen, why=why, by=staff.id)

    try:
        await request.app[SERVICE].database.write(save)
    except tuple(FAULT_OF) as refusal:
        status, fault = FAULT_OF[type(refusal)]
        return await render_plan(request, status=status, fault=fault, typed_use=form)
    raise web.HTTPSeeOther(f"/console/c/{conversation_id}/plan?used=yes#use")
