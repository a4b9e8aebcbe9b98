"""Asking Twilio to let go of a message: its words and files, or all of it.

An empty Body takes the words away for good; files are deleted one by one; the record itself only where the message is
erased here, because the sweep counts what Twilio lists (docs/recovery.md). Only a finished message can be changed.
Sources: Twilio's Messages resource ("Redact a message", "Delete"), Media resource ("Delete"), error 20009.
"""

import asyncio

import requests
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.rest import Client
from twilio.rest.api.v2010.account.message import MessageContext

from casework.services.provider_redaction import Answered, LetGo
from channels.twilio_transport import TooManyRequests, TwilioSettings, TwilioTransport

NOT_FOUND = 404
MOST_FILES = 50


class TwilioForgetting:
    """Twilio behind the port."""

    def __init__(self, settings: TwilioSettings) -> None:
        self._transport = TwilioTransport(settings)
        self._client = Client(settings.account_sid, settings.auth_token, http_client=self._transport)
        # Read from the environment by the library; the address is ours to choose.
        self._client.edge = self._client.region = None

    async def forget(self, provider_message_id: str, *, deletes: bool) -> Answered:
        """A provider's fault is never raised: the same is asked again later."""
        return await asyncio.to_thread(self._forget, provider_message_id, deletes)

    def close(self) -> None:
        self._transport.close()

    def _forget(self, provider_message_id: str, deletes: bool) -> Answered:
        message = self._client.messages(provider_message_id)
        try:
            message.update(body="")
            _delete_files(message)
            if deletes:
                message.delete()
        except TwilioRestException as refusal:
            if refusal.status == NOT_FOUND:
                return Answered(came_of_it=LetGo.GONE)
            return Answered(came_of_it=LetGo.LATER, fault=f"{refusal.status}:{refusal.code}")
        except TooManyRequests:
            return Answered(came_of_it=LetGo.LATER, fault="429")
        except (requests.RequestException, TwilioException) as failure:
            return Answered(came_of_it=LetGo.LATER, fault=type(failure).__name__)
        return Answered(came_of_it=LetGo.DONE)


def _delete_files(message: MessageContext) -> None:
    for each in message.media.list(limit=MOST_FILES):
        try:
            message.media(str(each.sid)).delete()
        except TwilioRestException as refusal:
            # Gone since it was listed.
            if refusal.status != NOT_FOUND:
                raise
