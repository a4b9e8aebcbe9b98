"""A stock model is trained once for one set of data, and a memory or a start is told beside it as it was measured.

Red when, each tried once: the hash leaves out the domain; what is kept is taken though it should be trained anew.
"""

import json
import shutil
from pathlib import Path

import pytest

from launcher import bench_memory, bench_start
from launcher.bench_floor import summarise
from launcher.bench_processes import Resident
from launcher.bench_rasa import BenchFailed
from launcher.bench_stock import DATA, DOMAIN, get_stock, hash_inputs

ROOT = Path(__file__).parents[2]
ABOUT = {"skipped": ["TEDPolicy"], "seconds": 180.4, "trained_at": "2026-11-22T10:00:00+00:00"}


def a_tree(folder: Path) -> Path:
    for name in (*DATA, DOMAIN):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "bot" / "requirements.lock", folder / "bot" / "requirements.lock")
    return folder


@pytest.mark.parametrize("name", [*DATA, DOMAIN, "bot/requirements.lock"])
def test_a_byte_more_of_what_it_is_made_of_is_another_model(name: str, tmp_path: Path) -> None:
    tree = a_tree(tmp_path / "tree")
    path = (
        tree / name
        if (tree / name).is_file()
        else min((tree / name).rglob("*.yml"), default=tree / name / "x.yml")
    )
    before = hash_inputs(tree)

    with path.open("a") as file:
        file.write("\n")

    assert hash_inputs(ROOT) == before != hash_inputs(tree)


def test_what_is_kept_is_used_and_told_as_kept(tmp_path: Path) -> None:
    folder = tmp_path / "bench" / "stock" / hash_inputs(ROOT)[:16]
    folder.mkdir(parents=True)
    (folder / "about.json").write_text(json.dumps(ABOUT))

    model = get_stock(ROOT, tmp_path)

    assert model.path == folder / "stock.tar.gz" and model.is_kept
    assert "trained in 180 s, kept since 2026-11-22T10:00" in model.tell()
    assert "without TEDPolicy" in model.tell()


def test_fresh_trains_though_one_is_kept(tmp_path: Path) -> None:
    """In a tree without Rasa, so that training fails at once: what was kept is gone and nothing is put in its place."""
    tree = a_tree(tmp_path / "tree")
    folder = tmp_path / "bench" / "stock" / hash_inputs(tree)[:16]
    folder.mkdir(parents=True)
    (folder / "about.json").write_text(json.dumps(ABOUT))

    assert get_stock(tree, tmp_path).is_kept
    with pytest.raises((BenchFailed, FileNotFoundError)):
        get_stock(tree, tmp_path, fresh=True)

    assert not (folder / "about.json").exists()


def resident(megabytes: float, *, is_shared_out: bool = True) -> Resident:
    return Resident(megabytes=megabytes, is_shared_out=is_shared_out)


@pytest.mark.parametrize(("stock_mb", "holds"), [(600.0, True), (599.0, False)])
def test_all_of_ours_is_held_against_the_server_of_stock(stock_mb: float, holds: bool) -> None:
    ours = {"gateway": resident(100), "rasa": resident(420), "sandbox": resident(80)}

    part = bench_memory.make_part(ours, resident(stock_mb))

    assert part.holds is holds
    assert [row.name for row in part.rows] == ["Everything", "rasa", "gateway", "sandbox"]
    assert part.rows[0].ours == 600 and part.rows[0].stock == stock_mb
    assert bench_memory.SHARED_COUNTED not in part.notes


def test_a_sum_that_is_too_high_is_told_as_that() -> None:
    part = bench_memory.make_part({"rasa": resident(100, is_shared_out=False)}, resident(200))

    assert bench_memory.SHARED_COUNTED in part.notes


@pytest.mark.parametrize(("desk", "holds"), [(5.0, True), (20.1, False)])
def test_a_start_is_over_when_the_last_of_them_is_there(desk: float, holds: bool) -> None:
    part = bench_start.make_part({"gateway": 2.0, "ready": 9.0, "desk": desk, "assistant": 9.0}, 8.0)

    assert part.rows[0].ours == max(9.0, desk) and part.rows[0].stock == 8.0
    assert part.holds is holds
    assert sorted(row.name for row in part.rows[1:]) == ["assistant", "desk", "gateway"]


def test_the_floor_is_the_mean_of_its_turns() -> None:
    floor = summarise([4.0, 6.0], [10.0, 30.0])

    assert (floor.cpu_ms, floor.p50_ms, floor.p95_ms) == (5.0, 10.0, 30.0)
    assert floor.per_second == pytest.approx(50.0)
