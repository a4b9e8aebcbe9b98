"""The service as it is put together for real, with settings that reach nobody."""

from pathlib import Path

from casework.adapters.service import Service
from casework.adapters.settings import Settings
from casework.bootstrap import build_service


def build_service_in(folder: Path, **more: str) -> Service:
    """With everything of its own in `folder`; `more`: settings beside or in place of these. Whoever asks closes it."""
    environ = {
        "WAYMARK_DATA_DIR": str(folder),
        "WAYMARK_TURN_SECRET": "x" * 32,
        "WAYMARK_RASA_URLS": "http://127.0.0.1:1",
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": "0" * 32,
        "WAYMARK_SMS_FROM": "+447700900900",
    }
    return build_service(Settings.from_env(environ | more))
