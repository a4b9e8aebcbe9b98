"""`python -m launcher.deployment [FOLDER]`: what is wrong with the deployment files; 1 where anything is.

FOLDER is laid out as `deploy/`: systemd, kubernetes, container. A force checks its own changed copies with it.
"""

import sys
from pathlib import Path

from launcher.deployment.containers import check_compose, check_containerfile, read_compose
from launcher.deployment.manifests import check_manifests, read_manifests
from launcher.deployment.units import check_settings_file, check_units, read_units

ROOT = Path(__file__).resolve().parents[2]


def check_all(root: Path, folder: Path) -> list[str]:
    """Every problem, a sentence each."""
    return [
        *check_units(root, read_units(folder / "systemd")),
        *check_settings_file(root, folder / "systemd" / "waymark.env.example"),
        *check_manifests(root, read_manifests(folder / "kubernetes")),
        *check_containerfile(root, folder / "container" / "Containerfile"),
        *check_compose(root, read_compose(folder / "container" / "compose.yaml")),
    ]


def main(arguments: list[str]) -> int:
    found = check_all(ROOT, Path(arguments[0]) if arguments else ROOT / "deploy")
    print("\n".join(found) or "The deployment files are well.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
