"""Keys, tokens and secrets: whether each is one, has one use, and is read by its owner alone."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from casework.adapters.backups import FIRST_BYTES
from casework.adapters.key_backups import FIRST_LINE
from casework.adapters.settings import TWILIO_API_URL, Settings
from casework.adapters.vault.key_files import KeysWrong, read_keys
from launcher.doctor.findings import Examined, Finding


def check_tokens(examined: Examined) -> Iterator[Finding]:
    """One that is too short never gets here: the settings refuse it."""
    settings = examined.settings
    for name, count in (
        ("TWILIO_AUTH_TOKEN", len(settings.twilio_auth_tokens)),
        ("WAYMARK_FEED_KEYS", len(settings.feed_keys)),
    ):
        if count > 2:
            detail = f"holds {count}: whoever has an old one can still forge. Keep one, or two while changing"
        elif count == 2:
            detail = "holds two: take the old one out as soon as the change is over"
        else:
            detail = "holds one" if count else "is not set; what it is for is off"
        yield Finding(f"secret {name}", count <= 2, detail)


def check_sandbox(examined: Examined) -> Iterator[Finding]:
    """A pretend provider beside a real account: people would be answered by nobody."""
    settings = examined.settings
    if examined.is_real and settings.is_sandbox:
        yield Finding(
            "sandbox",
            False,
            "WAYMARK_SANDBOX is 1 beside TWILIO_ACCOUNT_SID: checks for real people are left out. Unset one of them",
        )
    elif examined.is_real and settings.twilio_api_url != TWILIO_API_URL:
        yield Finding(
            "sandbox",
            False,
            "WAYMARK_TWILIO_API_URL is not Twilio's: nothing reaches a real phone. Unset it, if that is not meant",
        )
    else:
        yield Finding("sandbox", True, "off" if examined.is_real else "on; nothing leaves this machine")


def check_reuse(examined: Examined) -> Iterator[Finding]:
    """One secret with two uses: whoever has to be given it for the one has the other as well."""
    uses: dict[str, list[str]] = {}
    for name, secret in _list_secrets(examined.settings).items():
        uses.setdefault(secret, []).append(name)
    twice = [" and ".join(names) for names in uses.values() if len(names) > 1]
    detail = (
        f"the same one is in {'; '.join(twice)}. Make each its own with: openssl rand -hex 32"
        if twice
        else "each has one use"
    )
    yield Finding("secrets used twice", not twice, detail)


def _list_secrets(settings: Settings) -> Mapping[str, str]:
    single = {
        "WAYMARK_TURN_SECRET": settings.turn_secret,
        "WAYMARK_ON_CALL_KEY": settings.on_call_key,
        "WAYMARK_TELEGRAM_SECRET": settings.telegram_secret,
        "WAYMARK_OIDC_CLIENT_SECRET": settings.oidc.client_secret if settings.oidc else None,
    }
    several = {
        "TWILIO_AUTH_TOKEN": settings.twilio_auth_tokens,
        "WAYMARK_FEED_KEYS": settings.feed_keys,
        "WAYMARK_TWILIO_SHARED_KEYS": tuple(settings.twilio_shared_keys.values()),
    }
    listed = {name: value for name, value in single.items() if value}
    for name, values in several.items():
        listed |= {name if n == 0 else f"{name} ({n + 1})": value for n, value in enumerate(values)}
    return listed


def check_key_file(examined: Examined) -> Iterator[Finding]:
    """The file without which nothing that was sealed can be read again."""
    path = examined.settings.keys_file
    if not path.exists() and not examined.has_database:
        yield Finding("key file", True, "none yet; the first ./waymark up makes it")
        return
    try:
        read_keys(path)
    except KeysWrong as wrong:
        yield Finding("key file", False, f"{wrong}")
        return
    yield Finding("key file", True, f"{path}; keep a copy where the database is not")
    owner = examined.data_dir.stat().st_uid
    if path.stat().st_uid != owner:
        yield Finding(
            "key file: owner",
            False,
            f"{path} belongs to another user than the data folder: the service cannot read it. "
            f"Run: chown --reference={examined.data_dir} {path}",
        )
    beside = _find_backup(path.parent)
    if beside is not None:
        yield Finding(
            "key file: beside a backup",
            False,
            f"{beside} lies in the same folder: whoever takes one takes both. Move the backup elsewhere",
        )


def _find_backup(folder: Path) -> Path | None:
    """A copy of a database, or the data keys of one, in the key file's folder."""
    begins = (FIRST_BYTES, FIRST_LINE.encode())
    for path in sorted(each for each in folder.iterdir() if each.is_file()):
        with path.open("rb") as file:
            if file.read(len(max(begins, key=len))).startswith(begins):
                return path
    return None
