"""The parts of a running service, as the apps see them. `bootstrap` puts them together."""

from dataclasses import dataclass

from casework.adapters.passwords import ArgonCodeBook, ArgonPasswords
from casework.adapters.settings import Settings
from casework.adapters.storage.database import Database
from casework.model.bands import Bands
from casework.model.grade_clocks import GradeClocks
from casework.model.masking import Masker
from casework.model.messages import InboundMessage
from casework.services.ports import Clock, Transaction
from casework.services.receive import Received, Screen, receive_message
from casework.services.safety_lines import SafetyLines
from casework.services.service_texts import ServiceTexts


@dataclass(frozen=True, kw_only=True)
class Service:
    settings: Settings
    database: Database
    clock: Clock
    screen: Screen
    bands: Bands
    safety_lines: SafetyLines
    texts: ServiceTexts
    codes: ArgonCodeBook
    passwords: ArgonPasswords
    masker: Masker
    clocks: GradeClocks  # with the hours at which the desk is staffed

    def receive(self, tx: Transaction, message: InboundMessage) -> Received:
        """Stores and screens a message of whatever channel: `receive_message`, with this service's own parts."""
        return receive_message(
            tx,
            message,
            screen=self.screen,
            safety_lines=self.safety_lines,
            bands=self.bands,
            texts=self.texts,
        )
