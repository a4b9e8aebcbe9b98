"""The safe-contact plan of whoever a conversation belongs to, as an officer agrees it with them."""

import re
from collections.abc import Mapping

from aiohttp import web

from casework.adapters.web_app import SERVICE
from casework.model.contact_hours import ContactWindow
from casework.model.messages import Channel
from casework.model.safe_contact import SafeContactPlan, Wording
from casework.model.training_flags import TrainingFlag
from casework.services.desk import read_conversation
from casework.services.locks import Lock, end_lock, list_locks
from casework.services.plans import (
    PersonNotReached,
    PersonPlan,
    PhraseTooShort,
    SecretChange,
    change_plan,
    list_person_plans,
)
from console.access import RELATIONS
from console.desk.conversation_pages import CONVERSATION
from console.desk.training_use import load_use
from console.forms import read_form
from console.pages import PAGES
from console.sessions import SESSION

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LONGEST_NOTE = 200
CLOCK = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)", re.ASCII)


class HoursUnclear(ValueError):
    """A day with half a window, or a time that is none."""


def add_plan_routes(app: web.Application) -> None:
    app.router.add_get(CONVERSATION + "/plan", show_plan)
    app.router.add_post(CONVERSATION + "/plan", save_plan)
    app.router.add_post(CONVERSATION + "/locks", save_ended_lock)


async def show_plan(request: web.Request) -> web.StreamResponse:
    return await render_plan(request)


async def save_plan(request: web.Request) -> web.StreamResponse:
    """Saves one person's plan, or gives the page back with the fault told; the typed plan is kept in it."""
    service, staff = request.app[SERVICE], request[SESSION].staff
    conversation_id = request.match_info["conversation_id"]
    form = await read_form(request)
    if form.get("spoke") != "yes":
        return await render_plan(request, status=422, fault="plan_not_spoken", typed=form)
    try:
        plan = parse_plan_form(form)
        await service.database.write(
            lambda tx: change_plan(
                tx,
                conversation_id,
                form.get("person", ""),
                plan,
                by=staff.id,
                safe_word=_secret(form, "safe_word"),
                duress_phrase=_secret(form, "duress_phrase"),
                hash_of=service.codes.hash,
            )
        )
    except HoursUnclear:
        return await render_plan(request, status=422, fault="plan_hours", typed=form)
    except PhraseTooShort:
        return await render_plan(request, status=422, fault="plan_phrase", typed=form)
    except PersonNotReached as error:
        raise web.HTTPNotFound from error
    raise web.HTTPSeeOther(f"/console/c/{conversation_id}/plan?saved=yes")


async def save_ended_lock(request: web.Request) -> web.StreamResponse:
    """Ends what was pressed, for whoever was named; the officer has spoken with them."""
    service, staff = request.app[SERVICE], request[SESSION].staff
    conversation_id = request.match_info["conversation_id"]
    form = await read_form(request)
    if form.get("spoke") != "yes":
        return await render_plan(request, status=422, fault="lock_not_spoken")
    try:
        lock, person_id = Lock(form.get("lock", "")), form.get("person", "")
        await service.database.write(lambda tx: end_lock(tx, conversation_id, person_id, lock, by=staff.id))
    except (PersonNotReached, ValueError) as error:
        raise web.HTTPNotFound from error
    raise web.HTTPSeeOther(f"/console/c/{conversation_id}/plan?ended={lock.value}")


def parse_plan_form(form: Mapping[str, str]) -> SafeContactPlan:
    """What the form says; a box that is not ticked is a no. Raises HoursUnclear."""
    return SafeContactPlan(
        unasked_channels=frozenset(each for each in Channel if form.get(f"unasked_{each}") == "yes"),
        answered_channels=frozenset(each for each in Channel if form.get(f"answered_{each}") == "yes"),
        hours=tuple(
            window
            for number, day in enumerate(WEEKDAYS)
            if (window := _parse_window(number, form.get(f"{day}_from", ""), form.get(f"{day}_to", "")))
        ),
        wording=Wording.PLAIN if form.get("wording") == Wording.PLAIN else Wording.NEUTRAL,
        is_unsolicited_agreed=form.get("unsolicited") == "yes",
        may_leave_voicemail=form.get("voicemail") == "yes",
        is_safe_first=form.get("safe_first") == "yes",
        who_may_be_present=form.get("present", "").strip()[:LONGEST_NOTE],
    )


def _parse_window(weekday: int, start: str, end: str) -> ContactWindow | None:
    if not start.strip() and not end.strip():
        return None
    try:
        return ContactWindow(
            weekday=weekday, start_minute=_parse_minute(start), end_minute=_parse_minute(end)
        )
    except ValueError as error:
        raise HoursUnclear from error


def _parse_minute(text: str) -> int:
    found = CLOCK.fullmatch(text.strip())
    if found is None:
        raise HoursUnclear
    return int(found[1]) * 60 + int(found[2])


def _secret(form: Mapping[str, str], name: str) -> SecretChange:
    return SecretChange(is_removed=form.get(f"{name}_remove") == "yes", phrase=form.get(name, ""))


async def render_plan(
    request: web.Request,
    *,
    status: int = 200,
    fault: str | None = None,
    typed: Mapping[str, str] | None = None,
    typed_use: Mapping[str, str] | None = None,
) -> web.Response:
    """The page, with what was typed into the form that was refused."""
    service, session = request.app[SERVICE], request[SESSION]
    conversation_id = request.match_info["conversation_id"]
    # The reading is on record before anything of it is shown.
    relations = request[RELATIONS]
    await service.database.write(
        lambda tx: read_conversation(tx, conversation_id, by=session.staff, relations=relations)
    )
    people, locks, use = await service.database.read(
        lambda tx: (
            list_person_plans(tx, conversation_id),
            list_locks(tx, conversation_id),
            load_use(tx, conversation_id),
        )
    )
    shown = _as_typed(people, typed or {})
    return request.app[PAGES].render(
        "plan.html",
        status=status,
        session=session,
        conversation_id=conversation_id,
        people=shown,
        channels=list(Channel),
        weekdays=WEEKDAYS,
        windows=[_windows(each.plan) for each in shown],
        fault=fault,
        locks=locks,
        ended=next((each.value for each in Lock if each.value == request.query.get("ended")), None),
        is_saved=request.query.get("saved") == "yes",
        use=use,
        use_flags=list(TrainingFlag),
        use_typed=typed_use or {},
        is_used=request.query.get("used") == "yes",
    )


def _as_typed(people: list[PersonPlan], typed: Mapping[str, str]) -> list[PersonPlan]:
    """A refused form keeps what was typed for its person, as far as it can be read."""
    if not typed:
        return people
    try:
        plan = parse_plan_form(typed)
    except HoursUnclear:
        plan = parse_plan_form(
            {name: text for name, text in typed.items() if not name.endswith(("_from", "_to"))}
        )
    return [
        PersonPlan(reach=each.reach, plan=plan) if each.reach.person_id == typed.get("person") else each
        for each in people
    ]


def _windows(plan: SafeContactPlan) -> dict[str, tuple[str, str]]:
    """Weekday -> (from, to) as a form shows them; the first window of a day."""
    shown: dict[str, tuple[str, str]] = {}
    for window in plan.hours:
        shown.setdefault(WEEKDAYS[window.weekday], (_clock(window.start_minute), _clock(window.end_minute)))
    return shown


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
