from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import product

import pytest

from casework.model.cases import CaseEvent
from casework.model.may_tell import CaseFlags, Piece, flags_of, may_tell
from casework.model.messages import Channel
from casework.model.safe_contact import SafeContactPlan, Wording, parse_safe_contact, strictest
from casework.model.standings import Standing
from tests.support.builders import a_case

# Written by hand from auth.md section 2. The lowest standing at which a piece may be told: U(nknown), L(inked),
# S(tepped up), O(fficer confirmed), - for never. web: the page; phone: text message, WhatsApp, Telegram;
# neutral: a phone whose plan wants neutral words; email: where nobody can prove anything. The second of each
# pair is for flagged crimes. news: whether it may still be told while a person has yet to tell the news.
TABLE = """
                         web      phone    neutral  email    news
general_help             U  U     U  U     U  U     U  U     yes
urgent_help              U  U     U  U     U  U     U  U     yes
neutral_status           L  L     L  L     L  L     -  -     no
officer_name             L  S     L  -     -  -     -  -     yes
officer_contact          L  S     L  -     -  -     -  -     yes
next_steps               L  L     L  L     -  -     -  -     no
outcome                  L  O     L  -     -  -     -  -     no
crime_detail             S  S     -  -     -  -     -  -     no
event_history            S  S     -  -     -  -     -  -     no
message_history          S  S     -  -     -  -     -  -     yes
upload                   S  S     -  -     -  -     -  -     yes
code_clock_dates         L  L     L  L     -  -     -  -     no
read_receipts            L  L     L  L     L  L     -  -     yes
change_contact           O  O     -  -     -  -     -  -     yes
change_plan              O  O     -  -     -  -     -  -     yes
send_message_to_officer  L  L     L  L     L  L     -  -     yes
own_export               S  S     -  -     -  -     -  -     no
"""
ROWS = {line.split()[0]: line.split()[1:] for line in TABLE.strip().splitlines()[1:]}
COLUMNS = ["web", "phone", "neutral", "email"]
LADDER = "ULSO"

ANY = parse_safe_contact("any")
EVERY_CHANNEL = frozenset(Channel)
PLANS = {
    "any": ANY,
    "reply_only": parse_safe_contact("reply_only"),
    "none": parse_safe_contact("none"),
    "strictest": strictest(),
    "neutral, unasked too": SafeContactPlan(
        unasked_channels=EVERY_CHANNEL, answered_channels=EVERY_CHANNEL, is_unsolicited_agreed=True
    ),
    "unasked alone": SafeContactPlan(
        unasked_channels=EVERY_CHANNEL, is_unsolicited_agreed=True, wording=Wording.PLAIN
    ),
    "web alone": SafeContactPlan(answered_channels=frozenset({Channel.WEBCHAT}), wording=Wording.PLAIN),
    "channels without agreement": SafeContactPlan(unasked_channels=EVERY_CHANNEL, wording=Wording.PLAIN),
}
# By hand as well: which channels of each plan may be written to, and whether its words are neutral.
ALL = "sms whatsapp webchat telegram email"
WRITTEN_TO = {
    "any": (ALL, "plain"),
    "reply_only": (ALL, "plain"),
    "none": ("", "neutral"),
    "strictest": (ALL, "neutral"),
    "neutral, unasked too": (ALL, "neutral"),
    "unasked alone": (ALL, "plain"),
    "web alone": ("webchat", "plain"),
    "channels without agreement": ("", "plain"),
}


def expected(standing: str, channel: str, plan: str, *, is_flagged: bool, is_news_waiting: bool) -> set[str]:
    channels, wording = WRITTEN_TO[plan]
    if channel not in channels.split():
        return {"general_help", "urgent_help"}
    on_a_phone = "neutral" if wording == "neutral" else "phone"
    column = {"webchat": "web", "email": "email"}.get(channel, on_a_phone)
    place = 2 * COLUMNS.index(column) + is_flagged
    return {
        piece
        for piece, row in ROWS.items()
        if row[place] in LADDER[: LADDER.index(standing) + 1] and (row[8] == "yes" or not is_news_waiting)
    }


def combinations() -> Iterator[tuple[Standing, Channel, str, bool, bool]]:
    yield from product(Standing, Channel, PLANS, (False, True), (False, True))


def test_every_combination_tells_what_the_table_says() -> None:
    wrong = []
    for standing, channel, plan, is_flagged, is_news_waiting in combinations():
        flags = CaseFlags(is_flagged=is_flagged, is_news_waiting=is_news_waiting)
        told = may_tell(standing, channel=channel, plan=PLANS[plan], flags=flags)
        by_hand = expected(
            standing.name[0],
            channel.value,
            plan,
            is_flagged=is_flagged,
            is_news_waiting=is_news_waiting,
        )
        if {piece.value for piece in told} != by_hand:
            wrong.append((standing, channel, plan, flags, {piece.value for piece in told} ^ by_hand))

    assert len(list(combinations())) == 4 * 5 * 8 * 2 * 2
    assert wrong == []


def test_the_table_has_a_row_for_every_piece() -> None:
    assert list(ROWS) == [piece.value for piece in Piece]
    assert all(len(row) == 9 for row in ROWS.values())


# --- the same, said in sentences ------------------------------------------------------------------


@pytest.mark.parametrize("plan", PLANS)
def test_help_is_told_always_everywhere_to_everyone(plan: str) -> None:
    for standing, channel, flagged, waiting in product(Standing, Channel, (False, True), (False, True)):
        flags = CaseFlags(is_flagged=flagged, is_news_waiting=waiting)
        told = may_tell(standing, channel=channel, plan=PLANS[plan], flags=flags)

        assert told >= {Piece.URGENT_HELP, Piece.GENERAL_HELP}


@pytest.mark.parametrize("channel", [Channel.SMS, Channel.WHATSAPP, Channel.TELEGRAM])
def test_no_proof_brings_more_to_a_lock_screen(channel: Channel) -> None:
    for flags in (
        CaseFlags(is_flagged=False, is_news_waiting=False),
        CaseFlags(is_flagged=True, is_news_waiting=True),
    ):
        told = {may_tell(standing, channel=channel, plan=ANY, flags=flags) for standing in list(Standing)[1:]}

        assert len(told) == 1


def test_a_higher_standing_is_told_everything_a_lower_one_is() -> None:
    for standing, channel, plan, is_flagged, is_news_waiting in combinations():
        flags = CaseFlags(is_flagged=is_flagged, is_news_waiting=is_news_waiting)
        lower = Standing(max(0, standing - 1))

        assert may_tell(lower, channel=channel, plan=PLANS[plan], flags=flags) <= may_tell(
            standing, channel=channel, plan=PLANS[plan], flags=flags
        )


def test_a_flagged_case_with_untold_news_is_known_by_the_case() -> None:
    burglary = a_case(crime_type="Burglary", stage="arrested")
    stalking = a_case(crime_type="Stalking", stage="recorded")
    untold = a_case(crime_type="Stalking", stage="arrested", stage_since=date(2026, 1, 5))
    told_at = datetime(2026, 1, 6, tzinfo=UTC)
    told = a_case(
        crime_type="Stalking",
        stage="arrested",
        stage_since=date(2026, 1, 5),
        events=(CaseEvent(at=told_at, kind="victim_told", detail="arrested"),),
    )

    assert flags_of(burglary) == CaseFlags(is_flagged=False, is_news_waiting=False)
    assert flags_of(stalking) == CaseFlags(is_flagged=True, is_news_waiting=False)
    assert flags_of(untold) == CaseFlags(is_flagged=True, is_news_waiting=True)
    assert flags_of(told) == CaseFlags(is_flagged=True, is_news_waiting=False)
