"""One-time codes of the desk's own accounts (RFC 6238, 30 seconds, six figures), and codes for a lost phone.

A code counts once: the 30 seconds it belongs to are kept, and nothing of them or before them is taken again.
"""

import asyncio
import re
import secrets
from collections.abc import Sequence
from datetime import datetime

import pyotp
import segno

from casework.adapters.passwords import ArgonCodeBook
from casework.adapters.service import Service
from casework.adapters.storage.transaction import SqlTransaction
from casework.services.ports import StaffMember
from casework.services.staff_ports import RecoveryCode

STEP_SECONDS = 30
# A phone's clock may be half a minute off either way (RFC 6238, 5.2).
STEPS_BESIDE = (-1, 0, 1)
ISSUER = "Waymark desk"
RECOVERY_CODES = 10
# No letter that reads like a figure. 12 of 31: 59 bits, kept as a slow hash (OWASP ASVS 6.5.2).
RECOVERY_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
RECOVERY_LENGTH = 12
ONE_TIME_CODE = re.compile(r"[0-9]{6}", re.ASCII)
QR_SCALE = 6


class SecondFactor:
    """Checks codes; the throttle is the caller's."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def check(self, staff: StaffMember, typed: str) -> bool:
        """Whether it is the code of these 30 seconds or a recovery code, neither taken before. Takes it."""
        code = clean_code(typed)
        if ONE_TIME_CODE.fullmatch(code):
            return await self._service.database.write(lambda tx: _take_code(tx, staff, code, confirmed=True))
        return await self._use_recovery_code(staff, code)

    async def confirm(self, staff: StaffMember, typed: str) -> tuple[str, ...] | None:
        """The first right code sets the factor up: the recovery codes, to be shown this once. None for a wrong one."""
        code = clean_code(typed)
        if not ONE_TIME_CODE.fullmatch(code):
            return None
        codes = make_recovery_codes()
        hashes = await asyncio.to_thread(_hash_all, self._service.codes, codes)
        is_set = await self._service.database.write(lambda tx: _confirm(tx, staff, code, hashes))
        return codes if is_set else None

    async def renew_codes(self, staff: StaffMember) -> tuple[str, ...]:
        """Ten new recovery codes; those before open nothing any more."""
        codes = make_recovery_codes()
        hashes = await asyncio.to_thread(_hash_all, self._service.codes, codes)

        def keep(tx: SqlTransaction) -> None:
            tx.factors.keep_codes(staff.id, hashes)
            tx.audit.record("recovery_codes_renewed", by=staff.id)

        await self._service.database.write(keep)
        return codes

    async def _use_recovery_code(self, staff: StaffMember, code: str) -> bool:
        if len(code) != RECOVERY_LENGTH:
            return False
        kept = await self._service.database.read(lambda tx: tx.factors.list_codes(staff.id))
        found = await asyncio.to_thread(_find_code, self._service.codes, code, kept)
        if found is None:
            return False

        def use(tx: SqlTransaction) -> bool:
            is_first = tx.factors.use_code(found.id)
            if is_first:
                tx.audit.record("recovery_code_used", by=staff.id)
            return is_first

        return await self._service.database.write(use)


def begin_factor(tx: SqlTransaction, staff_id: str) -> str:
    """The secret to set up: a new one, or that of a page opened before and not finished."""
    found = tx.factors.find(staff_id)
    if found is not None and not found.is_confirmed:
        return found.secret
    secret = pyotp.random_base32()
    tx.factors.begin(staff_id, secret)
    return secret


def draw_secret(secret: str, login: str) -> str:
    """A code to scan, as SVG with attributes only: the desk's pages carry no inline style."""
    address = pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=ISSUER)
    drawn = segno.make(address, error="m", micro=False)
    return drawn.svg_inline(
        scale=QR_SCALE,
        border=4,
        dark="#000",
        light="#fff",
        svgclass="factor-code",
        lineclass=None,
        title="Code to scan with your authenticator app",
    )


def group_letters(text: str) -> str:
    """In fours, as a person copies it."""
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def clean_code(typed: str) -> str:
    """Without the spaces and dashes people copy along, in lower case."""
    return re.sub(r"[\s-]", "", typed).lower()


def make_recovery_codes() -> tuple[str, ...]:
    return tuple(
        "".join(secrets.choice(RECOVERY_LETTERS) for _ in range(RECOVERY_LENGTH))
        for _ in range(RECOVERY_CODES)
    )


def _take_code(tx: SqlTransaction, staff: StaffMember, code: str, *, confirmed: bool) -> bool:
    factor = tx.factors.find(staff.id)
    if factor is None or factor.is_confirmed is not confirmed:
        return False
    step = find_step(factor.secret, code, tx.now)
    return step is not None and tx.factors.take_step(staff.id, step)


def find_step(secret: str, code: str, now: datetime) -> int | None:
    """The 30 seconds whose code it is, of those that count now."""
    current, maker = int(now.timestamp()) // STEP_SECONDS, pyotp.TOTP(secret)
    matching = [
        current + beside
        for beside in STEPS_BESIDE
        if secrets.compare_digest(maker.generate_otp(current + beside), code)
    ]
    return matching[0] if matching else None


def _confirm(tx: SqlTransaction, staff: StaffMember, code: str, hashes: Sequence[str]) -> bool:
    if not _take_code(tx, staff, code, confirmed=False):
        return False
    tx.factors.confirm(staff.id)
    tx.factors.keep_codes(staff.id, hashes)
    tx.audit.record("second_factor_set_up", by=staff.id)
    return True


def _hash_all(book: ArgonCodeBook, codes: Sequence[str]) -> list[str]:
    return [book.hash(code) for code in codes]


def _find_code(book: ArgonCodeBook, code: str, kept: Sequence[RecoveryCode]) -> RecoveryCode | None:
    # All of them, so that the time says nothing about which it was.
    matching = [each for each in kept if book.matches(code, each.code_hash)]
    return matching[0] if matching else None
