"""The keys of what is sealed: `./waymark keys`. See docs/keys.md."""

from pathlib import Path

from casework.adapters.backups import check_stopped
from casework.adapters.clock import SystemClock
from casework.adapters.storage.database import Database, create_engine
from casework.adapters.storage.index_rotation import rotate_index
from casework.adapters.storage.vaults import Vault, get_vault
from casework.adapters.vault.key_files import KeysWrong, new_ring, write_keys
from casework.adapters.vault.key_services import FileKeys
from launcher.progress import ProgressBar


def make_keys(file: str | None) -> int:
    """A first key file, for a database in which nothing is sealed yet."""
    if file is None:
        raise SystemExit("Say where: ./waymark keys make FILE")
    path = Path(file)
    if path.exists():
        raise KeysWrong(f"{path} exists already. Nothing was written.")
    write_keys(path, new_ring())
    print(
        f"Made {path}. Name it in WAYMARK_KEYS, and keep a copy where the database is not: see docs/keys.md."
    )
    return 0


def run_keys(action: str, what: str | None = None, *, url: str, key_file: Path, data_dir: Path) -> int:
    keys = FileKeys(key_file)
    database = Database(create_engine(url, keys), SystemClock())
    vault = get_vault(database.engine)
    try:
        vault.check()
        match action:
            case "check":
                return _check(database, keys, vault)
            case "rotate":
                return _rotate(database, keys, vault)
            case "rewrap":
                return _rewrap(database)
            case "forget":
                return _forget(database, keys, vault, what)
            case _:
                check_stopped(data_dir)
                return _rotate_index(database, keys, vault)
    finally:
        database.close()


def _check(database: Database, keys: FileKeys, vault: Vault) -> int:
    older = database.read_now(lambda tx: tx.data_keys.count_older())
    total = database.read_now(lambda tx: tx.data_keys.count())
    print(f"{keys.path} fits this database.")
    print(f"Key: version {vault.newest}. Index key: version {vault.index_version}. Data keys: {total}.")
    print(f"Rows on an old key: {older}")
    return 0 if older == 0 else 1


def _rotate(database: Database, keys: FileKeys, vault: Vault) -> int:
    write_keys(keys.path, keys.ring.add_field())
    database.write_now(lambda tx: vault.note_field(tx.connection))
    print(f"Version {vault.newest} of the key wraps from now on; whatever runs takes it up by itself.")
    print(f"Copy {keys.path} to where its copies are, then run: ./waymark keys rewrap")
    return 0


def _rewrap(database: Database) -> int:
    total = database.read_now(lambda tx: tx.data_keys.count_older())
    bar = ProgressBar("Wrapping data keys anew", total)
    done = 0
    # Each batch is a transaction: killed at any time, what is left is what is still on an older version.
    while some := database.write_now(lambda tx: tx.data_keys.rewrap_some()):
        done += some
        bar.show(min(done, total))
    older = database.read_now(lambda tx: tx.data_keys.count_older())
    print(f"Rows on an old key: {older}")
    return 0 if older == 0 else 1


def _forget(database: Database, keys: FileKeys, vault: Vault, what: str | None) -> int:
    ring = keys.ring
    version = int(what) if what and what.isdigit() else 0
    if version not in ring.field:
        raise SystemExit(f"Say which version: ./waymark keys forget VERSION, one of {sorted(ring.field)}")
    if version == vault.newest:
        raise KeysWrong(f"Version {version} is the one in use. Nothing was forgotten.")
    needed = database.read_now(lambda tx: tx.data_keys.count_of_version(version))
    if needed:
        raise KeysWrong(f"{needed} rows need version {version} still: run ./waymark keys rewrap first.")
    database.write_now(lambda tx: tx.data_keys.forget_version(version))
    write_keys(keys.path, ring.drop_field(version))
    print(
        f"Version {version} is gone. A backup of the keys from before the rewrap needs it: keep a copy for 35 days."
    )
    return 0


def _rotate_index(database: Database, keys: FileKeys, vault: Vault) -> int:
    # After a stop half-way the newer key is there already, and no row has it yet.
    if vault.newest_index == vault.index_version:
        write_keys(keys.path, keys.ring.add_index())
    bars: list[ProgressBar] = []

    def say(done: int, total: int) -> None:
        if not bars:
            bars.append(ProgressBar("Making indexes anew", total))
        bars[0].show(done)

    database.write_now(lambda tx: rotate_index(tx.connection, vault, say=say))
    for version in sorted(keys.ring.index)[:-1]:
        write_keys(keys.path, keys.ring.drop_index(version))
    print(f"Version {vault.newest_index} of the index key is in use; the older one is gone.")
    return 0
