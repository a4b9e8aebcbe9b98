"""Model files that are none, papers for them, gates they pass, and a program that stands where Rasa would."""

import gzip
import hashlib
import io
import json
import sys
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from joserfc.jwk import OKPKey

from casework.adapters.model_signing import sign_paper
from casework.adapters.storage.model_tables import comparison
from casework.model.model_papers import VERSION, BirthCertificate, Paper, PaperKind
from casework.model.release_gates import GateLimit, GateLimits, GateReport, Measured

AT = "2026-11-23T12:00:00+00:00"
LIMITS = GateLimits(
    gates=(GateLimit(gate="danger_now", title="Danger now", at_least=0.97, most_worse_points=0),)
)


def make_model_file(path: Path, model_id: str, *, more: bytes = b"") -> Path:
    """A tar as Rasa names and packs it, with its `metadata.json` and nothing that could answer."""
    content = json.dumps({"model_id": model_id}).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.GzipFile(path, "wb", mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as archive:
        for name, value in (("components/weights", more or model_id.encode()), ("metadata.json", content)):
            member = tarfile.TarInfo(name)
            member.size = len(value)
            archive.addfile(member, io.BytesIO(value))
    return path


def a_birth(model_id: str, path: Path | None = None, **values: Any) -> BirthCertificate:
    return replace(
        BirthCertificate(
            model_id=model_id,
            fingerprint=f"print of {model_id}",
            sha256=hashlib.sha256(path.read_bytes()).hexdigest() if path else "0" * 64,
            parts={"taught": "a", "code": "b"},
            data_version=None,
            packages="c",
            seed="texts and fixed seeds",
            rasa="3.6.21",
            trained_at=AT,
            seconds=341.1,
        ),
        **values,
    )


def a_report(
    model_id: str, *, hits: int = 63, n: int = 64, was_hits: int = 63, against: str | None = "live"
) -> GateReport:
    """Passes LIMITS as it comes. `against`: the live model, for one that is to be proposed."""
    measured = Measured(
        gate="danger_now", of="all", hits=hits, n=n, value=None, was_hits=was_hits, was_value=None
    )
    return GateReport(
        model_id=model_id, against=against, sets={"corpus_test": "d" * 64}, measured=(measured,), made_at=AT
    )


def add_comparison(tx: Any, model_id: str, comparison_id: str = "") -> None:
    """With the live model, and nothing differs: without one nobody proposes."""
    tx.connection.execute(
        comparison.insert().values(
            id=comparison_id or f"none of {model_id}"[:32],
            model_id=model_id,
            against_id=tx.model_releases.find_live(),
            source="recent",
            turns=2,
            digest="",
            counts={},
            made_by="toni",
            made_at=tx.now,
        )
    )


def a_paper(birth: BirthCertificate, **values: Any) -> Paper:
    """A promotion by two, as it comes."""
    return replace(
        Paper(
            v=VERSION,
            kind=PaperKind.PROMOTION.value,
            birth=birth,
            report=a_report(birth.model_id),
            proposed_by="toni",
            approved_by="alex",
            at=AT,
        ),
        **values,
    )


def sign(paper: Paper, key: OKPKey) -> str:
    return sign_paper(paper, key)


# In place of Rasa's Python: says which model it was given, and takes the newest of `models/` as Rasa does where the
# file is gone. `answers_as` beside it makes it another one. `turns.json` beside it has, by model and text, the urgency
# it reads (`null`: no answer at all); what it was asked stands in `asked.jsonl`.
STAND_IN = """#!{python}
import io, json, sys, tarfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

given = sys.argv
if "train" in given:
    # A model of what it was taught: its id tells what that was.
    out, name = given[given.index("--out") + 1], given[given.index("--fixed-model-name") + 1]
    taught = "".join(each.read_text() for each in sorted(Path("data/workbench/nlu").glob("*.yml")))
    rules = Path("data/rules/rules.yml").read_text()
    told = "".join(each for each in taught if each.isalnum())[:24]
    metadata = json.dumps({{"model_id": f"m-{{rules}}-{{told}}"}}).encode()
    with tarfile.open(Path(out) / f"{{name}}.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("metadata.json")
        member.size = len(metadata)
        archive.addfile(member, io.BytesIO(metadata))
    sys.exit(0)
model = Path(given[given.index("--model") + 1])
port = int(given[given.index("--port") + 1])
if not model.exists():
    found = sorted(Path("models").glob("*.tar.gz"), key=lambda each: each.stat().st_mtime)
    if not found:
        sys.exit(0)
    model = found[-1]
other = Path(given[0]).with_name("answers_as")
with tarfile.open(model) as archive:
    name = json.load(archive.extractfile("metadata.json"))["model_id"]


class Ready(BaseHTTPRequestHandler):
    def do_GET(self):
        said = other.read_text() if other.exists() else name
        body = json.dumps({{"ready": True, "model": said}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        beside, text = Path(given[0]).parent, asked["text"]
        with (beside / "asked.jsonl").open("a") as kept:
            kept.write(json.dumps([name, text]) + "\\n")
        told = beside / "turns.json"
        urgency = json.loads(told.read_text()).get(name, {{}}).get(text, 0.001) if told.exists() else 0.001
        answer = {{
            "turn_id": asked["turn_id"],
            "replies": [{{"response": "utter_case_status", "text": "t"}}],
            "effects": [],
            "state": {{"v": 1}},
            "model": name,
            "parse": {{"intent": "ask_status", "confidence": 0.99, "urgency": {{"probability": urgency}}}},
        }}
        body = json.dumps(answer).encode()
        self.send_response(500 if urgency is None else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *given):
        pass


HTTPServer(("127.0.0.1", port), Ready).serve_forever()
"""


def make_stand_in_root(root: Path) -> Path:
    """A tree whose Rasa is the stand-in."""
    python = root / "bot" / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(STAND_IN.format(python=sys.executable))
    python.chmod(0o755)
    (root / "models").mkdir()
    (root / "config.yml").write_text("language: en")
    for name in ("nlu", "rules", "stories", "corpus", "workbench/nlu"):
        (root / "data" / name).mkdir(parents=True)
    (root / "data" / "rules" / "rules.yml").write_text("r1")
    return root


def teach(root: Path, what: str) -> None:
    """What trainers wrote into that tree."""
    (root / "data" / "workbench" / "nlu" / "urgent.yml").write_text(what)


def develop(root: Path, what: str) -> None:
    """What a developer changed in that tree."""
    (root / "data" / "rules" / "rules.yml").write_text(what)


def answer_as(root: Path, model_id: str | None) -> None:
    """From now on every stand-in of that tree says it is this model; None: the one it was given."""
    told = root / "bot" / ".venv" / "bin" / "answers_as"
    if model_id is None:
        told.unlink(missing_ok=True)
    else:
        told.write_text(model_id)
