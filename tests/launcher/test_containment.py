"""Code that got into Rasa reaches nothing: a program that tries is started as Rasa is, and all it tries is refused.

Linux with Landlock, seccomp and user namespaces; where one is missing, `./waymark doctor` says so and this is skipped
with a loud line. Red when: any of the four layers of launcher/fence/begin.py is taken out; each was, once.
"""

import asyncio
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from casework.model.errors import SettingsInvalid
from launcher import model_files, training
from launcher.fence import calls
from launcher.fence.command import fenced, find_containment, find_what_holds
from launcher.fence.rules import find_started, make_rules, read_rules, write_rules
from launcher.model_loader import CheckedModel, check_birth, rasa_command, running_checked
from launcher.processes import Program, Supervisor, find_free_port
from launcher.training import rasa_environ
from tests.support.models import make_model_file
from tests.support.running import ROOT, eventually

HOSTILE = ROOT / "tests" / "support" / "hostile.py"
SECRET = "canary-of-a-secret-0123456789abcdef"
# Nothing keeps these from it on one machine, and docs/containment.md says so.
TOLD_AS_OPEN: frozenset[str] = frozenset()


def _can_contain() -> bool:
    """What the kernel offers, whatever the fence makes of it. Where everything is checked, nothing is passed over."""
    look = (
        "import platform, sys; from launcher.fence import calls, files, network\n"
        "offers = network.can_separate(), files.find_version() >= files.WITH_SIGNALS\n"
        "sys.exit(not (all(offers) and platform.machine() in calls.PROCESSORS))"
    )
    asked = subprocess.run([sys.executable, "-c", look], env={"PYTHONPATH": str(ROOT)}, check=False)
    return "CI" in os.environ or (sys.platform == "linux" and asked.returncode == 0)


needs_all = pytest.mark.skipif(not _can_contain(), reason="THIS MACHINE CANNOT CONTAIN RASA")


@dataclass(frozen=True, kw_only=True)
class Report:
    """What the hostile program said, and who reached it."""

    environ: dict[str, str]
    tries: dict[str, str]
    must_work: dict[str, str]
    capabilities: str
    shell: str
    reached: bytes
    holds: dict[str, bool]

    @property
    def done(self) -> set[str]:
        return {name for name, said in self.tries.items() if said == "done"}


@contextlib.contextmanager
def listeners(folder: Path) -> Iterator[dict[str, Any]]:
    """What a wide open Rasa would reach: other ports and addresses of this machine, a socket file, an abstract one."""
    actions, other, datagram = socket.socket(), socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
    file, abstract = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    name = f"\0waymark-test-{os.getpid()}"
    for each, address in (
        (actions, ("0.0.0.0", 0)),
        (other, ("0.0.0.0", 0)),
        (datagram, ("127.0.0.1", 0)),
        (file, str(folder / "s")),
        (abstract, name),
    ):
        each.bind(address)
    for each in (actions, other, file, abstract):
        each.listen(16)
    try:
        yield {
            "actions_port": actions.getsockname()[1],
            "other_port": other.getsockname()[1],
            "datagram_port": datagram.getsockname()[1],
            "socket_file": str(folder / "s"),
            "abstract": name,
        }
    finally:
        for each in (actions, other, datagram, file, abstract):
            each.close()


def make_targets(data: Path, code: Path, found: dict[str, Any]) -> dict[str, Any]:
    """A data folder as `up` has one, and where in it and around it the hostile program tries what."""
    (data / "keys").mkdir(parents=True)
    (data / "waymark.db").write_text("what they wrote")
    (data / "keys" / "local.json").write_text(SECRET)
    return found | {
        "parent": os.getpid(),
        "address": id(None),
        "database": str(data / "waymark.db"),
        "key": str(data / "keys" / "local.json"),
        "data": str(data),
        "code": str(code),
        "other_model": str(make_model_file(data / "models" / "run" / "other.tar.gz", "other")),
        "free_port": find_free_port(),
        "planted_name": f"waymark-planted-{os.getpid()}",
    }


async def try_everything(folder: Path) -> Report:
    """The hostile program where Rasa would be."""
    root, data = folder / "tree", folder / "var"
    python = root / "bot" / ".venv" / "bin" / "python"
    for each in (python.parent, root / "casework"):
        each.mkdir(parents=True)
    python.write_text(f"#!{sys.executable}\n" + HOSTILE.read_text())
    python.chmod(0o755)
    copy = make_model_file(data / "models" / "run" / "m.tar.gz", "m")
    checked = CheckedModel(model_id="m", copy=copy, kind="promotion")
    with listeners(folder) as found:
        python.with_name("targets.json").write_text(json.dumps(make_targets(data, root / "bot", found)))
        port = find_free_port()
        program = Program(
            name="rasa",
            command=rasa_command(root, checked, port=port),
            environ=rasa_environ(
                WAYMARK_TURN_SECRET="t" * 32,
                WAYMARK_ACTIONS_URL=f"http://127.0.0.1:{found['actions_port']}/actions",
            ),
            folder=checked.copy.parent,
        )
        return await _run(program, Supervisor(root=root, data_dir=data, addresses={}), data, port)


async def _run(program: Program, supervisor: Supervisor, data: Path, port: int) -> Report:
    log = data / "logs" / "rasa.log"

    async def said(start: str) -> str:
        async def look() -> str | None:
            lines = log.read_text().splitlines() if log.exists() else []
            return next((line for line in lines if line.startswith(start)), None)

        line: str = await eventually(look, what=f"{start} in {log}")
        return line

    supervisor.start(program)
    try:
        held = json.loads(await said('{"event": "fenced"'))
        await said("LISTENING")
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        reached = await reader.read()
        writer.close()
        shell = await said("SHELL")
        report = json.loads((await said("REPORT ")).removeprefix("REPORT "))
    finally:
        await supervisor.stop()
    return Report(
        environ=report["environ"],
        tries=report["tries"],
        must_work=report["must work"],
        capabilities=report["capabilities"],
        shell=shell,
        reached=reached,
        holds={name: does for name, does in held.items() if name != "event"},
    )


@needs_all
async def test_nothing_a_hostile_component_tries_succeeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", SECRET)
    monkeypatch.setenv("WAYMARK_DATABASE_URL", f"postgresql://waymark:{SECRET}@127.0.0.1/waymark")

    report = await try_everything(tmp_path)

    sys.stdout.write("\n".join(f"{name:<36} {said}" for name, said in report.tries.items()))
    assert report.done == TOLD_AS_OPEN
    assert len(report.tries) == 51
    assert report.shell == "SHELL refused: EACCES"
    assert int(report.capabilities, 16) == 0
    assert all(report.holds.values())


@needs_all
async def test_what_rasa_needs_is_still_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", SECRET)

    report = await try_everything(tmp_path)

    assert report.reached == b"here"
    assert report.must_work == {"call the actions": "done", "write into its folder": "done"}
    assert SECRET not in json.dumps(report.environ)
    [work] = (tmp_path / "var" / "models" / "run").glob("m.tar.gz.*.work")
    assert {name: report.environ[name] for name in ("HOME", "TMPDIR", "PYTHONPATH")} == {
        "HOME": str(work / "home"),
        "TMPDIR": str(work / "tmp"),
        "PYTHONPATH": str(work / "code"),
    }
    assert sorted(report.environ.keys() - {"HOME", "TMPDIR", "PYTHONPATH", "LANG", "LC_CTYPE"}) == [
        *("OMP_NUM_THREADS", "PATH", "PYTHONWARNINGS", "RASA_TELEMETRY_ENABLED"),
        *("SQLALCHEMY_SILENCE_UBER_WARNING", "TF_CPP_MIN_LOG_LEVEL"),
        *("WAYMARK_ACTIONS_URL", "WAYMARK_TURN_SECRET"),
    ]


@needs_all
async def test_without_the_fence_the_same_program_gets_at_what_it_tries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or its refusals would say nothing."""
    monkeypatch.setenv("WAYMARK_CONTAINMENT", "off")

    report = await try_everything(tmp_path)

    always = {"read the database", "read a key", "read the parent's environment", "copy the parent's memory"}
    network = {"call another port", "call the same port elsewhere", "send a datagram", "call a socket file"}
    others = {"signal the parent", "trace the parent", "fork", "write into the code", "alter its own model"}
    assert (always | network | others) - report.done == set(), report.tries
    assert report.shell == "SHELL ran"
    assert not any(report.holds.values())


@needs_all
@pytest.mark.parametrize("missing", ["calls", "files", "network", "privileges"])
def test_where_something_does_not_hold_and_all_is_required_it_is_not_started(
    missing: str, tmp_path: Path
) -> None:
    script = "\n".join(
        (
            "import sys",
            "from launcher.fence import begin",
            "real = begin.shut",
            f"begin.shut = lambda rules: real(rules) | {{{missing!r}: False}}",
            "begin.main(sys.argv[1:])",
        )
    )
    rules = make_rules(
        Path(sys.executable), folder=tmp_path / "own", reads=(), code={}, port=0, wanted="required"
    )
    command = [sys.executable, "-c", script, write_rules(rules), sys.executable, "-c", "print('STARTED')"]

    done = subprocess.run(
        command, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False, timeout=30
    )

    assert "STARTED" not in done.stdout
    assert f"these do not hold: {missing}." in done.stderr


@needs_all
def test_the_relays_end_with_the_program_however_it_ends(tmp_path: Path) -> None:
    """Red when: the relays wait for a signal at its death, which Landlock refuses."""
    port = find_free_port()
    rules = make_rules(Path(sys.executable), folder=tmp_path / "own", reads=(), code={}, port=port)
    endless = "import signal; print('up', flush=True); signal.pause()"
    command = fenced(rules, [sys.executable, "-I", "-c", endless])
    with subprocess.Popen(command, env={}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        process.kill()
        # Every end of the pipe is closed only once whoever inherited it is gone.
        assert process.stdout.read() == b""


@needs_all
async def test_a_program_that_falls_can_start_again_at_once_on_its_port(tmp_path: Path) -> None:
    port = find_free_port()
    rules = make_rules(Path(sys.executable), folder=tmp_path / "own", reads=(), code={}, port=port)
    serve = (
        f"import signal, socket; socket.create_server(('127.0.0.1', {port})); "
        "print('up', flush=True); signal.pause()"
    )
    for _ in range(3):
        process = await asyncio.create_subprocess_exec(
            *fenced(rules, [sys.executable, "-I", "-c", serve]),
            env={},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert process.stdout is not None
        assert await process.stdout.readline() == b"up\n"
        process.kill()
        await process.wait()


def test_whatever_the_launcher_hands_over_only_the_listed_names_arrive(tmp_path: Path) -> None:
    """Red when: the environment is given on as it came."""
    rules = make_rules(
        Path(sys.executable), folder=tmp_path / "own", reads=(), code={}, port=find_free_port()
    )
    show = "import json, os; print(json.dumps(dict(os.environ)))"
    given = {"WAYMARK_DATABASE_URL": SECRET, "WAYMARK_KEYS": SECRET, "AWS_SECRET": SECRET, "LANG": "C"}

    done = subprocess.run(
        fenced(rules, [sys.executable, "-I", "-c", show]),
        env=given,
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(done.stdout).keys() - {"LC_CTYPE"} == {"HOME", "LANG", "PYTHONPATH", "TMPDIR"}


@needs_all
def test_doctor_is_told_what_holds() -> None:
    assert find_what_holds() == {"network": True, "privileges": True, "files": True, "calls": True}


def test_a_word_nobody_knows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYMARK_CONTAINMENT", "strong")

    with pytest.raises(SettingsInvalid, match="as-far-as-it-goes, required, off"):
        find_containment()


def test_a_script_brings_its_interpreter_and_a_program_its_loader(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(f"#!{sys.executable} -I\n")

    started = find_started(script)

    assert started[:2] == [script, Path(sys.executable)]
    assert len(started) == 3
    assert started[2].name.startswith("ld-")


def test_rules_are_handed_over_whole(tmp_path: Path) -> None:
    rules = make_rules(
        Path(sys.executable),
        folder=tmp_path,
        reads=[ROOT / "endpoints.yml"],
        code={"bot": ROOT / "bot"},
        port=5005,
    )

    assert read_rules(write_rules(rules)) == rules
    assert "/" not in rules.reads
    assert str(ROOT) not in rules.reads


def test_no_way_through_the_filter_ends_without_an_answer() -> None:
    """Also for the processor this does not run on: every jump lands inside, and the last word answers."""
    for processor, column in calls.PROCESSORS.values():
        words = calls.make_filter(processor, column, process=4242)
        assert len(words) < 4096
        for place, (code, yes, no, _) in enumerate(words):
            if code in (calls.EQUALS, calls.AT_LEAST, calls.ANY_BIT):
                assert place + 1 + max(yes, no) < len(words)
        assert words[-1] == (calls.RETURN, 0, 0, calls.ALLOW)


KEEPER = """
import os, sys
from casework.adapters.own_process import PR_SET_DUMPABLE, keep_memory_private, prctl
os.setgroups([]), os.setgid({user}), os.setuid({user})
prctl(PR_SET_DUMPABLE, 1)  # as any program is once it was started
if {is_private}:
    keep_memory_private()
print("up", flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="becomes another user for it")
@pytest.mark.parametrize("is_private", [False, True])
def test_another_process_of_the_same_user_reads_no_secret_of_a_private_one(is_private: bool) -> None:
    nobody = 65534
    with subprocess.Popen(
        [sys.executable, "-c", KEEPER.format(is_private=is_private, user=nobody)],
        env={"PYTHONPATH": str(ROOT), "TWILIO_AUTH_TOKEN": SECRET},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        read = subprocess.run(
            ["cat", f"/proc/{process.pid}/environ"],
            user=nobody,
            group=nobody,
            capture_output=True,
            check=False,
        )
        process.communicate()

    assert (SECRET.encode() in read.stdout) is not is_private


# Where Rasa looks for its channel, in a tree of the test's own.
PLANTED = """

import json, sys
from pathlib import Path
from bot import hostile

hostile.probe(json.loads(Path(__file__).with_name("targets.json").read_text()), sys.argv[sys.argv.index("--model") + 1])
"""


@needs_all
@pytest.mark.slow  # half a minute: a real Rasa with the trained model
@pytest.mark.rasa
async def test_a_hostile_component_in_a_real_rasa_gets_nowhere_and_rasa_answers_all_the_same(
    tmp_path: Path,
) -> None:
    model = training.find_current_model(ROOT)
    if model is None:
        pytest.skip("no model is trained for the present data")
    root, data = tmp_path / "tree", tmp_path / "var"
    shutil.copytree(ROOT / "bot", root / "bot", ignore=shutil.ignore_patterns(".venv", "__pycache__"))
    (root / "bot" / ".venv").symlink_to(ROOT / "bot" / ".venv")
    (root / "casework").symlink_to(ROOT / "casework")
    shutil.copy(ROOT / "endpoints.yml", root)
    shutil.copy(HOSTILE, root / "bot" / "hostile.py")
    with (root / "bot" / "turn_channel.py").open("a") as channel:
        channel.write(PLANTED)
    checked = check_birth(model.path, model_files.read_birth(model.path), run_dir=data / "models" / "run")
    log = tmp_path / "rasa.log"
    with listeners(tmp_path) as found:
        targets = make_targets(data, root / "bot", found)
        (root / "bot" / "targets.json").write_text(json.dumps(targets))
        environ = rasa_environ(
            WAYMARK_TURN_SECRET="t" * 32,
            WAYMARK_ACTIONS_URL=f"http://127.0.0.1:{found['actions_port']}/actions",
        )
        async with running_checked(root, checked, environ=environ, log=log) as address:
            assert address.startswith("http://127.0.0.1:")

    [line] = [line for line in log.read_text().splitlines() if line.startswith("REPORT ")]
    report = json.loads(line.removeprefix("REPORT "))
    assert {name for name, said in report["tries"].items() if said == "done"} == TOLD_AS_OPEN
    assert report["must work"] == {"call the actions": "done", "write into its folder": "done"}
    assert int(report["capabilities"], 16) == 0
