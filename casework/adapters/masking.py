"""The masker as the settings make it, and what storage knows of whoever writes."""

import hashlib
import hmac
import re
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from casework.adapters.settings import Settings
from casework.adapters.storage.tables import case, code_request, conversation, inbox, person, standing
from casework.model.errors import SettingsInvalid, WaymarkError
from casework.model.masking import CaseValues, Masker
from casework.model.masking.masker import load_masker

TOWNS_FILE = Path(__file__).parents[2] / "bot" / "components" / "towns.txt"
# Fewer figures than this are an extension or a short number that everybody may call.
FEWEST_OF_A_PHONE = 9


class MessageNotFound(WaymarkError):
    """No message of that id was ever stored."""


def build_masker(settings: Settings, *, towns_file: Path = TOWNS_FILE) -> Masker:
    """Another turn secret gives other fakes. Raises SettingsInvalid where the towns cannot be read."""
    try:
        towns = towns_file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise SettingsInvalid(
            f"{towns_file.name} cannot be read: {fault}; put the packaged file back"
        ) from fault
    key = hmac.new(settings.turn_secret.encode(), b"surrogates", hashlib.sha256).digest()
    return load_masker(key=key, towns=towns)


class SqlMaskingReads:
    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def get_written(self, inbox_id: int) -> tuple[str, str]:
        query = sa.select(inbox.c.conversation_id, inbox.c.text).where(inbox.c.id == inbox_id)
        row = self._connection.execute(query).first()
        if row is None:
            raise MessageNotFound(f"There is no message {inbox_id}.")
        return row.conversation_id, row.text

    def find_values(self, conversation_id: str) -> CaseValues:
        rows = self._connection.execute(CASES_OF_CONVERSATION, {"of": conversation_id}).all()
        addresses = self._list_addresses(conversation_id)
        contacts = [
            contact for row in rows for contact in (row.contact_mobile, row.of_record, row.oic_contact)
        ]
        said = _distinct([*contacts, *addresses])
        numbers = _distinct([row.oic_collar_number for row in rows])
        return CaseValues(
            names=_distinct([row.victim_name for row in rows]),
            officers=_distinct([row.oic_name for row in rows]),
            phones=tuple(value for value in said if _is_phone(value)),
            emails=_distinct([*(row.contact_email for row in rows), *(one for one in said if "@" in one)]),
            references=_distinct([row.crime_reference for row in rows]),
            others=(*numbers, *(one for one in addresses if not _is_phone(one) and "@" not in one)),
        )

    def _list_addresses(self, conversation_id: str) -> list[str]:
        """The writer's own: of the channel, and what it told of them beside their words."""
        own = sa.select(conversation.c.external_id).where(conversation.c.id == conversation_id)
        found: list[Any] = list(self._connection.execute(own).scalars())
        for key in ("profile_name", "phone"):
            told = inbox.c.details[key].as_string()
            query = sa.select(told).where(inbox.c.conversation_id == conversation_id, told.is_not(None))
            found += self._connection.execute(query.distinct().order_by(told)).scalars()
        return list(_distinct(found))


def _cases_of_conversation() -> sa.Select[Any]:
    of: sa.BindParameter[str] = sa.bindparam("of")
    proved = sa.select(standing.c.crime_reference).where(standing.c.conversation_id == of)
    # What was typed, whether or not a code was sent: it names a case if there is one.
    typed = sa.select(code_request.c.reference).where(code_request.c.conversation_id == of)
    bound = sa.select(code_request.c.crime_reference).where(
        code_request.c.conversation_id == of, code_request.c.crime_reference.is_not(None)
    )
    named = sa.or_(*(case.c.crime_reference.in_(those) for those in (proved, typed, bound)))
    same_people = sa.select(case.c.person_id).where(named, case.c.person_id.is_not(None))
    return (
        sa.select(case, person.c.contact_mobile.label("of_record"))
        .outerjoin(person, person.c.id == case.c.person_id)
        .where(sa.or_(named, case.c.person_id.in_(same_people)))
        .order_by(case.c.crime_reference)
    )


# Built once: asked for each message that a page shows.
CASES_OF_CONVERSATION = _cases_of_conversation()


def _is_phone(value: str) -> bool:
    return "@" not in value and len(re.sub(r"[^0-9]", "", value)) >= FEWEST_OF_A_PHONE


def _distinct(values: list[Any]) -> tuple[str, ...]:
    """In their order, each once, without what is empty."""
    return tuple(dict.fromkeys(value for value in values if value))
