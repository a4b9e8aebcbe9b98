"""The worker's part in letting go: what had its time, what is erased, and what the provider still has.

None of it comes before a message: each step is small, waits like any other write, and looks seldom.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from casework.adapters.service import Service
from casework.adapters.storage.provider_redactions import TELEGRAM, TWILIO
from casework.adapters.storage.retention_rows import check_rules
from casework.model.retention import RETENTION_FILE, RetentionRules, load_retention
from casework.services import erasure, provider_redaction, retention
from casework.services.provider_redaction import Forgetting
from channels.erasure_places import ErasurePlaces
from channels.senders import build_twilio_settings
from channels.telegram_redaction import TelegramForgetting
from channels.telegram_transport import build_bot, find_telegram_settings
from channels.twilio_redaction import TwilioForgetting

Step = Callable[[], Awaitable[bool]]


def load_rules(service: Service) -> RetentionRules:
    """The force's own times or the packaged ones. Raises SettingsInvalid where a table has none."""
    rules = load_retention(service.settings.retention_file or RETENTION_FILE)
    check_rules(rules)
    return rules


def build_keeping(service: Service, rules: RetentionRules) -> retention.Keeping:
    return retention.Keeping(store=service.database, clock=service.clock, rules=rules)


def build_erasing(service: Service, rules: RetentionRules) -> erasure.Erasing:
    settings = service.settings
    return erasure.Erasing(
        store=service.database,
        rules=rules,
        places=ErasurePlaces(settings.spool_dir, settings.data_dir / "exports"),
        pages=service.database,
        shred=lambda tx, owner: tx.data_keys.shred(owner),
    )


@asynccontextmanager
async def open_redacting(
    service: Service, rules: RetentionRules
) -> AsyncIterator[provider_redaction.Redacting]:
    twilio = TwilioForgetting(build_twilio_settings(service.settings))
    providers: dict[str, Forgetting] = {TWILIO: twilio}
    telegram = find_telegram_settings(service.settings)
    bot = None if telegram is None else build_bot(telegram)
    if bot is not None:
        providers[TELEGRAM] = TelegramForgetting(bot)
    try:
        yield provider_redaction.Redacting(
            store=service.database, clock=service.clock, rules=rules, providers=providers
        )
    finally:
        twilio.close()
        if bot is not None:
            await bot.shutdown()


@asynccontextmanager
async def open_steps(service: Service) -> AsyncIterator[tuple[list[Step], Step]]:
    """What a worker does of it here, and what it asks of providers, for as long as the block runs."""
    rules = load_rules(service)
    keeping, erasing = build_keeping(service, rules), build_erasing(service, rules)
    async with open_redacting(service, rules) as redacting:
        yield (
            [lambda: retention.keep_next(keeping), lambda: erasure.erase_next(erasing)],
            lambda: provider_redaction.forget_next(redacting),
        )
