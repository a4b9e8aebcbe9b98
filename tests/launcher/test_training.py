"""A training somebody stops, stops: no process is left at it.

Red when: a signal leaves the training running, or ends the launcher at once.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.yaml_files import ROOT

# In place of Rasa's Python: says that it runs, by way of the training's log, and would run for an hour.
TRAINS_FOR_AN_HOUR = '#!/bin/sh\necho $$ > "$0.pid.part"\nmv "$0.pid.part" "$0.pid"\nexec sleep 3600\n'
TRAIN = """
import sys
from pathlib import Path
from launcher.training import train

root = Path(sys.argv[1])
train(root, log_path=root / "train.log")
"""
WAIT_FOR_PID = 'until [ -e "$0" ]; do :; done; cat "$0"'


@pytest.mark.parametrize("stopped_by", [signal.SIGINT, signal.SIGTERM])
def test_whoever_stops_a_training_leaves_none_behind(tmp_path: Path, stopped_by: signal.Signals) -> None:
    python = tmp_path / "bot" / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(TRAINS_FOR_AN_HOUR)
    python.chmod(0o755)
    with subprocess.Popen([sys.executable, "-c", TRAIN, str(tmp_path)], cwd=ROOT) as launcher:
        wait = ["timeout", "60", "sh", "-c", WAIT_FOR_PID, str(python.with_name("python.pid"))]
        pid = int(subprocess.run(wait, check=True, capture_output=True).stdout)
        launcher.send_signal(stopped_by)
        assert launcher.wait(timeout=60) != 0
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
