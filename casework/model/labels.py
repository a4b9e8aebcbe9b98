"""The labels of the workbench: the sixteen dangers and none, and what a calm message wants, each with its key."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from casework.model.disclosures import TIER_OF, Category
from casework.model.errors import SettingsInvalid
from casework.model.toml_files import read_toml

LABELS_FILE = Path(__file__).with_name("labels.toml")
NONE = "none"
"""The key that says: no danger in it."""
UNCLEAR = "unclear"
"""A calm message that wants none of the wishes, or cannot be read. It is decided, and never taught."""
UNCLEAR_KEY = "0"
MOST_IN_A_GROUP = 9
# Keys that mean something else on the page of an item.
TAKEN_KEYS = frozenset("afhuz/")


@dataclass(frozen=True, kw_only=True)
class RiskLabel:
    """`category` and `tier` (1 to 4) are None for "none"."""

    name: str
    key: str
    category: Category | None
    tier: int | None


@dataclass(frozen=True, kw_only=True)
class WishLabel:
    """`key`: its place in the group by name, "1" to "9"; UNCLEAR stands in no group ("") under "0"."""

    name: str
    group: str
    key: str


@dataclass(frozen=True, kw_only=True)
class Labels:
    """`risks`: by tier, then in the order of the screen's list, none last. `wishes`: by group, then by name."""

    risks: tuple[RiskLabel, ...]
    wishes: tuple[WishLabel, ...]

    def has_wish(self, name: str) -> bool:
        return any(each.name == name for each in self.wishes)

    def list_by_tier(self) -> dict[int | None, tuple[RiskLabel, ...]]:
        tiers = dict.fromkeys(each.tier for each in self.risks)
        return {tier: tuple(each for each in self.risks if each.tier == tier) for tier in tiers}

    def list_by_group(self) -> dict[str, tuple[WishLabel, ...]]:
        groups = dict.fromkeys(each.group for each in self.wishes)
        return {group: tuple(each for each in self.wishes if each.group == group) for group in groups}


def find_gravest(risks: Iterable[str]) -> Category | None:
    """Of the dangers in the order they were pressed: of the most urgent tier the first. None without any."""
    return min((Category(name) for name in risks), key=lambda category: TIER_OF[category], default=None)


@cache
def load_labels() -> Labels:
    """The packaged labels, read once. Raises SettingsInvalid."""
    return parse_labels(read_toml(LABELS_FILE))


def parse_labels(tables: Mapping[str, Mapping[str, Any]]) -> Labels:
    """Raises SettingsInvalid where a danger has no key of its own, or a group is no list of at most nine by name."""
    if set(tables) != {"keys", "groups"}:
        raise SettingsInvalid("labels.toml must have exactly: keys, groups.")
    return Labels(risks=_parse_risks(tables["keys"]), wishes=_parse_wishes(tables["groups"]))


def _parse_risks(keys: Mapping[str, Any]) -> tuple[RiskLabel, ...]:
    if set(keys) != {*Category, NONE}:
        raise SettingsInvalid(f"labels.toml, keys: exactly the categories of the screen and {NONE}.")
    given = list(keys.values())
    if any(not isinstance(key, str) or len(key) != 1 or key in TAKEN_KEYS or key.isdigit() for key in given):
        raise SettingsInvalid(f"labels.toml, keys: one letter each, none of {' '.join(sorted(TAKEN_KEYS))}.")
    if len(set(given)) != len(given):
        raise SettingsInvalid("labels.toml, keys: two labels share a key.")
    named = [
        RiskLabel(name=category.value, key=keys[category], category=category, tier=tier)
        for category, tier in sorted(TIER_OF.items(), key=lambda each: each[1])
    ]
    return (*named, RiskLabel(name=NONE, key=keys[NONE], category=None, tier=None))


def _parse_wishes(groups: Mapping[str, Any]) -> tuple[WishLabel, ...]:
    wishes = []
    for group, names in groups.items():
        if not isinstance(names, list) or names != sorted(names) or not 0 < len(names) <= MOST_IN_A_GROUP:
            raise SettingsInvalid(f"labels.toml, {group}: a list of one to {MOST_IN_A_GROUP} wishes by name.")
        wishes += [WishLabel(name=name, group=group, key=str(key)) for key, name in enumerate(names, 1)]
    if len({each.name for each in wishes} - {UNCLEAR}) != len(wishes):
        raise SettingsInvalid(f"labels.toml: a wish stands in two groups, or {UNCLEAR} in one.")
    return (*wishes, WishLabel(name=UNCLEAR, group="", key=UNCLEAR_KEY))
