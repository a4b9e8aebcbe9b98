"""How the message classifier does on public few-shot sets, ten examples an intent, against the field's figures."""

import json
import random
import subprocess
import sys
import tempfile
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median, quantiles

import msgspec

from casework.model.errors import WaymarkError
from launcher.evaluation.typos import with_typos
from launcher.training import rasa_environ

SEEDS = (0, 1, 2)
EXAMPLES = 10
OUTSIDE = "oos"
SETS = {"BANKING77": "banking77.jsonl", "CLINC150": "clinc.jsonl", "HWU64": "hwu64.jsonl"}
LEAST_ACCURACY = {"BANKING77": 0.87, "CLINC150": 0.93, "HWU64": 0.85}
LEAST_AUROC = 0.955
MOST_FALL_UNDER_TYPOS = 0.06
TITLES = {
    "stock": "Rasa's default pipeline (DIET)",
    "words": "words and letters, logistic regression",
    "sentences": "encoder mean, logistic regression",
    "tokens": "encoder states, attention head",
    "all": "ours: all three",
}


class BenchFailed(WaymarkError):
    """The sets can not be read or the classifier could not be trained; the message says what."""


class Row(msgspec.Struct, frozen=True):
    text: str
    label: str
    split: str


class Measured(msgspec.Struct, frozen=True):
    """What bot.bench_understanding says of one draw; times in milliseconds and seconds, sizes in megabytes."""

    answers: dict[str, list[tuple[str, float]]]
    latency_ms: dict[str, list[float]]
    seconds: dict[str, float]
    model_mb: dict[str, float]
    resident_mb: float


@dataclass(frozen=True)
class Draw:
    """The training texts of one seed, the whole test split and what is in no class (perhaps nothing)."""

    train: list[tuple[str, str]]
    test: list[tuple[str, str]]
    outside: list[str]

    @property
    def texts(self) -> list[str]:
        """Everything to be read: the test as written, mistyped, and what is outside."""
        written = [text for text, _ in self.test]
        return [*written, *map(with_typos, written), *self.outside]


@dataclass(frozen=True)
class Figures:
    """Shares from 0 to 1; `auroc` only where the set has texts outside every class."""

    accuracy: float
    macro_f1: float
    typo_accuracy: float
    auroc: float | None


def run_bench_understanding(root: Path, data: Path | None, *, stock: bool = False) -> int:
    """Prints the table on standard output; 0 if every figure is reached, otherwise 1."""
    if data is None:
        raise BenchFailed("Say where the public sets are: --data DIR")
    rows = {title: read_rows(data / name) for title, name in SETS.items()}
    draws = [(title, draw(found, seed)) for seed in SEEDS for title, found in rows.items()]
    figures: dict[str, dict[str, list[Figures]]] = defaultdict(lambda: defaultdict(list))
    costs = []
    measured = ask_bot(root, [one for _, one in draws], stock=stock)
    for number, ((title, one), found) in enumerate(zip(draws, measured, strict=True), 1):
        costs.append(found)
        for reader, answers in found.answers.items():
            figures[title][reader].append(judge(one, answers))
        sofar = {reader: found[-1] for reader, found in figures[title].items()}
        print(f"{number} of {len(draws)}:", file=sys.stderr)
        print("\n".join(render_table({title: sofar})), file=sys.stderr, flush=True)
    means = {
        title: {reader: mean_of(found) for reader, found in of_set.items()}
        for title, of_set in figures.items()
    }
    print("\n".join([*render_table(means), "", *render_costs(costs)]))
    missed = find_missed(means)
    print("\n".join(["", *(missed or ["Every figure is reached."])]))
    return 1 if missed else 0


def read_rows(path: Path) -> list[Row]:
    """Raises BenchFailed with the line that is no example, FileNotFoundError where there is no file."""
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            rows.append(msgspec.json.decode(line, type=Row))
        except msgspec.DecodeError:
            raise BenchFailed(
                f"Line {number} of {path.name} is no example: it needs text, label and split"
            ) from None
    return rows


def draw(rows: Sequence[Row], seed: int) -> Draw:
    """EXAMPLES training texts of each class, the same for the same seed; raises BenchFailed where there are fewer."""
    by_label: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row.split == "train" and row.label != OUTSIDE:
            by_label[row.label].append(row.text)
    chance = random.Random(seed)
    train = []
    for label, texts in sorted(by_label.items()):
        if len(texts) < EXAMPLES:
            raise BenchFailed(f"{label} has {len(texts)} training texts; {EXAMPLES} are drawn")
        train += [(text, label) for text in chance.sample(texts, EXAMPLES)]
    return Draw(
        train=train,
        test=[(row.text, row.label) for row in rows if row.split == "test"],
        outside=[row.text for row in rows if row.split == "oos_test"],
    )


def ask_bot(root: Path, draws: Sequence[Draw], *, stock: bool = False) -> Iterator[Measured]:
    """One answer a draw, as each is done; raises BenchFailed if the bot stops before."""
    command = [str(root / "bot" / ".venv" / "bin" / "python"), "-m", "bot.bench_understanding"]
    with tempfile.TemporaryFile() as asked:
        for one in draws:
            question = {"train": one.train, "texts": one.texts, "stock": stock}
            asked.write(json.dumps(question).encode() + b"\n")
        asked.seek(0)
        with subprocess.Popen(
            command, cwd=root, env=rasa_environ(), stdin=asked, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                # Rasa prints where its model is as well.
                if line.startswith(b"{"):
                    yield msgspec.json.decode(line, type=Measured)
        if process.returncode != 0:
            raise BenchFailed(f"The classifier stopped with code {process.returncode}. The reason is above.")


def judge(one: Draw, answers: Sequence[tuple[str, float]]) -> Figures:
    """`answers` belong to `one.texts`, in order."""
    labels = [label for _, label in one.test]
    count = len(labels)
    written, typed, outside = answers[:count], answers[count : 2 * count], answers[2 * count :]
    named = [name for name, _ in written]
    return Figures(
        accuracy=accuracy(labels, named),
        macro_f1=macro_f1(labels, named),
        typo_accuracy=accuracy(labels, [name for name, _ in typed]),
        auroc=auroc([sure for _, sure in written], [sure for _, sure in outside]) if outside else None,
    )


def accuracy(labels: Sequence[str], named: Sequence[str]) -> float:
    return fmean(label == name for label, name in zip(labels, named, strict=True))


def macro_f1(labels: Sequence[str], named: Sequence[str]) -> float:
    """The mean of F1 over the classes of `labels`."""
    right = Counter(label for label, name in zip(labels, named, strict=True) if label == name)
    are, said = Counter(labels), Counter(named)
    return fmean(2 * right[label] / (are[label] + said[label]) for label in are)


def auroc(inside: Sequence[float], outside: Sequence[float]) -> float:
    """The chance that a text of a class is surer than one of none; a tie counts half."""
    ordered = sorted(outside)
    below = [bisect_left(ordered, sure) + bisect_right(ordered, sure) for sure in inside]
    return sum(below) / (2 * len(inside) * len(outside))


def mean_of(found: Sequence[Figures]) -> Figures:
    outside = [one.auroc for one in found if one.auroc is not None]
    return Figures(
        accuracy=fmean(one.accuracy for one in found),
        macro_f1=fmean(one.macro_f1 for one in found),
        typo_accuracy=fmean(one.typo_accuracy for one in found),
        auroc=fmean(outside) if outside else None,
    )


def render_table(means: Mapping[str, Mapping[str, Figures]]) -> list[str]:
    lines = [
        "| set | reader | accuracy | macro-F1 | with typos | out of scope, AUROC |",
        "|---|---|---|---|---|---|",
    ]
    for title, of_set in means.items():
        for reader in (one for one in TITLES if one in of_set):
            name, one = TITLES[reader], of_set[reader]
            outside = "-" if one.auroc is None else f"{one.auroc:.3f}"
            lines.append(
                f"| {title} | {name} | {one.accuracy:.3f} | {one.macro_f1:.3f} | {one.typo_accuracy:.3f} | {outside} |"
            )
    return lines


def render_costs(costs: Sequence[Measured]) -> list[str]:
    """Time of a parse over all draws; training and size of the costliest draw, where the reader stands alone."""
    lines = [
        "| reader | parse, median ms | p95 ms | training, at most s | model, at most MB |",
        "|---|---|---|---|---|",
    ]
    for reader in (one for one in TITLES if one in costs[0].latency_ms):
        taken = [one for cost in costs for one in cost.latency_ms[reader]]
        seconds = [f"{cost.seconds[reader]:.0f}" for cost in costs if reader in cost.seconds]
        size = [f"{cost.model_mb[reader]:.0f}" for cost in costs if reader in cost.model_mb]
        times = f"{median(taken):.1f} | {quantiles(taken, n=20)[-1]:.1f}"
        most = f"{max(seconds, key=int, default='-')} | {max(size, key=int, default='-')}"
        lines.append(f"| {TITLES[reader]} | {times} | {most} |")
    resident = max(cost.resident_mb for cost in costs)
    return [*lines, "", f"Resident while training and reading: at most {resident:.0f} MB."]


def find_missed(means: Mapping[str, Mapping[str, Figures]]) -> list[str]:
    """A sentence for each figure of ours that is not reached."""
    missed = []
    for title, of_set in means.items():
        ours = of_set["all"]
        fall = ours.accuracy - ours.typo_accuracy
        if ours.accuracy < LEAST_ACCURACY[title]:
            missed.append(f"{title}: accuracy {ours.accuracy:.3f}, wanted {LEAST_ACCURACY[title]}")
        if ours.auroc is not None and ours.auroc < LEAST_AUROC:
            missed.append(f"{title}: out of scope AUROC {ours.auroc:.3f}, wanted {LEAST_AUROC}")
        if fall > MOST_FALL_UNDER_TYPOS:
            missed.append(
                f"{title}: loses {100 * fall:.1f} points to typos, {100 * MOST_FALL_UNDER_TYPOS:g} allowed"
            )
    return missed
