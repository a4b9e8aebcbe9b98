"""One SQL transaction, seen as the ports see it: a handful of small repositories."""

from datetime import datetime
from functools import cached_property

import sqlalchemy as sa

from casework.adapters.storage.cases import SqlCases, SqlCodes, SqlStandings
from casework.adapters.storage.conversations import SqlConversations, SqlInbox, SqlTranscripts
from casework.adapters.storage.desk import SqlDesk
from casework.adapters.storage.outbox import SqlOutbox
from casework.adapters.storage.people import SqlStaff, SqlWebSessions
from casework.adapters.storage.records import SqlAudit, SqlBeats
from casework.adapters.storage.turns import SqlTurns
from casework.services.ports import Clock


class SqlTransaction:
    def __init__(self, connection: sa.Connection, clock: Clock) -> None:
        self.connection = connection
        self._clock = clock

    @cached_property
    def now(self) -> datetime:
        """One time for the whole transaction."""
        return self._clock.now()

    @cached_property
    def conversations(self) -> SqlConversations:
        return SqlConversations(self.connection, self.now)

    @cached_property
    def inbox(self) -> SqlInbox:
        return SqlInbox(self.connection)

    @cached_property
    def turns(self) -> SqlTurns:
        return SqlTurns(self.connection, self.now)

    @cached_property
    def outbox(self) -> SqlOutbox:
        return SqlOutbox(self.connection, self.now)

    @cached_property
    def desk(self) -> SqlDesk:
        return SqlDesk(self.connection, self.now)

    @cached_property
    def cases(self) -> SqlCases:
        return SqlCases(self.connection, self.now)

    @cached_property
    def standings(self) -> SqlStandings:
        return SqlStandings(self.connection, self.now)

    @cached_property
    def codes(self) -> SqlCodes:
        return SqlCodes(self.connection, self.now)

    @cached_property
    def transcripts(self) -> SqlTranscripts:
        return SqlTranscripts(self.connection)

    @cached_property
    def staff(self) -> SqlStaff:
        return SqlStaff(self.connection, self.now)

    @cached_property
    def web_sessions(self) -> SqlWebSessions:
        return SqlWebSessions(self.connection, self.now)

    @cached_property
    def audit(self) -> SqlAudit:
        return SqlAudit(self.connection, self.now)

    @cached_property
    def beats(self) -> SqlBeats:
        return SqlBeats(self.connection, self.now)
