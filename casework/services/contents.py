"""Words published over the release's: drafted by one person, checked, published by another, gone back from at once.

The words of the release are version 1 of each text, and a later release's that differ are a version of their own:
whatever was ever told has a number.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from casework.model.content_lint import (
    EMERGENCY,
    LONGEST_REVIEW,
    LintedText,
    LintFinding,
    lint,
    lint_entry,
)
from casework.model.errors import WaymarkError
from casework.model.toml_files import read_toml
from casework.model.working_days import local_day
from casework.services.content_gaps import LONGEST, USUAL
from casework.services.content_ports import (
    BaseText,
    BaseTexts,
    ContentKind,
    ContentStatus,
    ContentVersion,
    NewVersion,
)
from casework.services.ports import Store, Transaction
from casework.services.rendering import write_out
from casework.services.safety_lines import SAFETY_LINES_FILE
from casework.services.service_texts import ServiceTexts
from casework.services.support_directory import get_support_services

RELEASE = "release"
"""Who wrote the words of a release: nobody of the staff."""
LONGEST_NOTE = 500
LONGEST_THING = 96


class ContentRefused(WaymarkError):
    """The words break a rule that nobody decides about; nothing was kept."""

    def __init__(self, findings: tuple[LintFinding, ...]) -> None:
        super().__init__(", ".join(sorted({each.rule for each in findings if each.is_refused})))
        self.findings = findings


class ContentChanged(WaymarkError):
    """Somebody else wrote, published or took back a version meanwhile; nothing was changed."""


class OwnDraft(WaymarkError):
    """Whoever wrote a draft is not the one who publishes it."""


class NothingNew(WaymarkError):
    """The draft says what is said already."""


class NothingPublished(WaymarkError):
    """The words are the release's: there is nothing to go back from."""


@dataclass(frozen=True, kw_only=True)
class ContentState:
    """One text as it stands. `said`: what answers use now."""

    base: ContentVersion
    published: ContentVersion | None
    draft: ContentVersion | None

    @property
    def said(self) -> ContentVersion:
        return self.published or self.base

    @property
    def has_base_changed(self) -> bool:
        """A release changed its words after the published ones were written."""
        return self.published is not None and self.base.version > self.published.version


@dataclass(kw_only=True)
class Seeding:
    """Writes what this release says, once: answers made before that would have no version."""

    store: Store
    texts: BaseTexts
    is_done: bool = False

    async def seed(self) -> bool:
        """Never more work to do."""
        if not self.is_done:
            await self.store.write(lambda tx: seed_contents(tx, self.texts))
            self.is_done = True
        return False


def seed_contents(tx: Transaction, texts: BaseTexts) -> int:
    """Writes what this release says and the database does not have; how many that was."""
    standing: dict[str, ContentVersion] = {}
    for version in tx.contents.list_standing():
        if version.status is ContentStatus.BASE:
            standing.setdefault(version.name, version)
    return sum(_seed(tx, text, standing.get(text.name)) for text in texts.values())


def _seed(tx: Transaction, text: BaseText, newest: ContentVersion | None) -> bool:
    if newest is not None and newest.forms == text.forms and newest.review_by == text.review_by:
        return False
    number = 1 if newest is None else _count_versions(tx, text.name) + 1
    return tx.contents.record(
        NewVersion(
            name=text.name,
            kind=text.kind,
            version=number,
            forms=text.forms,
            source=text.source,
            review_by=text.review_by,
            status=ContentStatus.BASE,
            drafted_by=RELEASE,
        )
    )


def list_states(tx: Transaction) -> list[ContentState]:
    """Every text by name; those that only an older release had too."""
    by_name: dict[str, list[ContentVersion]] = {}
    for version in tx.contents.list_standing():
        by_name.setdefault(version.name, []).append(version)
    return [state for versions in by_name.values() if (state := state_of(versions)) is not None]


def find_state(tx: Transaction, name: str) -> ContentState | None:
    return state_of(tx.contents.list_of(name))


def find_latest_review(today: date) -> date:
    """The last day by which a text written today may say that it is read again."""
    return today + LONGEST_REVIEW


def check(
    base: BaseText,
    forms: Mapping[str, str],
    *,
    source: str,
    review_by: date | None,
    today: date,
    texts: ServiceTexts,
) -> tuple[LintFinding, ...]:
    """Everything wrong with such a draft, what is refused first."""
    text = LintedText(
        forms=forms,
        base=base.forms,
        source=source,
        review_by=review_by,
        longest=LONGEST,
        usual=USUAL,
        choices=write_out("", base.choices, texts).strip(),
    )
    if base.kind is ContentKind.DIRECTORY:
        return lint_entry(text, today=today)
    return lint(text, today=today, known_numbers=read_known_numbers())


def draft(
    tx: Transaction,
    base: BaseText,
    forms: Mapping[str, str],
    *,
    source: str,
    review_by: date | None,
    note: str,
    after_version: int,
    texts: ServiceTexts,
    by: str,
) -> int:
    """Keeps a draft: its version. It takes the place of one that waits. `after_version`: the newest they had seen.

    Raises ContentRefused, NothingNew, and ContentChanged when there is a newer one.
    """
    findings = check(base, forms, source=source, review_by=review_by, today=local_day(tx.now), texts=texts)
    if any(each.is_refused for each in findings):
        raise ContentRefused(findings)
    versions = tx.contents.list_of(base.name)
    state = state_of(versions)
    if state is None or versions[0].version != after_version:
        raise ContentChanged(base.name)
    is_same = state.said.forms == dict(forms) and state.said.review_by == review_by
    if is_same and state.said.source == source:
        raise NothingNew(base.name)
    if state.draft is not None:
        tx.contents.change_status(state.draft, ContentStatus.REFUSED)
    number = after_version + 1
    is_kept = tx.contents.record(
        NewVersion(
            name=base.name,
            kind=base.kind,
            version=number,
            forms=forms,
            source=source.strip(),
            review_by=review_by,
            status=ContentStatus.DRAFT,
            drafted_by=by,
            note=note.strip()[:LONGEST_NOTE],
        )
    )
    if not is_kept:
        raise ContentChanged(base.name)
    tx.audit.record("content_drafted", by=by, thing=_thing(base.name, number))
    return number


def publish(tx: Transaction, base: BaseText, version: int, *, texts: ServiceTexts, by: str) -> None:
    """The second person: every answer from this commit on uses it. Checked once more: it may have waited.

    Raises ContentChanged, OwnDraft, ContentRefused.
    """
    state = _get_state(tx, base.name)
    waiting = state.draft
    if waiting is None or waiting.version != version:
        raise ContentChanged(base.name)
    if waiting.drafted_by == by:
        raise OwnDraft(base.name)
    findings = check(
        base,
        waiting.forms,
        source=waiting.source,
        review_by=waiting.review_by,
        today=local_day(tx.now),
        texts=texts,
    )
    if any(each.is_refused for each in findings):
        raise ContentRefused(findings)
    if state.published is not None:
        _change(tx, state.published, ContentStatus.REPLACED)
    _change(tx, waiting, ContentStatus.PUBLISHED, by=by)
    tx.audit.record("content_published", by=by, thing=_thing(base.name, version))


def refuse(tx: Transaction, name: str, version: int, *, by: str) -> None:
    """Takes a draft away; whoever wrote it may, too. Raises ContentChanged."""
    waiting = _get_state(tx, name).draft
    if waiting is None or waiting.version != version:
        raise ContentChanged(name)
    _change(tx, waiting, ContentStatus.REFUSED)
    tx.audit.record("content_refused", by=by, thing=_thing(name, version))


def roll_back(tx: Transaction, name: str, version: int, *, by: str) -> int:
    """Goes back to what was said before, which may be the release's words: its version. `version`: what they saw.

    Raises NothingPublished, and ContentChanged when something else is published.
    """
    versions = tx.contents.list_of(name)
    state = state_of(versions)
    if state is None or state.published is None:
        raise NothingPublished(name)
    if state.published.version != version:
        raise ContentChanged(name)
    before = next(
        (each for each in versions if each.status is ContentStatus.REPLACED and each.version < version), None
    )
    _change(tx, state.published, ContentStatus.TAKEN_BACK)
    if before is not None:
        _change(tx, before, ContentStatus.PUBLISHED, by=by)
    tx.audit.record("content_rolled_back", by=by, thing=_thing(name, version))
    return (before or state.base).version


def read_known_numbers() -> frozenset[str]:
    """Every telephone number that has a source: those of the safety lines and those of the directory."""
    directory = {service.phone_display.partition(",")[0] for service in get_support_services()}
    return frozenset(read_toml(SAFETY_LINES_FILE)["numbers"]) | directory | EMERGENCY


def state_of(versions: list[ContentVersion]) -> ContentState | None:
    """`versions`: newest first. None for a name that no release ever had."""
    newest = {version.status: version for version in reversed(versions)}
    base = newest.get(ContentStatus.BASE)
    if base is None:
        return None
    return ContentState(
        base=base, published=newest.get(ContentStatus.PUBLISHED), draft=newest.get(ContentStatus.DRAFT)
    )


def _get_state(tx: Transaction, name: str) -> ContentState:
    state = find_state(tx, name)
    if state is None:
        raise ContentChanged(name)
    return state


def _count_versions(tx: Transaction, name: str) -> int:
    return max((version.version for version in tx.contents.list_of(name)), default=0)


def _change(
    tx: Transaction, version: ContentVersion, status: ContentStatus, *, by: str | None = None
) -> None:
    if not tx.contents.change_status(version, status, approved_by=by):
        raise ContentChanged(version.name)


def _thing(name: str, version: int) -> str:
    return f"content:{name}.{version}"[:LONGEST_THING]
