"""The states of the chat and of the screens before it, and the steps that bring a page there."""

from playwright.async_api import Page, expect

from casework.adapters.storage.tables import conversation
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.desk import Outcome
from casework.model.messages import Author
from casework.services import desk
from casework.services.ports import StaffMember
from tests.channels.web_states import Show
from tests.channels.webchat_site import WebchatSite

QUESTION = "what is happening with my case"
ANSWER = "An officer is looking into it."


async def start(page: Page, answer: str = "No, it is safe") -> None:
    """Through all three screens, as anyone comes to the chat."""
    await page.goto("/")
    await page.get_by_label(answer).check()
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_role("button", name="Start", exact=True).click()
    await expect(page.get_by_role("heading", name="Messages", level=1)).to_be_visible()
    # The page is drawn before its script has run.
    await page.wait_for_load_state("domcontentloaded")


async def send(page: Page, text: str) -> None:
    await page.get_by_label("Your message").fill(text)
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(page.locator("#log").get_by_text(text)).to_be_visible()


def join(site: WebchatSite, name: str = "Sam Example") -> StaffMember:
    """Somebody on the desk takes the newest conversation; who they are."""
    staff_id = site.add_staff(name)

    def claim(tx: SqlTransaction) -> StaffMember:
        member = tx.staff.get(staff_id)
        desk.claim_conversation(tx, newest_conversation(site), by=member, texts=site.service.texts)
        return member

    member = site.service.database.write_now(claim)
    site.send_waiting()
    return member


def reply(site: WebchatSite, text: str, by: StaffMember) -> None:
    def write(tx: SqlTransaction) -> None:
        conversation_id = newest_conversation(site)
        seen = tx.inbox.latest_id(conversation_id) or 0
        desk.reply_as_staff(tx, conversation_id, text, by=by, last_seen_inbox_id=seen, form_id=text)

    site.service.database.write_now(write)
    site.send_waiting()


def hand_back(site: WebchatSite, by: StaffMember) -> None:
    def give(tx: SqlTransaction) -> None:
        conversation_id = newest_conversation(site)
        seen = tx.inbox.latest_id(conversation_id) or 0
        told = Outcome.INFORMATION_GIVEN
        desk.hand_back(tx, conversation_id, told, by=by, last_seen_inbox_id=seen, texts=site.service.texts)

    site.service.database.write_now(give)
    site.send_waiting()


def newest_conversation(site: WebchatSite) -> str:
    newest = max(site.rows(conversation), key=lambda row: row.last_inbound_at or row.created_at)
    return str(newest.id)


async def show_question(page: Page, site: WebchatSite) -> None:
    await page.goto("/")


async def show_question_in_a_visit(page: Page, site: WebchatSite) -> None:
    await page.request.post(f"{site.url}/start")
    await page.goto("/")


async def show_all_that_is_before(page: Page, site: WebchatSite) -> None:
    await page.goto("/before")


async def show_before_when_it_is_safe(page: Page, site: WebchatSite) -> None:
    await page.goto("/")
    await page.get_by_label("No, it is safe").check()
    await page.get_by_role("button", name="Continue").click()


async def show_before_when_seen(page: Page, site: WebchatSite) -> None:
    await page.goto("/")
    await page.get_by_label("Yes, someone might").check()
    await page.get_by_role("button", name="Continue").click()


async def show_before_when_written(page: Page, site: WebchatSite) -> None:
    await page.request.post(f"{site.url}/start", form={"text": QUESTION})
    await page.goto("/before")


async def show_about(page: Page, site: WebchatSite) -> None:
    await page.goto("/about")


async def show_about_in_a_visit(page: Page, site: WebchatSite) -> None:
    await page.request.post(f"{site.url}/start")
    await page.goto("/about")


async def show_empty_chat(page: Page, site: WebchatSite) -> None:
    await page.request.post(f"{site.url}/start")
    await page.goto("/m")


async def show_conversation(page: Page, site: WebchatSite) -> None:
    await page.request.post(f"{site.url}/start", form={"text": QUESTION})
    site.answer(ANSWER * 3, choices=("What happens next", "Who is my officer"))
    await page.goto("/m")


async def show_person(page: Page, site: WebchatSite) -> None:
    await show_conversation(page, site)
    reply(site, "I am reading this now.", join(site))
    await page.goto("/m")
    await expect(page.get_by_text("A person has your message.")).to_be_visible()


async def show_long_conversation(page: Page, site: WebchatSite) -> None:
    await show_conversation(page, site)
    for number in range(210):
        site.answer(f"Line {number}", author=Author.SERVICE)
    await page.goto("/m")
    await expect(page.get_by_text("Only your newest messages are shown here.")).to_be_visible()


async def show_empty_box(page: Page, site: WebchatSite) -> None:
    await show_empty_chat(page, site)
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()


async def show_too_long(page: Page, site: WebchatSite) -> None:
    await show_empty_chat(page, site)
    await page.get_by_label("Your message").fill("x" * 4001)
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(page.locator("#problem")).to_contain_text("too long to send in one go")


async def show_offline(page: Page, site: WebchatSite) -> None:
    await show_conversation(page, site)
    await page.evaluate("offline.textContent = composer.dataset.offline")


async def show_closing(page: Page, site: WebchatSite) -> None:
    await show_conversation(page, site)
    site.clock.advance(minutes=26)
    await page.get_by_role("link", name="Check for new messages").click()
    await expect(page.locator("#closing")).to_contain_text("This page closes in 5 minutes")


async def show_closed(page: Page, site: WebchatSite) -> None:
    # As `end()` leaves it. The visit itself goes on, so that the page can be asked for again.
    await show_conversation(page, site)
    await page.evaluate("log.hidden = true; ended.hidden = false")


async def show_kept_open(page: Page, site: WebchatSite) -> None:
    await show_conversation(page, site)
    await page.get_by_role("button", name="Keep open for 2 hours").click()
    await expect(page.locator("#state")).to_have_text("This page now stays open for 2 hours.")


async def show_chosen_language(page: Page, site: WebchatSite) -> None:
    await show_conversation(page, site)
    await page.request.post(f"{site.url}/m/language", form={"language": "en"})
    await page.goto("/m")


async def show_kept_words(page: Page, site: WebchatSite) -> None:
    await post_by_form(page, "/m", QUESTION)
    await expect(page.get_by_text("Your message is not sent yet")).to_be_visible()


async def show_kept_words_that_are_too_long(page: Page, site: WebchatSite) -> None:
    await post_by_form(page, "/start", "x" * 4001)
    await expect(page.get_by_role("heading", name="Your message is too long")).to_be_visible()


async def post_by_form(page: Page, path: str, text: str) -> None:
    """Without a session, as a page does that was left open."""
    await page.goto("/about")
    await page.evaluate(
        """([path, text]) => { const form = document.createElement('form')
          form.method = 'post'; form.action = path
          const box = document.createElement('textarea'); box.name = 'text'; box.value = text
          form.append(box); document.body.append(form); form.submit() }""",
        [path, text],
    )


async def show_refused(page: Page, site: WebchatSite) -> None:
    """As a form from another site is answered."""
    await page.set_content(f'<form method="post" action="{site.url}/before"><button>Go</button></form>')
    await page.get_by_role("button").click()
    await expect(page.get_by_text("Nothing was sent.")).to_be_visible()


STATES: dict[str, Show] = {
    "GET /: nobody yet": show_question,
    "GET /: in a visit": show_question_in_a_visit,
    "GET /before: nobody yet": show_all_that_is_before,
    "GET /before: it is safe": show_before_when_it_is_safe,
    "GET /before: someone might see": show_before_when_seen,
    "GET /before: they have written": show_before_when_written,
    "POST /before: refused": show_refused,
    "GET /about: nobody yet": show_about,
    "GET /about: in a visit": show_about_in_a_visit,
    "GET /m: empty": show_empty_chat,
    "GET /m: usual": show_conversation,
    "GET /m: with a person": show_person,
    "GET /m: more than is shown": show_long_conversation,
    "GET /m: no connection": show_offline,
    "GET /m: about to close": show_closing,
    "GET /m: closed": show_closed,
    "POST /m/keep: kept open": show_kept_open,
    "POST /m/language: chosen": show_chosen_language,
    "POST /m: nothing in the box": show_empty_box,
    "POST /m: too long": show_too_long,
    "POST /m: after the end": show_kept_words,
    "POST /start: too long": show_kept_words_that_are_too_long,
}
