"""What is published over the words of the release, for whoever shows them: pages, and the list of who can help.

Read anew each time: there are few of them, and words corrected a moment ago are shown at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from casework.services.content_ports import DIRECTORY_PREFIX, ContentKind, ContentVersion
from casework.services.ports import Transaction
from casework.services.support_directory import Published, PublishedEntry


@dataclass(frozen=True, kw_only=True)
class ContentBook:
    """`replies`: what is published over an answer of the assistant, by its name. `entries`: by the service's id."""

    replies: Mapping[str, ContentVersion] = field(default_factory=dict)
    entries: Published = field(default_factory=dict)


def read_content_book(tx: Transaction) -> ContentBook:
    published = tx.contents.list_published()
    return ContentBook(
        replies={each.name: each for each in published if each.kind is not ContentKind.DIRECTORY},
        entries={
            each.name.removeprefix(DIRECTORY_PREFIX): PublishedEntry(
                # What is published was checked: it has a day by which it is read again.
                fields=each.forms,
                review_by=each.review_by or date.min,
            )
            for each in published
            if each.kind is ContentKind.DIRECTORY
        },
    )
