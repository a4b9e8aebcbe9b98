"""Why a message belongs in a queue: what was seen in it, against what people did. Nothing is read here."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from casework.model.annotations import is_drawn
from casework.model.bands import MOST_URGENT_FIRST, BandLimits, Learned, decide_band, load_band_limits
from casework.model.desk import Outcome
from casework.model.disclosures import CALM, TIER_OF, Band, Category
from casework.model.review_queues import NO_DANGER, Queue
from casework.model.workbench_limits import WorkbenchLimits, load_workbench_limits
from casework.services.conversation_ports import WasUrgent
from casework.services.labels import ROUTINE
from casework.services.review_ports import Said, SeenMessage, Talk
from casework.services.workbench_ports import JsonObject

FALLBACK = "nlu_fallback"
# What a detective does for danger, and for none.
URGENT_OUTCOMES = frozenset({Outcome.TOLD_TO_CALL_999, Outcome.LOG_CREATED, Outcome.SAFEGUARDING_REFERRAL})
CALM_OUTCOMES = frozenset({Outcome.INFORMATION_GIVEN, Outcome.NOT_A_VICTIM, Outcome.TEST})
URGENT_WORDS = frozenset({WasUrgent.YES, WasUrgent.SOONER})


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One reason. `why`: a key of the words of the pages; `detail`: what stands in their gaps, numbers and codes."""

    inbox_id: int
    queue: Queue
    why: str
    harm: int
    detail: JsonObject = field(default_factory=dict)
    cluster: str | None = None


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What the service made of a message by both its layers."""

    band: Band
    tier: int | None
    category: str | None


def find_sight(seen: SeenMessage) -> Sight:
    """The more urgent of the screen, the record of the turn and the item opened for it."""
    by_screen = seen.screen.band if seen.screen.urgent else Band.GREEN
    bands = [by_screen, seen.band or Band.GREEN]
    if seen.item_reason is not None:
        bands.append(Band.AMBER if seen.item_reason == "check" else Band.RED)
    band = min(bands, key=MOST_URGENT_FIRST.index)
    if band is Band.GREEN:
        return Sight(band=band, tier=None, category=None)
    tiers = [tier for tier in (seen.item_tier, seen.screen.tier, seen.tier) if tier]
    named = seen.screen.category.value if seen.screen.category else None
    category = seen.item_category or named or _likeliest(seen)
    return Sight(band=band, tier=min(tiers, default=None), category=category)


def _likeliest(seen: SeenMessage) -> str | None:
    named = {name: value for name, value in seen.categories.items() if name in set(Category) and value}
    upper = {name: value for name, value in named.items() if TIER_OF[Category(name)] <= (seen.tier or 4)}
    return max(upper, key=lambda name: upper[name], default=None)


def find_harm(seen: SeenMessage, about: str | None = None) -> int:
    """The tier: by a person's word, else by the screen and the model; behind all of them where nobody said danger."""
    if about is not None and about in set(Category):
        return TIER_OF[Category(about)]
    return find_sight(seen).tier or NO_DANGER


def of_messages(
    messages: Sequence[SeenMessage], previous: Mapping[int, tuple[int, str | None]]
) -> Iterator[Finding]:
    """What the numbers of the turn itself give away, and the chance sample."""
    limits = load_workbench_limits()
    for seen in messages:
        if not seen.has_words:
            continue
        yield from _of_rule_alone(seen)
        yield from _of_doubt(seen, limits)
        yield from _of_not_understood(seen, previous.get(seen.inbox_id))
        if is_drawn(f"{seen.inbox_id}{seen.said_at:%Y-%m}", limits.sample_one_in):
            yield Finding(inbox_id=seen.inbox_id, queue=Queue.SAMPLE, why="by_chance", harm=find_harm(seen))


def _of_rule_alone(seen: SeenMessage) -> Iterator[Finding]:
    """AMBER by the screen, and the model below its own limit: without the rule nobody would have looked."""
    if seen.screen.band is not Band.AMBER or seen.urgency is None:
        return
    amber = _limits().tiers[seen.screen.tier or 4].amber
    if seen.urgency < amber:
        yield of_rule_alone(seen, urgency=seen.urgency)


def of_rule_alone(seen: SeenMessage, *, urgency: float) -> Finding:
    """A rule saw it and the model did not: in the turn itself, or once a model was asked again."""
    return Finding(
        inbox_id=seen.inbox_id,
        queue=Queue.POSSIBLE_MISSES,
        why="rule_alone",
        harm=find_harm(seen),
        detail={"urgency": round(urgency, 3)},
    )


def _of_doubt(seen: SeenMessage, limits: WorkbenchLimits) -> Iterator[Finding]:
    near = _find_near(seen, limits)
    if near is not None:
        yield near
        return
    if seen.intent is None or find_sight(seen).band is Band.RED:
        return
    is_close = seen.runner_up is not None and (seen.confidence - seen.runner_up_confidence < limits.least_gap)
    if seen.confidence < limits.least_confidence or is_close:
        yield Finding(
            inbox_id=seen.inbox_id,
            queue=Queue.UNSURE,
            why="between_two" if seen.runner_up is not None else "unsure",
            harm=find_harm(seen),
            detail={
                "intent": seen.intent,
                "confidence": round(seen.confidence, 3),
                "runner_up": seen.runner_up,
                "runner_up_confidence": round(seen.runner_up_confidence, 3),
            },
        )


def _find_near(seen: SeenMessage, limits: WorkbenchLimits) -> Finding | None:
    """Only just under a limit: with the limits moved that far the model alone would have called it more urgent."""
    if seen.urgency is None:
        return None
    categories = {Category(name): value for name, value in seen.categories.items() if name in set(Category)}
    learned = Learned(probability=seen.urgency, categories=categories)
    stood = decide_band(CALM, learned, None, _limits())
    moved = decide_band(CALM, learned, None, _moved(limits.below_red, limits.share_of_amber))
    if MOST_URGENT_FIRST.index(moved.band) >= MOST_URGENT_FIRST.index(find_sight(seen).band):
        return None
    if moved.band is stood.band:
        return None
    return Finding(
        inbox_id=seen.inbox_id,
        queue=Queue.UNSURE,
        why="near_limit",
        harm=moved.tier or NO_DANGER,
        detail={"urgency": round(seen.urgency, 3), "limit": moved.band.value},
    )


def _of_not_understood(seen: SeenMessage, before: tuple[int, str | None] | None) -> Iterator[Finding]:
    if seen.intent != FALLBACK or before is None or before[1] != FALLBACK:
        return
    for inbox_id in (before[0], seen.inbox_id):
        yield Finding(inbox_id=inbox_id, queue=Queue.NOT_UNDERSTOOD, why="twice", harm=find_harm(seen))


def of_talk(talk: Talk, seen: Mapping[int, SeenMessage]) -> Iterator[Finding]:
    """What a detective said when they closed it, against what was seen in the messages it speaks of."""
    messages = [seen[inbox_id] for inbox_id in talk.inbox_ids if inbox_id in seen]
    sights = {each.inbox_id: find_sight(each) for each in messages}
    yield from _of_about(talk, messages, sights)
    yield from _of_urgent_word(talk, messages, sights)
    yield from _of_late_flag(talk, messages, sights)
    if talk.was_urgent == WasUrgent.NO:
        for each in messages:
            if each.item_grade is not None and each.item_grade <= 2 and each.item_reason != "unreadable":
                yield _false_alarm(each, code="not_urgent")


def _of_about(talk: Talk, messages: Sequence[SeenMessage], sights: Mapping[int, Sight]) -> Iterator[Finding]:
    """A danger nobody saw in any message of the talk; or routine, and a message was RED."""
    if talk.about in ROUTINE:
        wrong = [each for each in messages if sights[each.inbox_id].band is Band.RED]
    elif talk.about in set(Category) and all(sight.category != talk.about for sight in sights.values()):
        wrong = list(messages)[-load_workbench_limits().most_of_a_talk :]
    else:
        return
    for each in wrong:
        yield Finding(
            inbox_id=each.inbox_id,
            queue=Queue.STAFF_DISAGREED,
            why="about_another",
            harm=find_harm(each, talk.about),
            detail={"about": talk.about, "seen": sights[each.inbox_id].category},
        )


def _of_urgent_word(
    talk: Talk, messages: Sequence[SeenMessage], sights: Mapping[int, Sight]
) -> Iterator[Finding]:
    if talk.was_urgent not in URGENT_WORDS:
        return
    for each in messages:
        if sights[each.inbox_id].band is Band.GREEN:
            yield Finding(
                inbox_id=each.inbox_id,
                queue=Queue.POSSIBLE_MISSES,
                why="handled_as_urgent" if talk.was_urgent == WasUrgent.YES else "should_be_sooner",
                harm=find_harm(each, talk.about),
                detail={"was_urgent": talk.was_urgent},
            )


def _of_late_flag(
    talk: Talk, messages: Sequence[SeenMessage], sights: Mapping[int, Sight]
) -> Iterator[Finding]:
    """Acted on as danger, and flagged at the third message or later, or never: what came before the flag."""
    if talk.outcome not in URGENT_OUTCOMES:
        return
    limits = load_workbench_limits()
    flagged = [
        place for place, each in enumerate(messages, 1) if sights[each.inbox_id].band is not Band.GREEN
    ]
    if flagged and flagged[0] < limits.late_from:
        return
    before = messages[: flagged[0] - 1] if flagged else messages
    for each in before[-limits.most_of_a_talk :]:
        yield Finding(
            inbox_id=each.inbox_id,
            queue=Queue.POSSIBLE_MISSES,
            why="flagged_late" if flagged else "never_flagged",
            harm=find_harm(each, talk.about),
            detail={"at": flagged[0]} if flagged else {"outcome": talk.outcome},
        )


def of_raised(said: Iterable[Said]) -> Iterator[Finding]:
    for each in said:
        yield Finding(
            inbox_id=each.inbox_id,
            queue=Queue.STAFF_DISAGREED,
            why="raised",
            # A place in the queue is a tier by another name, and a person's word.
            harm=each.numbers["to"],
            detail=dict(each.numbers),
        )


def of_called_wrong(said: Iterable[Said], seen: Mapping[int, SeenMessage]) -> Iterator[Finding]:
    for each in said:
        if each.inbox_id in seen:
            yield Finding(
                inbox_id=each.inbox_id,
                queue=Queue.STAFF_DISAGREED,
                why="called_wrong",
                harm=find_harm(seen[each.inbox_id]),
                detail={"block": each.code},
            )


def of_closed(said: Iterable[Said], seen: Mapping[int, SeenMessage]) -> Iterator[Finding]:
    for each in said:
        if each.code in CALM_OUTCOMES and each.inbox_id in seen:
            yield _false_alarm(seen[each.inbox_id], code=each.code)


def _false_alarm(seen: SeenMessage, *, code: str) -> Finding:
    return Finding(
        inbox_id=seen.inbox_id,
        queue=Queue.FALSE_ALARMS,
        why="closed_as",
        harm=find_harm(seen),
        detail={"outcome": code},
    )


def of_not_served(said: Iterable[Said], seen: Mapping[int, SeenMessage]) -> Iterator[Finding]:
    """They asked for a person, were not understood, or left after the answer."""
    for each in said:
        if each.inbox_id in seen:
            yield Finding(
                inbox_id=each.inbox_id,
                queue=Queue.NOT_UNDERSTOOD,
                why=each.code,
                harm=find_harm(seen[each.inbox_id]),
            )


@cache
def _limits() -> BandLimits:
    return load_band_limits()


@cache
def _moved(below_red: float, share_of_amber: float) -> BandLimits:
    limits = _limits()
    tiers = {
        tier: replace(each, red=max(each.red - below_red, each.amber), amber=each.amber * share_of_amber)
        for tier, each in limits.tiers.items()
    }
    return replace(limits, tiers=tiers)
