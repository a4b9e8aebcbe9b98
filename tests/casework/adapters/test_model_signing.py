"""Papers are ours only with our signature over these very bytes."""

import base64
import json
import stat
from pathlib import Path

import pytest
from joserfc import jws
from joserfc.jwk import OctKey, OKPKey

from casework.adapters.model_signing import (
    PaperNotOurs,
    load_public_key,
    load_signing_key,
    read_signed,
    sign_paper,
)
from casework.model.model_papers import write_paper
from tests.support.models import a_birth, a_paper

PAPER = a_paper(a_birth("m1"))


@pytest.fixture
def key(tmp_path: Path) -> OKPKey:
    return load_signing_key(tmp_path)


def test_the_key_is_made_once_and_read_by_this_account_alone(tmp_path: Path, key: OKPKey) -> None:
    """Red when: the private file is made open, or a second start makes another key."""
    path = tmp_path / "keys" / "model_signing.json"

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_signing_key(tmp_path).thumbprint() == key.thumbprint()
    assert not load_public_key(tmp_path).is_private
    assert sorted(each.name for each in path.parent.iterdir()) == [
        "model_signing.json",
        "model_signing.pub.json",
    ]


def test_what_was_signed_is_read_with_the_public_key(tmp_path: Path, key: OKPKey) -> None:
    assert read_signed(sign_paper(PAPER, key), load_public_key(tmp_path)) == write_paper(PAPER)


def test_another_folders_key_signs_nothing_here(tmp_path: Path, key: OKPKey) -> None:
    elsewhere = load_signing_key(tmp_path / "elsewhere")

    with pytest.raises(PaperNotOurs) as refusal:
        read_signed(sign_paper(PAPER, elsewhere), load_public_key(tmp_path))
    assert refusal.value.why == "other_key"


def _part(value: object) -> str:
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def test_one_changed_letter_of_a_paper_is_noticed(tmp_path: Path, key: OKPKey) -> None:
    head, _, signature = sign_paper(PAPER, key).split(".")
    better = write_paper(PAPER).replace(b'"hits":63', b'"hits":64')

    with pytest.raises(PaperNotOurs) as refusal:
        read_signed(f"{head}.{_part(better)}.{signature}", load_public_key(tmp_path))
    assert refusal.value.why == "altered"


def test_what_nobody_signed_is_unsigned(tmp_path: Path, key: OKPKey) -> None:
    """Red when: the algorithm is taken from the paper, which could name none or make a secret of our public key."""
    public = load_public_key(tmp_path)
    body = _part(write_paper(PAPER))
    secret = OctKey.import_key(json.dumps(public.as_dict(private=False)))
    by_secret = jws.serialize_compact(
        {"alg": "HS256", "kid": public.thumbprint()}, write_paper(PAPER), secret, algorithms=["HS256"]
    )
    for signed in (
        "",
        "a",
        "a.b.c",
        "....",
        "é.é.é",
        write_paper(PAPER).decode(),
        f"{_part({'alg': 'none', 'kid': public.thumbprint()})}.{body}.",
        f"{_part([])}.{body}.",
        f"{_part({'alg': 'Ed25519', 'crit': ['x']})}.{body}.{_part(b'0' * 64)}"[:20],
        by_secret,
        "x" * 2_000_000,
    ):
        with pytest.raises(PaperNotOurs) as refusal:
            read_signed(signed, public)
        assert refusal.value.why == "unsigned", signed[:60]


def test_a_signature_cut_short_is_no_signature(tmp_path: Path, key: OKPKey) -> None:
    signed = sign_paper(PAPER, key)

    for cut in range(0, len(signed), 37):
        with pytest.raises(PaperNotOurs):
            read_signed(signed[:cut], load_public_key(tmp_path))
