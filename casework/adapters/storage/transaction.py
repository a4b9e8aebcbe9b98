"""One SQL transaction, seen as the ports see it: a handful of small repositories."""

from datetime import datetime
from functools import cached_property

import sqlalchemy as sa

from casework.adapters.storage.access_requests import SqlAccessRequests
from casework.adapters.storage.alarms import SqlAlarms
from casework.adapters.storage.anchors import SqlAnchors
from casework.adapters.storage.annotations import SqlAnnotations
from casework.adapters.storage.audit_reads import SqlAuditReads
from casework.adapters.storage.boards import SqlBoards
from casework.adapters.storage.canned_replies import SqlCannedReplies
from casework.adapters.storage.cases import SqlCases
from casework.adapters.storage.clocks import SqlClocks
from casework.adapters.storage.codes import SqlCodes
from casework.adapters.storage.comparisons import SqlComparisons
from casework.adapters.storage.contents import SqlContents
from casework.adapters.storage.conversations import SqlConversations, SqlInbox, SqlTranscripts
from casework.adapters.storage.credentials import SqlCredentials
from casework.adapters.storage.data_keys import SqlDataKeys
from casework.adapters.storage.desk import SqlDesk
from casework.adapters.storage.disclosure_export_reads import SqlExportReads
from casework.adapters.storage.drafts import SqlDrafts
from casework.adapters.storage.drills import SqlDrills
from casework.adapters.storage.endings import SqlEndings
from casework.adapters.storage.erasures import SqlErasures
from casework.adapters.storage.evaluations import SqlEvaluations
from casework.adapters.storage.examples import SqlExamples
from casework.adapters.storage.factors import SqlFactors, SqlSignInAttempts
from casework.adapters.storage.feedback import SqlFeedback
from casework.adapters.storage.follow_ups import SqlFollowUps
from casework.adapters.storage.glass import SqlGlass
from casework.adapters.storage.guest_labels import SqlGuestLabels
from casework.adapters.storage.guests import SqlGuests
from casework.adapters.storage.hand_backs import SqlHandBacks
from casework.adapters.storage.held_imports import SqlImports
from casework.adapters.storage.held_messages import SqlHeldMessages
from casework.adapters.storage.holds import SqlHolds
from casework.adapters.storage.invites import SqlInvites
from casework.adapters.storage.known_turns import SqlKnownTurns
from casework.adapters.storage.ladder import SqlLadder
from casework.adapters.storage.masking_reads import SqlMaskingReads
from casework.adapters.storage.measures import SqlMeasures
from casework.adapters.storage.media import SqlMedia
from casework.adapters.storage.menus import SqlMenus
from casework.adapters.storage.model_releases import SqlModelReleases
from casework.adapters.storage.notices import SqlNotices
from casework.adapters.storage.officer_messages import SqlOfficerMessages
from casework.adapters.storage.opt_outs import SqlOptOuts
from casework.adapters.storage.outbox import SqlOutbox
from casework.adapters.storage.paces import SqlPaces
from casework.adapters.storage.passkeys import SqlPasskeys
from casework.adapters.storage.people import SqlStaff, SqlWebSessions
from casework.adapters.storage.person_threads import SqlPersonThreads
from casework.adapters.storage.promises import SqlPromises
from casework.adapters.storage.provider_redactions import SqlProviderRedactions
from casework.adapters.storage.records import SqlAudit, SqlBeats
from casework.adapters.storage.relations import SqlRelations
from casework.adapters.storage.restore_gaps import SqlRestoreGaps
from casework.adapters.storage.retention_rows import SqlRetention
from casework.adapters.storage.review_reads import SqlReviewReads
from casework.adapters.storage.reviews import SqlReviews
from casework.adapters.storage.rota import SqlRota, SqlStaffNotices
from casework.adapters.storage.shadows import SqlShadows
from casework.adapters.storage.shifts import SqlShifts
from casework.adapters.storage.staff_notes import SqlStaffNotes
from casework.adapters.storage.standings import SqlStandings
from casework.adapters.storage.supervision import SqlBroadcasts, SqlIntakePauses, SqlQuality
from casework.adapters.storage.sweeps import SqlSweeps
from casework.adapters.storage.switches import SqlAssistantSwitch
from casework.adapters.storage.throttles import SqlThrottles
from casework.adapters.storage.training_flags import SqlTrainingFlags
from casework.adapters.storage.transfers import SqlRegrades, SqlTransfers
from casework.adapters.storage.trials import SqlTrials
from casework.adapters.storage.turn_records import SqlTurnRecords
from casework.adapters.storage.turns import SqlTurns
from casework.adapters.storage.unmaskings import SqlUnmaskings
from casework.adapters.storage.unusual_readings import SqlUnusualReadings
from casework.adapters.storage.victims import SqlPeople
from casework.adapters.storage.waiting_work import SqlWaitingWork
from casework.adapters.storage.wellbeing import SqlBreaks, SqlExposures
from casework.adapters.storage.workbench_jobs import SqlJobs
from casework.services.ports import Clock


class SqlTransaction:
    def __init__(
        self, connection: sa.Connection, clock: Clock, *, may_teach_unless_said: bool = False
    ) -> None:
        self.connection = connection
        self._clock = clock
        # Whether a message nobody decided about may teach the assistant: a force's setting.
        self.may_teach_unless_said = may_teach_unless_said

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
    def data_keys(self) -> SqlDataKeys:
        return SqlDataKeys(self.connection)

    @cached_property
    def turns(self) -> SqlTurns:
        return SqlTurns(self.connection, self.now)

    @cached_property
    def waiting_work(self) -> SqlWaitingWork:
        return SqlWaitingWork(self.connection, self.now)

    @cached_property
    def outbox(self) -> SqlOutbox:
        return SqlOutbox(self.connection, self.now)

    @cached_property
    def desk(self) -> SqlDesk:
        return SqlDesk(self.connection, self.now)

    @cached_property
    def transfers(self) -> SqlTransfers:
        return SqlTransfers(self.connection, self.now)

    @cached_property
    def regrades(self) -> SqlRegrades:
        return SqlRegrades(self.connection, self.now)

    @cached_property
    def shifts(self) -> SqlShifts:
        return SqlShifts(self.connection, self.now)

    @cached_property
    def cases(self) -> SqlCases:
        return SqlCases(self.connection, self.now)

    @cached_property
    def imports(self) -> SqlImports:
        return SqlImports(self.connection, self.now)

    @cached_property
    def people(self) -> SqlPeople:
        return SqlPeople(self.connection, self.now)

    @cached_property
    def standings(self) -> SqlStandings:
        return SqlStandings(self.connection, self.now)

    @cached_property
    def codes(self) -> SqlCodes:
        return SqlCodes(self.connection, self.now)

    @cached_property
    def throttles(self) -> SqlThrottles:
        return SqlThrottles(self.connection, self.now)

    @cached_property
    def credentials(self) -> SqlCredentials:
        return SqlCredentials(self.connection, self.now)

    @cached_property
    def passkeys(self) -> SqlPasskeys:
        return SqlPasskeys(self.connection, self.now)

    @cached_property
    def feedback(self) -> SqlFeedback:
        return SqlFeedback(self.connection, self.now)

    @cached_property
    def invites(self) -> SqlInvites:
        return SqlInvites(self.connection, self.now)

    @cached_property
    def promises(self) -> SqlPromises:
        return SqlPromises(self.connection, self.now)

    @cached_property
    def officer_messages(self) -> SqlOfficerMessages:
        return SqlOfficerMessages(self.connection, self.now)

    @cached_property
    def notices(self) -> SqlNotices:
        return SqlNotices(self.connection, self.now)

    @cached_property
    def clocks(self) -> SqlClocks:
        return SqlClocks(self.connection, self.now)

    @cached_property
    def transcripts(self) -> SqlTranscripts:
        return SqlTranscripts(self.connection)

    @cached_property
    def staff(self) -> SqlStaff:
        return SqlStaff(self.connection, self.now)

    @cached_property
    def relations(self) -> SqlRelations:
        return SqlRelations(self.connection, self.now)

    @cached_property
    def factors(self) -> SqlFactors:
        return SqlFactors(self.connection, self.now)

    @cached_property
    def sign_in_attempts(self) -> SqlSignInAttempts:
        return SqlSignInAttempts(self.connection)

    @cached_property
    def glass(self) -> SqlGlass:
        return SqlGlass(self.connection, self.now)

    @cached_property
    def web_sessions(self) -> SqlWebSessions:
        return SqlWebSessions(self.connection, self.now)

    @cached_property
    def opt_outs(self) -> SqlOptOuts:
        return SqlOptOuts(self.connection, self.now)

    @cached_property
    def held_messages(self) -> SqlHeldMessages:
        return SqlHeldMessages(self.connection, self.now)

    @cached_property
    def menus(self) -> SqlMenus:
        return SqlMenus(self.connection)

    @cached_property
    def media(self) -> SqlMedia:
        return SqlMedia(self.connection, self.now)

    @cached_property
    def sweeps(self) -> SqlSweeps:
        return SqlSweeps(self.connection, self.now)

    @cached_property
    def paces(self) -> SqlPaces:
        return SqlPaces(self.connection, self.now)

    @cached_property
    def canned_replies(self) -> SqlCannedReplies:
        return SqlCannedReplies(self.connection, self.now)

    @cached_property
    def drafts(self) -> SqlDrafts:
        return SqlDrafts(self.connection, self.now)

    @cached_property
    def endings(self) -> SqlEndings:
        return SqlEndings(self.connection, self.now)

    @cached_property
    def follow_ups(self) -> SqlFollowUps:
        return SqlFollowUps(self.connection, self.now)

    @cached_property
    def hand_backs(self) -> SqlHandBacks:
        return SqlHandBacks(self.connection, self.now)

    @cached_property
    def person_threads(self) -> SqlPersonThreads:
        return SqlPersonThreads(self.connection)

    @cached_property
    def staff_notes(self) -> SqlStaffNotes:
        return SqlStaffNotes(self.connection, self.now)

    @cached_property
    def broadcasts(self) -> SqlBroadcasts:
        return SqlBroadcasts(self.connection, self.now)

    @cached_property
    def intake_pauses(self) -> SqlIntakePauses:
        return SqlIntakePauses(self.connection, self.now)

    @cached_property
    def assistant_switch(self) -> SqlAssistantSwitch:
        return SqlAssistantSwitch(self.connection, self.now)

    @cached_property
    def trials(self) -> SqlTrials:
        return SqlTrials(self.connection, self.now)

    @cached_property
    def restore_gaps(self) -> SqlRestoreGaps:
        return SqlRestoreGaps(self.connection)

    @cached_property
    def quality(self) -> SqlQuality:
        return SqlQuality(self.connection, self.now)

    @cached_property
    def boards(self) -> SqlBoards:
        return SqlBoards(self.connection, self.now)

    @cached_property
    def breaks(self) -> SqlBreaks:
        return SqlBreaks(self.connection, self.now)

    @cached_property
    def exposures(self) -> SqlExposures:
        return SqlExposures(self.connection, self.now)

    @cached_property
    def measures(self) -> SqlMeasures:
        return SqlMeasures(self.connection, self.now)

    @cached_property
    def ladder(self) -> SqlLadder:
        return SqlLadder(self.connection, self.now)

    @cached_property
    def rota(self) -> SqlRota:
        return SqlRota(self.connection, self.now)

    @cached_property
    def staff_notices(self) -> SqlStaffNotices:
        return SqlStaffNotices(self.connection, self.now)

    @cached_property
    def alarms(self) -> SqlAlarms:
        return SqlAlarms(self.connection, self.now)

    @cached_property
    def drills(self) -> SqlDrills:
        return SqlDrills(self.connection, self.now)

    @cached_property
    def evaluations(self) -> SqlEvaluations:
        return SqlEvaluations(self.connection)

    @cached_property
    def comparisons(self) -> SqlComparisons:
        return SqlComparisons(self.connection, self.now)

    @cached_property
    def shadows(self) -> SqlShadows:
        return SqlShadows(self.connection, self.now)

    @cached_property
    def contents(self) -> SqlContents:
        return SqlContents(self.connection, self.now)

    @cached_property
    def guest_labels(self) -> SqlGuestLabels:
        return SqlGuestLabels(self.connection, self.now)

    @cached_property
    def guests(self) -> SqlGuests:
        return SqlGuests(self.connection, self.now)

    @cached_property
    def model_releases(self) -> SqlModelReleases:
        return SqlModelReleases(self.connection, self.now)

    @cached_property
    def masking_reads(self) -> SqlMaskingReads:
        return SqlMaskingReads(self.connection)

    @cached_property
    def unmaskings(self) -> SqlUnmaskings:
        return SqlUnmaskings(self.connection, self.now)

    @cached_property
    def training_flags(self) -> SqlTrainingFlags:
        return SqlTrainingFlags(self.connection, self.now, unless_said=self.may_teach_unless_said)

    @cached_property
    def turn_records(self) -> SqlTurnRecords:
        return SqlTurnRecords(self.connection, self.now, unless_said=self.may_teach_unless_said)

    @cached_property
    def reviews(self) -> SqlReviews:
        return SqlReviews(self.connection, self.now, unless_said=self.may_teach_unless_said)

    @cached_property
    def review_reads(self) -> SqlReviewReads:
        return SqlReviewReads(self.connection, self.now)

    @cached_property
    def annotations(self) -> SqlAnnotations:
        return SqlAnnotations(self.connection, self.now)

    @cached_property
    def examples(self) -> SqlExamples:
        return SqlExamples(self.connection, self.now)

    @cached_property
    def jobs(self) -> SqlJobs:
        return SqlJobs(self.connection, self.now)

    @cached_property
    def access_requests(self) -> SqlAccessRequests:
        return SqlAccessRequests(self.connection, self.now)

    @cached_property
    def export_reads(self) -> SqlExportReads:
        return SqlExportReads(self.connection)

    @cached_property
    def holds(self) -> SqlHolds:
        return SqlHolds(self.connection, self.now)

    @cached_property
    def retention(self) -> SqlRetention:
        return SqlRetention(self.connection, self.now)

    @cached_property
    def erasures(self) -> SqlErasures:
        return SqlErasures(self.connection, self.now)

    @cached_property
    def provider_redactions(self) -> SqlProviderRedactions:
        return SqlProviderRedactions(self.connection, self.now)

    @cached_property
    def audit(self) -> SqlAudit:
        return SqlAudit(self.connection, self.now)

    @cached_property
    def known_turns(self) -> SqlKnownTurns:
        return SqlKnownTurns(self.connection, self.now)

    @cached_property
    def anchors(self) -> SqlAnchors:
        return SqlAnchors(self.connection, self.now)

    @cached_property
    def audit_reads(self) -> SqlAuditReads:
        return SqlAuditReads(self.connection)

    @cached_property
    def unusual_readings(self) -> SqlUnusualReadings:
        return SqlUnusualReadings(self.connection, self.now)

    @cached_property
    def beats(self) -> SqlBeats:
        return SqlBeats(self.connection, self.now)

    def finish(self) -> None:
        """What waits for the end of the transaction: called once, just before its commit."""
        if "audit" in self.__dict__:
            self.audit.write()
