"""What processes take is read of all of a family, and divided by name.

Red when, each tried once: a named child counts for its parent as well; the children of one are left out.
"""

import os
import subprocess
import sys

import pytest

from launcher.bench_processes import Resident, add_resident, group_processes, read_cpu_ms, read_resident
from launcher.bench_rasa import BenchFailed

# A parent that starts a child, both of which hold memory of their own; it says the child's id and waits.
FAMILY = """\
import subprocess, sys
held = bytearray(b"x" * 30_000_000)
code = 'import sys; held = bytearray(b"x" * 60_000_000); print(1, flush=True); sys.stdin.read()'
child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
sys.stdin.read()
"""


def test_a_family_is_counted_together_and_a_named_child_by_itself() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", FAMILY], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None and parent.stdin is not None
        child = int(parent.stdout.readline())
        together = group_processes({"service": parent.pid})
        apart = group_processes({"parent": parent.pid, "child": child, "this": os.getpid()})
        whole, each = read_resident(together)["service"], read_resident(apart)
        cpu = read_cpu_ms(apart)
        parent.stdin.close()

    assert sorted(together["service"]) == sorted([parent.pid, child])
    assert apart["parent"] == [parent.pid] and apart["child"] == [child]
    assert not {parent.pid, child} & set(apart["this"])
    assert each["parent"].megabytes >= 30 and each["child"].megabytes >= 60
    assert whole.megabytes == pytest.approx(each["parent"].megabytes + each["child"].megabytes, rel=0.05)
    assert all(0 < cpu[name] < 10_000 for name in ("child", "parent"))


def test_what_has_stopped_cannot_be_measured() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()

    for read in (read_cpu_ms, read_resident):
        with pytest.raises(BenchFailed, match="no process"):
            read({"gone": [gone.pid]})


def test_a_sum_is_only_exact_where_every_part_is() -> None:
    exact, high = Resident(megabytes=10, is_shared_out=True), Resident(megabytes=5, is_shared_out=False)

    assert add_resident([exact, exact]) == Resident(megabytes=20, is_shared_out=True)
    assert add_resident([exact, high]) == Resident(megabytes=15, is_shared_out=False)
