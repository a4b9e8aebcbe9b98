"""Who may say where a case stands: only who holds a key, and only just now."""

from datetime import UTC, datetime

import pytest

from casework.model.errors import SignatureInvalid
from channels.feed_signature import TimestampInvalid, check_signature, compute_signature

KEY, OLD_KEY = "k" * 32, "o" * 32
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
STAMP = str(int(NOW.timestamp()))
SENT = {"method": "PUT", "path": "/feed/v1/cases/43260990001?x=%2F", "timestamp": STAMP, "body": b'{"a": 1}'}


def check(signature: str | None, **changed: object) -> None:
    check_signature(keys=(KEY, OLD_KEY), signature=signature, now=NOW, **(SENT | changed))  # type: ignore[arg-type]


def sign(**changed: object) -> str:
    return compute_signature(**({"key": KEY} | SENT | changed))  # type: ignore[arg-type]


def test_the_signature_is_the_one_the_page_describes() -> None:
    # printf 'PUT\n/feed/v1/cases/43260990001?x=%%2F\n1795262400\n{"a": 1}' | openssl dgst -sha256 -hmac kkk...
    assert STAMP == "1795262400"
    assert sign() == "v1=70dbd7df6129a9abde84218a110a8b43d36cdf32e0911ddb419da2f644fdbca0"


@pytest.mark.parametrize("key", [KEY, OLD_KEY])
def test_either_key_is_taken_while_one_is_changed(key: str) -> None:
    check(sign(key=key))


@pytest.mark.parametrize(
    "changed",
    [
        {"method": "POST"},
        {"path": "/feed/v1/cases/43260990002?x=%2F"},
        {"path": "/feed/v1/cases/43260990001?x=/"},
        {"timestamp": str(int(STAMP) + 1)},
        {"timestamp": None},
        {"body": b'{"a": 2}'},
        {"body": b""},
    ],
)
def test_any_part_changed_after_signing_is_refused(changed: dict[str, object]) -> None:
    with pytest.raises(SignatureInvalid) as caught:
        check(sign(), **changed)

    assert type(caught.value) is SignatureInvalid


@pytest.mark.parametrize(
    "signature", [None, "", "v1=", sign()[3:], sign().upper(), sign() + "0", "v1=\udcff", "é"]
)
def test_a_signature_that_is_missing_or_mangled_is_refused(signature: str | None) -> None:
    with pytest.raises(SignatureInvalid):
        check(signature)


def test_a_key_nobody_gave_out_signs_nothing() -> None:
    with pytest.raises(SignatureInvalid):
        check(sign(key="x" * 32))


def test_without_a_key_nothing_is_believed() -> None:
    with pytest.raises(SignatureInvalid):
        check_signature(keys=(), signature=sign(key=""), now=NOW, **SENT)  # type: ignore[arg-type]


@pytest.mark.parametrize("seconds", [-300, -1, 0, 300])
def test_five_minutes_either_way_are_taken(seconds: int) -> None:
    stamp = str(int(STAMP) + seconds)

    check(sign(timestamp=stamp), timestamp=stamp)


@pytest.mark.parametrize(
    "stamp", [str(int(STAMP) - 301), str(int(STAMP) + 301), "soon", "", "9" * 13, "٣", "1e9"]
)
def test_a_time_too_far_away_or_no_time_is_refused_though_rightly_signed(stamp: str) -> None:
    with pytest.raises(TimestampInvalid):
        check(sign(timestamp=stamp), timestamp=stamp)
