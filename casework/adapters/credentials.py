"""Secrets given as files of one folder, each named for its setting: systemd's credentials, or a mounted Secret.

What stands in a process's environment is seen by whoever may look at its unit or its pod; a file of this folder is not.
"""

import re
from collections.abc import MutableMapping
from pathlib import Path

from casework.model.errors import SettingsInvalid

FOLDER = "CREDENTIALS_DIRECTORY"  # systemd.exec(5) sets it; elsewhere whoever deploys does
SETTING = re.compile(r"(?:WAYMARK|TWILIO|TELEGRAM)_[A-Z0-9_]+")


def take_credentials(environ: MutableMapping[str, str]) -> None:
    """Adds what the folder holds to `environ`; nothing where no folder is named.

    Raises SettingsInvalid for a setting that is given twice and differs, and for a folder that cannot be read.
    """
    folder = environ.get(FOLDER, "").strip()
    if not folder:
        return
    try:
        files = sorted(path for path in Path(folder).iterdir() if SETTING.fullmatch(path.name))
        given = {path.name: path.read_text().strip() for path in files}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsInvalid(f"{FOLDER}: {folder!r} cannot be read ({type(error).__name__}).") from None
    for name, value in given.items():
        if environ.get(name, value) != value:
            raise SettingsInvalid(
                f"{name} is given in the environment and, otherwise, as a file of {FOLDER}."
            )
    environ.update(given)
