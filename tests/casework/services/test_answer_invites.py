"""An invite answered in a chat, on the straight line."""

from casework.model.messages import Channel
from casework.model.standings import Standing
from casework.services.invites import send_invite_by_sms
from tests.support.builders import REFERENCE, VICTIM, a_hit
from tests.support.line import Line


async def test_the_word_of_a_text_opens_the_case_without_the_assistant(line: Line) -> None:
    line.add_cases()
    line.database.write_now(
        lambda tx: send_invite_by_sms(
            tx, REFERENCE, by="s", codes=line.codes, texts=line.texts, public_url="https://m.example.org"
        )
    )
    line.receive(line.codes.issued[-1].lower())
    await line.answer_all()
    await line.deliver_all()
    assert line.assistant.asked == []
    conversation_id = line.open(VICTIM)
    assert line.database.read_now(lambda tx: tx.standings.find(conversation_id)) == (
        Standing.LINKED,
        REFERENCE,
    )
    assert line.sender.sent[-1].text == line.texts.render("invite_opened", Channel.SMS)


async def test_a_wrong_one_says_so_and_nothing_else(line: Line) -> None:
    line.receive("/start whatever", channel=Channel.TELEGRAM, external_id="77")
    await line.answer_all()
    await line.deliver_all()
    assert line.sender.sent[-1].text == line.texts.render("invite_refused", Channel.TELEGRAM)


async def test_an_urgent_message_is_red_before_it_is_an_opening(line: Line) -> None:
    line.screen.results["/start now"] = a_hit(1)
    assert line.receive("/start now").is_urgent
    await line.answer_all()
    assert "invite" not in str(line.everything()["turn"])
