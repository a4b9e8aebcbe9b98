"""What may be sent, and how many text messages it takes."""

import pytest

from casework.model.messages import Channel
from casework.model.sms_segments import count_segments
from console.desk.reply_texts import clean_reply, find_fault


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("", 1),
        ("x" * 160, 1),
        ("x" * 161, 2),
        ("x" * 306, 2),
        ("x" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("\u2019" * 70, 1),
        ("\u2019" * 71, 2),
        ("\U0001f600" * 35, 1),
        ("\U0001f600" * 36, 2),
    ],
)
def test_a_text_counts_as_the_phone_network_counts_it(text: str, segments: int) -> None:
    assert count_segments(text) == segments


def test_control_characters_go_and_every_word_stays() -> None:
    assert clean_reply(" a\x00b\r\nc\rd\te\x7f\ud800 \U0001f600 ") == "ab\nc\nd\te \U0001f600"


@pytest.mark.parametrize("channel", list(Channel))
def test_every_channel_has_a_limit(channel: Channel) -> None:
    assert find_fault("x" * 1600, channel) is None
    assert find_fault("x" * 5000, channel) == "too_long"
    assert find_fault("\u200b", channel) == "empty"
