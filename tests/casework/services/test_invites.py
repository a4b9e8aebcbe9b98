"""An invite is issued, handed over, and used once within seven days; nobody learns why one opens nothing."""

import re
import string
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from casework.adapters.passwords import ArgonCodeBook
from casework.adapters.storage.tables import audit, conversation, invite, outbox, standing
from casework.model.contact_hours import ContactWindow
from casework.model.crime_references import is_incident_number, parse_crime_reference
from casework.model.messages import Author, Channel, Lane, OutboxStatus
from casework.model.safe_contact import SafeContactPlan
from casework.model.standings import Standing
from casework.services.invites import (
    WORD,
    ByWayOf,
    CaseNotFound,
    InviteNotSent,
    IssuedInvite,
    find_invite_token,
    get_invite_link,
    get_telegram_link,
    get_whatsapp_link,
    issue_invite,
    make_word,
    open_invite,
    send_invite_by_email,
    send_invite_by_sms,
)
from casework.services.ports import Delivery, OpenedInvite
from casework.services.service_texts import load_service_texts
from tests.support.builders import REFERENCE, VICTIM, a_case
from tests.support.clock import SetClock
from tests.support.line import Line

STRANGER = "+447700900777"
OTHER_CASE = "43260012399"
SITE = "https://messages.example.org"


@pytest.fixture
def line(line: Line) -> Line:
    line.add_cases(
        a_case(), a_case(crime_reference=OTHER_CASE, contact_mobile="+447700900010", contact_email=None)
    )
    return line


def issue(line: Line, reference: str = REFERENCE, way: ByWayOf = ByWayOf.LINK) -> IssuedInvite:
    return line.database.write_now(lambda tx: issue_invite(tx, reference, by="staff", by_way_of=way))


def send_sms(line: Line, reference: str = REFERENCE, site: str = SITE) -> IssuedInvite:
    return line.database.write_now(
        lambda tx: send_invite_by_sms(
            tx, reference, by="staff", codes=line.codes, texts=line.texts, public_url=site
        )
    )


def send_email(line: Line, reference: str = REFERENCE) -> IssuedInvite:
    return line.database.write_now(
        lambda tx: send_invite_by_email(tx, reference, by="staff", texts=line.texts, public_url=SITE)
    )


def use(
    line: Line, token: str, *, external_id: str = "a" * 32, channel: Channel = Channel.WEBCHAT
) -> OpenedInvite | None:
    def work(tx: Any) -> OpenedInvite | None:
        return open_invite(tx, token, tx.conversations.open(channel, external_id), codes=line.codes)

    return line.database.write_now(work)


def standing_of(line: Line, external_id: str, channel: Channel = Channel.WEBCHAT) -> Any:
    found = line.rows(conversation, channel=channel.value, external_id=external_id)
    return line.database.read_now(lambda tx: tx.standings.find(found[0].id))


def word_in(line: Line) -> str:
    """The word in the text that waits to leave."""
    said = re.search(rf"this word: ({WORD.pattern})\.", line.rows(outbox)[-1].text)
    assert said is not None
    return said[1]


# --- once, for one conversation, for seven days -----------------------------------------------------


def test_an_invite_links_the_conversation_that_opens_it(line: Line) -> None:
    issued = issue(line)

    opened = use(line, issued.token)

    assert opened == OpenedInvite(id=issued.id, crime_reference=REFERENCE, by_way_of="link")
    assert standing_of(line, "a" * 32) == (Standing.LINKED, REFERENCE)
    assert line.row(standing).method == "invite"
    row = line.row(invite)
    assert row.used_at is not None
    assert row.conversation_id == line.row(standing).conversation_id


def test_an_invite_works_once(line: Line) -> None:
    issued = issue(line)

    assert use(line, issued.token) is not None
    assert use(line, issued.token, external_id="b" * 32) is None
    assert use(line, issued.token) is None
    assert len(line.rows(standing)) == 1


def test_two_at_the_same_moment_cannot_both_use_it(line: Line) -> None:
    for _ in range(5):
        issued = issue(line)
        with ThreadPoolExecutor(4) as pool:
            tried = list(pool.map(lambda n: use(line, issued.token, external_id=f"{n:032x}"), range(4)))

        assert sum(opened is not None for opened in tried) == 1


@pytest.mark.parametrize(("seconds", "works"), [(7 * 86400 - 1, True), (7 * 86400, False)])
def test_an_invite_works_for_seven_days(line: Line, clock: SetClock, seconds: int, works: bool) -> None:
    issued = issue(line)
    clock.advance(seconds=seconds)

    assert (use(line, issued.token) is not None) is works


def test_a_new_invite_takes_back_the_unused_one_of_that_way_and_case_only(line: Line) -> None:
    first, leaflet, other = issue(line), issue(line, way=ByWayOf.LEAFLET), issue(line, OTHER_CASE)

    second = issue(line)

    assert use(line, first.token) is None
    assert [use(line, each.token) is not None for each in (second, leaflet, other)] == [True] * 3


def test_a_used_invite_stays_used_when_a_new_one_is_issued(line: Line) -> None:
    first = issue(line)
    use(line, first.token)

    issue(line)

    assert line.row(invite, id=first.id).withdrawn_at is None
    assert standing_of(line, "a" * 32) == (Standing.LINKED, REFERENCE)


def test_an_invite_opens_its_own_case_and_no_other(line: Line) -> None:
    mine, other = issue(line), issue(line, OTHER_CASE)

    use(line, other.token, external_id="b" * 32)
    use(line, mine.token)

    assert standing_of(line, "a" * 32)[1] == REFERENCE
    assert standing_of(line, "b" * 32)[1] == OTHER_CASE


def test_what_opens_nothing_leaves_nothing_whatever_the_reason(line: Line, clock: SetClock) -> None:
    used, taken_back = issue(line, way=ByWayOf.LEAFLET), issue(line)
    use(line, used.token)
    issue(line)
    line.open("b" * 32, Channel.WEBCHAT)
    before = line.everything()

    for token in (used.token, taken_back.token, "x" * 32, "", "no token", "\udce9", "x" * 5000):
        assert use(line, token, external_id="b" * 32) is None

    assert line.everything() == before


def test_a_case_nobody_has_gets_no_invite(line: Line) -> None:
    with pytest.raises(CaseNotFound, match="43260099999"):
        issue(line, "43260099999")

    assert line.rows(invite) == []


# --- what is kept -------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [OutboxStatus.SENT, OutboxStatus.FAILED, OutboxStatus.SUPPRESSED])
async def test_neither_token_nor_word_is_kept_once_the_message_is_done_with(
    line: Line, status: OutboxStatus
) -> None:
    issued = line.database.write_now(
        lambda tx: send_invite_by_sms(
            tx, REFERENCE, by="staff", codes=ArgonCodeBook(), texts=line.texts, public_url=SITE
        )
    )
    word = word_in(line)
    line.sender.outcomes = [Delivery(status=status)]

    await line.deliver_all()

    everything = str(line.everything())
    assert sha256(issued.token.encode()).hexdigest() in everything
    assert issued.token not in everything
    assert word not in everything
    assert line.row(invite).word_hash.startswith("$argon2id$")
    assert line.row(outbox).text == line.texts.render("invite_sent", Channel.SMS)


async def test_an_e_mail_that_has_left_keeps_no_token(line: Line) -> None:
    issued = send_email(line)

    await line.deliver_all()

    assert issued.token in line.sender.sent[0].text
    assert issued.token not in str(line.everything())


def test_staff_never_see_a_waiting_link_or_word(line: Line) -> None:
    issued = send_sms(line)
    word = word_in(line)
    row = line.row(outbox)

    [entry] = line.database.read_now(lambda tx: tx.transcripts.list_latest(row.conversation_id))

    assert issued.token not in entry.text
    assert word not in entry.text
    assert f"{SITE}/i/•••" in entry.text


def test_an_address_names_no_one_and_no_token_is_short(line: Line) -> None:
    tokens = [issue(line).token for _ in range(50)]

    assert len(set(tokens)) == 50
    assert all(len(token) == 32 for token in tokens)  # 24 random bytes
    assert get_invite_link(SITE, tokens[0]) == f"{SITE}/i/{tokens[0]}"
    assert all(REFERENCE not in token for token in tokens)


def test_who_issued_it_and_that_it_was_used_is_on_record_without_the_token(line: Line) -> None:
    issued = issue(line)
    issue(line, way=ByWayOf.SMS)
    use(line, issued.token)
    issue(line)
    second = issue(line)

    acts = [(row.act, row.actor, row.thing) for row in line.rows(audit)]
    assert (("invite_issued", "staff", f"invite:{issued.id}")) in acts
    assert ("invite_opened", "person", f"invite:{issued.id}") in acts
    assert ("invites_withdrawn", "staff", None) in acts
    assert acts[-1] == ("invite_issued", "staff", f"invite:{second.id}")


# --- by text message ------------------------------------------------------------------------------------


def test_the_text_goes_to_the_contact_of_record_on_the_staff_lane(line: Line) -> None:
    issued = send_sms(line)

    row = line.row(outbox)
    assert (row.channel, row.to, row.lane, row.author) == ("sms", VICTIM, Lane.STAFF, Author.SERVICE)
    assert f"{SITE}/i/{issued.token} " in row.text
    assert row.status == "waiting"
    assert line.row(invite).sent_to == VICTIM


@pytest.mark.parametrize("plan", ["reply_only", "none", ""])
@pytest.mark.parametrize("send", [send_sms, send_email])
def test_a_plan_without_unasked_messages_gets_no_invite_by_message(line: Line, plan: str, send: Any) -> None:
    line.add_cases(a_case(safe_contact=plan))

    with pytest.raises(InviteNotSent, match="leaflet or link"):
        send(line)

    assert (line.rows(outbox), line.rows(invite)) == ([], [])


async def test_a_plan_with_hours_lets_it_leave_when_they_begin(line: Line, clock: SetClock) -> None:
    mornings = SafeContactPlan(
        unasked_channels=frozenset({Channel.SMS}),
        is_unsolicited_agreed=True,
        hours=(ContactWindow(weekday=6, start_minute=540, end_minute=600),),  # it is Saturday noon
    )
    line.database.write_now(
        lambda tx: tx.people.set_plan(tx.people.find_of_case(REFERENCE).person_id, mornings, by="staff")
    )
    issued = send_sms(line)

    await line.deliver_all()
    waited = list(line.sender.sent)
    clock.advance(hours=21)
    await line.deliver_all()

    assert waited == []
    assert issued.token in line.sender.sent[0].text


@pytest.mark.parametrize("send", [send_sms, send_email])
def test_a_case_without_that_address_gets_no_invite_by_message(line: Line, send: Any) -> None:
    line.add_cases(a_case(contact_mobile=None, contact_email=None))

    with pytest.raises(InviteNotSent, match="no address"):
        send(line)


def test_an_address_too_long_for_two_texts_is_refused_and_the_old_invite_lives(line: Line) -> None:
    old = send_sms(line)

    with pytest.raises(InviteNotSent, match="WAYMARK_PUBLIC_URL"):
        send_sms(line, site="https://" + "long." * 40 + "example.org")

    assert use(line, old.token) is not None


def test_the_word_sent_back_from_that_number_opens_the_case(line: Line) -> None:
    send_sms(line)

    opened = use(line, word_in(line), external_id=VICTIM, channel=Channel.SMS)

    assert opened is not None
    assert standing_of(line, VICTIM, Channel.SMS) == (Standing.LINKED, REFERENCE)


@pytest.mark.parametrize(
    ("external_id", "channel"),
    [
        (STRANGER, Channel.SMS),
        (VICTIM, Channel.WHATSAPP),
        (VICTIM, Channel.TELEGRAM),
        ("a" * 32, Channel.WEBCHAT),
    ],
)
def test_the_word_is_nothing_from_anywhere_else(line: Line, external_id: str, channel: Channel) -> None:
    send_sms(line)
    word = word_in(line)

    assert use(line, word, external_id=external_id, channel=channel) is None
    assert use(line, word, external_id=VICTIM, channel=Channel.SMS) is not None


def test_link_and_word_are_one_invite(line: Line) -> None:
    issued = send_sms(line)
    word = word_in(line)

    assert use(line, issued.token) is not None
    assert use(line, word, external_id=VICTIM, channel=Channel.SMS) is None


def test_each_of_two_cases_of_one_number_opens_by_its_own_word(line: Line) -> None:
    line.add_cases(a_case(), a_case(crime_reference=OTHER_CASE))
    send_sms(line)
    first = word_in(line)
    send_sms(line, OTHER_CASE)

    opened = use(line, first, external_id=VICTIM, channel=Channel.SMS)

    assert opened is not None
    assert opened.crime_reference == REFERENCE


@pytest.mark.parametrize("send", [send_sms, send_email])
def test_an_invite_sent_to_an_address_that_was_changed_opens_nothing(line: Line, send: Any) -> None:
    issued = send(line)
    word = word_in(line) if send is send_sms else "4BDGH7"

    line.add_cases(a_case(contact_mobile="+447700900099", contact_email="new@example.org"))

    assert use(line, issued.token) is None
    assert use(line, word, external_id=VICTIM, channel=Channel.SMS) is None


def test_a_word_from_a_number_with_no_invite_costs_as_much_as_a_wrong_one(line: Line) -> None:
    send_sms(line)
    looks = []
    for number in (VICTIM, STRANGER):
        before = line.codes.checks
        assert use(line, "2BBBB2", external_id=number, channel=Channel.SMS) is None
        looks.append(line.codes.checks - before)

    assert looks == [1, 1]


# --- by e-mail ------------------------------------------------------------------------------------------


def test_the_e_mail_goes_to_the_address_of_record_through_the_outbox(line: Line) -> None:
    issued = send_email(line)

    row = line.row(outbox)
    assert (row.channel, row.to, row.lane, row.kind) == ("email", "alex@example.org", Lane.STAFF, "invite")
    assert f"\n{SITE}/i/{issued.token}\n" in row.text
    assert "Alex" not in row.text
    assert REFERENCE not in row.text


def test_an_address_longer_than_any_real_one_is_refused_in_words(line: Line) -> None:
    line.add_cases(a_case(contact_email="a" * 64 + "@" + "b" * 60 + ".example.org"))

    with pytest.raises(InviteNotSent):
        send_email(line)


# --- what a person writes to open one -------------------------------------------------------------------

TOKEN = "A-b_" + "x" * 28


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"/start {TOKEN}", TOKEN),
        (f"START {TOKEN}", TOKEN),
        (f"  start {TOKEN}\n", TOKEN),
        ("/start tooshort", "tooshort"),
        ("4BDGH7", "4BDGH7"),
        ("4bdgh7.", "4BDGH7"),
        ('"4BdGh7"', "4BDGH7"),
        ("start again", None),
        ("/start", None),
        (f"my link is START {TOKEN}", None),
        (f"/start {TOKEN} he is here", None),
        ("4BDGH7 he is here", None),
        ("word 4BDGH7", None),
        (TOKEN, None),
        ("B13 8QT", None),
        ("123456", None),
        (REFERENCE, None),
        ("", None),
    ],
)
def test_only_a_whole_message_is_an_opening(text: str, found: str | None) -> None:
    assert find_invite_token(text) == found


@given(st.text(max_size=80))
@example("STOP")
@example("please")
@example("cancel")
def test_nothing_people_write_is_taken_for_one(text: str) -> None:
    found = find_invite_token(text)

    assert found is None or WORD.fullmatch(found) or text.strip().lower().startswith(("/start ", "start "))


def test_a_word_looks_like_nothing_else_people_send() -> None:
    for word in {make_word() for _ in range(2000)}:
        assert len(word) == 6
        assert find_invite_token(word.lower()) == word
        assert parse_crime_reference(word) is None
        assert not is_incident_number(word)
        assert not word.isdigit()  # a one-time code
        assert word[0] in string.digits  # no postcode begins with one
        assert not set(word) & set("AEIOU")


def test_what_whatsapp_prefills_and_telegram_says_is_an_opening() -> None:
    opening = load_service_texts().render("invite_opening", Channel.WHATSAPP, token=TOKEN)

    assert find_invite_token(opening) == TOKEN
    assert get_whatsapp_link("+447700900998", opening) == f"https://wa.me/447700900998?text=START%20{TOKEN}"
    assert get_telegram_link("example_bot", TOKEN) == f"https://t.me/example_bot?start={TOKEN}"


@pytest.mark.parametrize(
    "name", ["invite_by_sms", "invite_by_email", "email_subject", "invite_opening", "invite_opened"]
)
def test_no_text_of_an_invite_names_the_police_or_a_crime(name: str) -> None:
    entry = load_service_texts().texts[name]

    for form in ("sms", "web"):
        assert not re.search(r"police|crime|case|report|officer|victim|101", entry[form], re.I)
