"""Asks a script of this folder, which runs on Rasa's Python: one JSON line in, one out."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bot.rasa_process import PYTHON, ROOT, rasa_environ


@dataclass
class Script:
    process: subprocess.Popen[str]
    log: Path

    def ask(self, what: str, **given: object) -> Any:
        """What the script's function `what` returns. Raises RuntimeError with the script's log if it failed."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([what, given]) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            self.process.wait(20)
            raise RuntimeError(f"The script stopped. Its log: {self.log.read_text()[-3000:]}")
        return json.loads(answer)


@contextmanager
def running_script(name: str, log: Path, **environ: str) -> Iterator[Script]:
    command = [str(PYTHON), "-m", f"tests.bot.reading_bot.{name}"]
    with log.open("w") as err:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=rasa_environ(**environ),
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=err,
        )
    with process:
        yield Script(process, log)
        assert process.stdin is not None
        process.stdin.close()
