"""The files a force would start Waymark with are true of Waymark: modules, settings, ports, probes, limits, policy."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from actions.server import build_actions_app
from casework.adapters.health import add_health_routes
from casework.adapters.settings import SpoolSettings
from channels.gateway import build_gateway_app
from channels.spool import build_spool_app
from console.app import build_console_app
from launcher.deployment.__main__ import check_all, main
from launcher.deployment.ours import PROBES
from launcher.deployment.units import Unit, UnitUnreadable, read_unit, resolve
from tests.support.running import ROOT
from tests.support.services import build_service_in

DEPLOY = ROOT / "deploy"
UNIT, POD, POLICIES = "systemd/waymark-worker@.service", "kubernetes/worker.yaml", "kubernetes/network.yaml"
COMPOSE, CONTAINERFILE = "container/compose.yaml", "container/Containerfile"


def test_the_files_are_well() -> None:
    assert check_all(ROOT, DEPLOY) == []


# File, what stands there, what is put in its place, and what is said of it.
WRONG = [
    (UNIT, "-m channels.worker", "-m channels.wroker", "nothing of Waymark starts with"),
    (UNIT, "ExecStart=/opt/waymark", "ExecStart=/usr", "is none of"),
    (UNIT, "OMP_NUM_THREADS=1", "WAYMARK_TREADS=1", "WAYMARK_TREADS is no setting"),
    (UNIT, "OMP_NUM_THREADS=1", "WAYMARK_TURN_SECRET=x", "LoadCredential keeps it out"),
    (UNIT, "secrets/TWILIO_AUTH_TOKEN", "secrets/TOKEN", "a file of another name"),
    (UNIT, "NoNewPrivileges=yes", "NoNewPrivilege=yes", "NoNewPrivilege is no key"),
    (UNIT, "NoNewPrivileges=yes", "NoNewPrivileges=no", "NoNewPrivileges is not 'yes'"),
    (UNIT, "MemoryMax=1G\n", "", "MemoryMax is missing"),
    (UNIT, "User=waymark\n", "", "runs as root"),
    (UNIT, "Restart=always\n", "", "not started again"),
    (UNIT, "waymark-migrate.service", "waymark-migrat.service", "there is no waymark-migrat.service"),
    ("systemd/waymark.env.example", "WAYMARK_SMS_FROM", "WAYMARK_SMS_FORM", "WAYMARK_SMS_FORM is no setting"),
    (POD, '"channels.worker"', '"channels.works"', "nothing of Waymark starts with"),
    (POD, "waymark-service:VERSION", "registry.example/waymark:latest", "the image"),
    (POD, "waymark-service:VERSION", "waymark-bot:VERSION", "is not in the image"),
    (POD, "path: /health/ready", "path: /ready", "worker has no /ready"),
    (POD, "containerPort: 8090", "containerPort: 8091", "looked for at 8091 and listens at 8090"),
    (POD, "          readinessProbe:", "          otherProbe:", "there is no readinessProbe"),
    (POD, 'limits: {cpu: "1", memory: 512Mi}', 'limits: {cpu: "1"}', "it has no limits"),
    (POD, "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "its own files can be written"),
    (POD, "runAsNonRoot: true", "runAsNonRoot: false", "it may run as root"),
    (POD, "type: RuntimeDefault", "type: Unconfined", "no seccomp profile"),
    (POD, "drop: [ALL]", "drop: []", "it has capabilities"),
    (POD, "claimName: waymark-keys", "claimName: waymark-kyes", "there is no claim waymark-kyes"),
    (POD, "secretName: waymark-secrets", "secretName: others", "secrets come from others"),
    (POD, "name: waymark-settings", "name: waymark-setings", "there is no ConfigMap waymark-setings"),
    (POD, "kind: PodDisruptionBudget", "kind: Budget", "is not known here"),
    (POD, "kind: Deployment, name: waymark-worker", "kind: Deployment, name: worker", "scales nothing"),
    (POD, "terminationGracePeriodSeconds: 30", "terminationGracePeriodSeconds: 5", "killed before"),
    (POD, "automountServiceAccountToken: false", "automountServiceAccountToken: true", "token is mounted"),
    ("kubernetes/gateway.yaml", "selector: {app: waymark-gateway}", "selector: {app: x}", "is for nobody"),
    ("kubernetes/settings.yaml", "WAYMARK_SMS_FROM", "TWILIO_AUTH_TOKEN", "its value stands in the file"),
    (
        POLICIES,
        "matchLabels: {app: waymark-spool}",
        "matchLabels: {app: x}",
        "waymark-spool: no NetworkPolicy",
    ),
    (POLICIES, "{app.kubernetes.io/part-of: waymark}\n  policy", "{no: one}\n  policy", "is not refused"),
    (POLICIES, "{app: waymark-actions}\n      ports:", "{app: waymark-desk}\n      ports:", "more, or less"),
    (
        POLICIES,
        "matchLabels: {app: waymark-actions}\n      ports:",
        "matchLabels: {app: waymark-actions}\n        - ipBlock: {cidr: 0.0.0.0/0}\n      ports:",
        "more, or less",
    ),
    (COMPOSE, '"channels.spool"', '"channels.spoon"', "nothing of Waymark starts with"),
    (COMPOSE, "turns: {internal: true}", "turns: {}", "rasa-1: it reaches more than the machine"),
    (COMPOSE, "cap_drop: [ALL]", "cap_drop: []", "it has capabilities"),
    (COMPOSE, "127.0.0.1:8081:8081", "8081:8081", "published to everybody"),
    (COMPOSE, "secrets: [TWILIO_AUTH_TOKEN]", "secrets: [WAYMARK_DATABASE_URL]", "it holds other secrets"),
    (COMPOSE, "127.0.0.1:8085/health/live", "127.0.0.1:8085/health", "spool has no /health"),
    (COMPOSE, "127.0.0.1:8085/health", "127.0.0.1:8086/health", "looked for at 8086"),
    (CONTAINERFILE, "COPY actions actions", "COPY action actions", "there is no action to copy"),
    (CONTAINERFILE, "FROM ${PYTHON310} AS bot\n", "FROM python:3.10 AS bot\n", "is named"),
    (CONTAINERFILE, "USER 10001:10001", "USER root", "runs as root"),
]


@pytest.mark.parametrize(("file", "stands", "put", "said"), WRONG, ids=[f"{w[0]} {w[3]}" for w in WRONG])
def test_what_is_wrong_is_said(tmp_path: Path, file: str, stands: str, put: str, said: str) -> None:
    copy = tmp_path / "deploy"
    shutil.copytree(DEPLOY, copy)
    text = (copy / file).read_text()
    assert stands in text
    (copy / file).write_text(text.replace(stands, put))

    assert any(said in problem for problem in check_all(ROOT, copy)), check_all(ROOT, copy)


def test_the_command_says_what_is_wrong_and_with_which_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "deploy"
    shutil.copytree(DEPLOY, copy)
    assert main([str(copy)]) == 0
    (copy / UNIT).write_text("[Service]\nExecStart=/bin/true\n")

    assert main([str(copy)]) == 1
    assert "/bin/true is none of" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["ExecStart=x\n", "[Service]\nExecStart\n"])
def test_a_line_that_is_nothing_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.service").write_text(text)
    with pytest.raises(UnitUnreadable, match=r"x\.service"):
        read_unit(tmp_path / "x.service")


def test_an_empty_value_forgets_what_was_said_before() -> None:
    lines = tuple(("Service", "SystemCallFilter", value) for value in ("@system-service", "", "~@mount"))
    assert Unit(name="x.service", lines=lines).all("SystemCallFilter") == ["~@mount"]


def test_systemd_itself_finds_nothing(tmp_path: Path) -> None:
    """Where it is installed; elsewhere our own reading of the units has to do."""
    tool = shutil.which("systemd-analyze")
    if tool is None:
        return
    places = {
        "/opt/waymark/bot/.venv/bin/python": sys.executable,
        "/opt/waymark/.venv/bin/python": sys.executable,
    }
    for path in (DEPLOY / "systemd").glob("waymark*.*"):
        if path.suffix in (".service", ".target"):
            [text] = resolve([path.read_text()], instance="5005", places=places)
            (tmp_path / path.name.replace("@.", "@5005.")).write_text(text)
    for path in tmp_path.iterdir():
        # Units beside it are looked for under their own names.
        (tmp_path / path.name).write_text(path.read_text().replace("@.service", "@5005.service"))

    found = subprocess.run(
        [tool, "verify", "--man=no", *map(str, sorted(tmp_path.iterdir()))],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    ours = [line for line in found.stderr.splitlines() if "waymark" in line]
    assert (found.returncode, ours) == (0, [])


def test_what_probes_ask_for_is_there(tmp_path: Path) -> None:
    """Red when: a part loses a page that its probes ask for. A worker's and the actions' are the shared ones."""

    async def show_nothing() -> bytes:
        return b""

    service = build_service_in(tmp_path)
    actions = build_actions_app(None, "x" * 32, metrics=show_nothing)  # type: ignore[arg-type]
    add_health_routes(actions, service)
    spool = SpoolSettings.from_env({"TWILIO_AUTH_TOKEN": "0" * 32})
    apps = {
        "gateway": build_gateway_app(service),
        "desk": build_console_app(service),
        "actions": actions,
        "spool": build_spool_app(spool),
    }
    for part, app in apps.items():
        routes = {route.resource.canonical for route in app.router.routes() if route.resource}
        assert set(PROBES[part]) <= routes, part
    assert PROBES["worker"] == PROBES["actions"]
    assert set(PROBES) == {*apps, "worker", "rasa"}
    assert '@turn.get("/ready")' in (ROOT / "bot" / "turn_channel.py").read_text()
