"""The pages of the switch and of the trial, through the real desk.

Red when: either is open to another role, the alarm is not over other pages while it is off, or a refusal loses what
was typed.
"""

import pytest

from casework.adapters.storage.tables import audit
from casework.services.kill_switch import ALARM
from tests.console.desk_site import DeskSite

OFF = "The assistant is switched off"


@pytest.mark.parametrize("role", ["auditor", "investigator", "trainer", "triage"])
async def test_other_roles_switch_nothing(site: DeskSite, role: str) -> None:
    who = await site.detective("casey", "Casey Hill", role=role)

    seen = [(await who.get(path))[0].status for path in ("/console/assistant", "/console/trial")]
    pressed, _ = await who.post("/console/assistant/off", {"reason": "I would like to"})

    assert (seen, pressed.status) == ([403, 403], 403)
    assert site.service.database.read_now(lambda tx: tx.assistant_switch.list_off()) == []


@pytest.mark.parametrize("role", ["admin", "supervisor"])
async def test_off_stands_over_every_page_until_it_is_on_again(site: DeskSite, role: str) -> None:
    who = await site.detective("alex", "Alex Lee", role=role)
    sam = await site.detective()

    pressed, _ = await who.post("/console/assistant/off", {"reason": "Odd <b>answers</b>", "channel": ""})
    _, page = await who.get("/console/assistant")
    _, queue = await sam.get("/console")
    assert pressed.status == 303
    assert "Odd &lt;b&gt;answers&lt;/b&gt;" in page
    assert OFF in queue
    assert f'data-kind="{ALARM}"' in queue

    await who.post("/console/assistant/on")

    assert OFF not in (await sam.get("/console"))[1]
    assert [row.act for row in site.rows(audit) if "switched" in row.act] == [
        "assistant_switched_off",
        "assistant_switched_on",
    ]


async def test_one_channel_and_no_reason(site: DeskSite) -> None:
    alex = await site.detective("alex", "Alex Lee", role="supervisor")

    refused, page = await alex.post("/console/assistant/off", {"reason": " ", "channel": "sms"})
    await alex.post("/console/assistant/off", {"reason": "Tests", "channel": "sms"})
    await alex.post("/console/assistant/off", {"reason": "Tests", "channel": ""})
    again, _ = await alex.post("/console/assistant/on", {"channel": "sms"})

    assert refused.status == 422
    assert 'role="alert"' in page
    assert again.status == 409
    found = site.service.database.read_now(lambda tx: tx.assistant_switch.list_off())
    assert [each.channel and each.channel.value for each in found] == ["sms", None]


async def test_the_list_of_a_trial_is_kept_by_administrators_and_reading_it_is_on_record(
    site: DeskSite,
) -> None:
    adam = await site.detective("adam", "Adam Test-Officer", role="admin")

    refused, page = await adam.post("/console/trial", {"written": "nobody"})
    await adam.post("/console/trial", {"written": "07700 900001"})
    await adam.post("/console/trial/start")
    _, listed = await adam.get("/console/trial")

    assert refused.status == 422
    assert 'value="nobody"' in page
    assert "+447700900001" in listed
    assert "A trial goes on" in listed
    assert "trial_list_read" in [row.act for row in site.rows(audit)]
