"""Who read what they wrote: every state the page can be in."""

from datetime import datetime, time, timedelta

import sqlalchemy as sa
from playwright.async_api import Page

from casework.adapters.storage.records import SqlAudit
from casework.adapters.storage.tables import conversation
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.messages import Channel
from casework.model.standings import Standing
from casework.model.working_days import LONDON, local_day
from tests.channels.states_my_notes import at, open_at
from tests.channels.web_states import Show
from tests.channels.webchat_site import WebchatSite

READERS = "/my/readers"
# Who did what, how many days ago.
DONE = (
    ("investigator", "conversation_read", 1),
    ("investigator", "conversation_read", 1),
    ("investigator", "staff_replied", 1),
    ("supervisor", "glass_broken", 2),
    ("triage", "conversation_looked_up", 3),
)


async def show_read(page: Page, site: WebchatSite) -> None:
    await open_at(page, site, READERS, Standing.STEPPED_UP)
    site.service.database.write_now(put_readers)
    await page.goto(READERS)


def put_readers(tx: SqlTransaction) -> None:
    """Into the one visit there is."""
    newest = sa.select(conversation.c.id).where(conversation.c.channel == Channel.WEBCHAT.value)
    conversation_id = tx.connection.execute(newest).scalar_one()
    for place, (role, act, days) in enumerate(DONE):
        login = f"test-{role}"
        found = tx.staff.find(login)
        staff_id = (
            found.id
            if found is not None
            else tx.staff.add(
                login=login, display_name=f"{role.title()} Test-Officer", role=role, password_hash="x"
            )
        )
        noon = datetime.combine(local_day(tx.now) - timedelta(days=days), time(12, place), LONDON)
        past = SqlAudit(tx.connection, noon)
        thing = "a" * 32 if act == "glass_broken" else None
        past.record(act, by=staff_id, conversation_id=conversation_id, thing=thing)
        past.write()


STATES: dict[str, Show] = {
    "GET /my/readers: nothing proved": at(READERS, None),
    "GET /my/readers: a link and no PIN": at(READERS, Standing.LINKED),
    "GET /my/readers: nobody yet": at(READERS, Standing.STEPPED_UP),
    "GET /my/readers: read": show_read,
}
