"""The masker as the settings make it."""

import hashlib
import hmac
from pathlib import Path

from casework.adapters.settings import Settings
from casework.model.errors import SettingsInvalid
from casework.model.masking import Masker
from casework.model.masking.masker import load_masker

TOWNS_FILE = Path(__file__).parents[2] / "bot" / "components" / "towns.txt"


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
