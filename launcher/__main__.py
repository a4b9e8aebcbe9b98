"""The subcommands of `./waymark`."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from casework.adapters.credentials import take_credentials
from casework.model.errors import WaymarkError
from casework.model.holds import ErasureReason
from casework.services.case_file import CaseFileInvalid, render_problems
from casework.services.disclosure_export import ExportReason
from casework.services.shadows import LONGEST_HOURS, USUAL_HOURS
from launcher import commands
from launcher.access import ACTS
from launcher.keeping import ERASED
from launcher.record_export import WHATS
from launcher.supply import run_supply

ROOT = Path(os.environ.get("WAYMARK_ROOT", Path(__file__).parent.parent)).absolute()


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./waymark",
        description="Keeps victims of crime informed, and brings a detective when it matters.",
    )
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--data-dir",
        type=Path,
        default=Path(os.environ.get("WAYMARK_DATA_DIR", "var")),
        help="database, keys and logs (default var/)",
    )
    commands_of = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, run: Callable[[argparse.Namespace], int], help: str) -> argparse.ArgumentParser:
        one = commands_of.add_parser(name, parents=[shared], help=help, description=help)
        one.set_defaults(run=run)
        return one

    up = add("up", commands.up, "set up, train if needed and start everything")
    up.add_argument("--port", type=int, default=8080, help="public port (default 8080)")
    up.add_argument("--console-port", type=int, default=8081, help="the desk's port (default 8081)")
    test = add("test", commands.test, "run every check and test")
    test.add_argument("--unit", action="store_true", help="only what needs no Rasa, browser or processes")
    test.add_argument("pytest_arguments", nargs=argparse.REMAINDER, help="passed on to pytest")
    train = add("train", commands.train, "train the assistant if its inputs changed")
    train.add_argument(
        "--candidate",
        action="store_true",
        help="with everything trainers taught; then measure, judge and sign",
    )
    workbench = add("workbench", commands.workbench, "write what trainers taught into the training data")
    workbench.add_argument("what", choices=["data"])
    workbench.add_argument(
        "act", nargs="?", choices=["withdraw"], help="take back what somebody wrote, for good, and write"
    )
    workbench.add_argument("of", nargs="?", metavar="CONVERSATION|MESSAGE", help="by its id or its number")
    workbench.add_argument("--check", action="store_true", help="write nothing; 1 where something is wrong")
    workbench.add_argument("--by", metavar="LOGIN", help="who takes it back")
    workbench.add_argument("--reason", metavar="TEXT", help="why, for the record")
    workbench.add_argument("--password-stdin", action="store_true", help="read their password there")
    evaluate = add("evaluate", commands.evaluate, "measure the assistant and the screen on held-out messages")
    evaluate.add_argument(
        "--set",
        dest="sets",
        action="append",
        metavar="SET",
        help="dev, test, same, first, or a file or folder; may be repeated (default: test and same)",
    )
    evaluate.add_argument("--html", type=Path, metavar="PATH", help="write the whole report there too")
    evaluate.add_argument(
        "--typos", action="store_true", help="everything again with 8 %% of letters mistyped"
    )
    evaluate.add_argument(
        "--choose-limits", action="store_true", help="propose numbers for casework/model/bands.toml"
    )
    evaluate.add_argument("--packs", action="store_true", help="the short sets of one trait each as well")
    evaluate.add_argument(
        "--gates", action="store_true", help="measure and judge what a release needs, instead of the sets"
    )
    evaluate.add_argument("--model", metavar="MODEL", help="an id or a file (default: the tree's own)")
    compare = add("compare", commands.compare, "what another model would answer to the newest stored turns")
    compare.add_argument("model", metavar="MODEL", help="an id, the beginning of one, or a file of models/")
    compare.add_argument("against", metavar="AGAINST", nargs="?", help="default: the live model")
    compare.add_argument("--turns", type=int, default=5000, help="how many at most (default 5000)")
    models = add("models", commands.models, "which models there are, and which one answers people")
    models.add_argument("--json", action="store_true", help="as JSON")
    promote = add(
        "promote", commands.promote, "propose a model, or, as another person, release the proposed one"
    )
    promote.add_argument("model", metavar="MODEL", help="its id, or the beginning of it")
    rollback = add("rollback", commands.rollback, "go back at once to the model that was live before")
    rollback.add_argument("--reason", required=True, metavar="TEXT", help="why, for the record")
    shadow = add("shadow", commands.shadow, "ask a candidate what people write, beside the live model")
    shadow.add_argument("model", metavar="MODEL", help="its id, or the beginning of it")
    shadow.add_argument(
        "--hours",
        type=int,
        default=USUAL_HOURS,
        help=f"how long, at most {LONGEST_HOURS} (default {USUAL_HOURS})",
    )
    shadow.add_argument("--stop", action="store_true", help="ask it no more; what it found stays")
    for each in (promote, rollback, shadow):
        each.add_argument("--by", required=True, metavar="LOGIN", help="who does it")
        each.add_argument("--password-stdin", action="store_true", help="read their password there")
    assistant = add("assistant", commands.assistant, "switch the assistant off for everybody, and on again")
    assistant.add_argument("act", choices=commands.SWITCHES, nargs="?", default="status")
    assistant.add_argument("--reason", metavar="TEXT", help="why, for off")
    assistant.add_argument("--channel", choices=commands.CHANNELS, help="one alone (default: every channel)")
    trial = add("trial", commands.trial, "have the assistant answer a few people alone")
    trial.add_argument("act", choices=commands.TRIAL_ACTS, nargs="?", default="list")
    trial.add_argument(
        "who", nargs="?", metavar="NUMBER|PREFIX", help="a mobile, or how crime references begin"
    )
    for each in (assistant, trial):
        each.add_argument("--by", metavar="LOGIN", help="who does it")
        each.add_argument("--password-stdin", action="store_true", help="read their password there")
    add("understand", commands.understand, "JSON lines in, what both layers understand out")
    add("screen", commands.screen, "JSON lines in, what the disclosure screen finds out")
    cases = add(
        "cases", commands.cases, "case files: import them, and decide on those that wait for two people"
    )
    cases.add_argument("action", choices=["import", "held", "imports", "approve", "refuse", "correct"])
    cases.add_argument("what", nargs="?", metavar="FILE|ID", help="the file to import, or an import's id")
    cases.add_argument(
        "--by", metavar="NAME", default="", help="who decides, for approve, refuse and correct"
    )
    staff = add("staff", commands.run_staff, "staff accounts: add, list, end one, take a second factor away")
    staff.add_argument("action", choices=["add", "list", "end", "reset-factor"])
    staff.add_argument("login", nargs="?", help="for all but list")
    staff.add_argument("--collar", metavar="NUMBER", help="collar number, as case files name their officer")
    staff.add_argument("--name", help="name victims and colleagues see (default: the login)")
    staff.add_argument("--role", default="investigator", choices=commands.ROLES)
    staff.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    invite = add("invite", commands.invite, "let the person of a case in: once, within 7 days")
    invite.add_argument("reference", metavar="REF", help="the crime reference")
    invite.add_argument("--by-way-of", choices=commands.WAYS, default="link", help="default: print the link")
    invite.add_argument("--out", type=Path, metavar="FILE", help="where to write the leaflet")
    link = add("link", commands.link, "a link for a force's own site, and pages to print with a code to scan")
    link.add_argument(
        "--label", choices=commands.LABELS, default="write", help="what it says (default: write)"
    )
    link.add_argument(
        "--snippet", type=Path, metavar="FILE", help="write the link there instead of printing it"
    )
    link.add_argument("--leaflet", type=Path, metavar="FILE", help="write an A5 leaflet there")
    link.add_argument("--strips", type=Path, metavar="FILE", help="write a page of strips for letters there")
    export = add("export", commands.export, "a sealed record of one conversation or case, for disclosure")
    export.add_argument("what", choices=WHATS, help="key: print what such records are signed with")
    export.add_argument(
        "of", nargs="?", metavar="ID|REF", help="the conversation's id, or the crime reference"
    )
    export.add_argument("--by", metavar="LOGIN", help="who has it made")
    export.add_argument("--reason", choices=list(ExportReason), help="what it is for")
    export.add_argument("--number", metavar="NUMBER", help="what that is found under: a URN, a log, an entry")
    export.add_argument("--words", default="", metavar="TEXT", help="why, in words: kept sealed")
    export.add_argument("--out", type=Path, metavar="FILE", help="where to (default: here, by its own name)")
    export.add_argument("--password-stdin", action="store_true", help="read their password there")
    access = add("access", commands.access, "people's requests for a copy of what is kept about them")
    access.add_argument(
        "act", choices=ACTS, nargs="?", default="list", help="list who waits (default), or copy one"
    )
    access.add_argument("of", nargs="?", metavar="ID", help="the request's id, as in its address on the desk")
    access.add_argument("--by", metavar="LOGIN", help="who takes the copy")
    access.add_argument("--out", type=Path, metavar="FILE", help="where to")
    access.add_argument("--password-stdin", action="store_true", help="read their password there")
    queue = add("queue", commands.queue, "the desk's queue, most urgent first")
    queue.add_argument("--json", action="store_true", help="as JSON")
    clocks = add("clocks", commands.clocks, "how the limits of the Victims' Code are kept, per right")
    clocks.add_argument("--json", action="store_true", help="as JSON, with what is overdue and the caveats")
    clocks.add_argument("--csv", type=Path, metavar="FILE", help="write the counts there")
    words = add("words", commands.words, "bring the web's catalogues up to the words of its templates")
    words.add_argument("--check", action="store_true", help="write nothing; 1 where something is out of date")
    words.add_argument("--add", metavar="CODE", help="start a language, as a draft: two letters, such as cy")
    screens = add("screens", commands.screens, "a picture of every page of the web in every state, to judge")
    screens.add_argument("--out", type=Path, metavar="DIR", help="default: screens in the data folder")
    screens.add_argument("--only", metavar="TEXT", default="", help="only states named so, such as /my")
    drill = add("drill", commands.drill, "a rehearsal with synthetic victims, through the real pipeline")
    drill.add_argument(
        "what",
        metavar="SCRIPT|list|end|report",
        nargs="?",
        default="list",
        help="the script to start (default: list)",
    )
    drill.add_argument(
        "--at", metavar="HH:MM", help="start when the station clock next shows it (default: now)"
    )
    demo = add("demo", run_demo, "a seeded evening at the desk, beside a running ./waymark up; sandbox only")
    demo.add_argument("what", choices=["friday-night"], nargs="?", default="friday-night")
    demo.add_argument(
        "--speed", type=float, default=20.0, help="times as fast as the evening was (default 20)"
    )
    add("feedback", commands.feedback, "what people thought of how they were treated, in counts")
    doctor = add("doctor", commands.doctor, "look for what is missing or wrong, and say the remedy")
    doctor.add_argument("--json", action="store_true", help="as JSON")
    erase = add("erase", commands.erase, "erase a conversation, or a person with all of theirs, for good")
    erase.add_argument("what", choices=ERASED)
    erase.add_argument("of", metavar="ID", help="the conversation's or the person's id")
    erase.add_argument("--by", required=True, metavar="LOGIN", help="who has it erased")
    erase.add_argument("--reason", choices=list(ErasureReason), required=True, help="on what ground")
    erase.add_argument(
        "--never-exported", action="store_true", help="the force's record does not have it, and I know"
    )
    erase.add_argument("--password-stdin", action="store_true", help="read their password there")
    kept = add("retention", commands.retention, "what has had its time, and how much of it should be gone")
    kept.add_argument("--now", action="store_true", help="delete it now, whenever the last round was")
    supply = add("supply", run_supply, "what Waymark is made of, and what is known against it")
    supply.add_argument(
        "act",
        choices=["list", "check", "audit", "update"],
        nargs="?",
        default="audit",
        help="write the lists anew; look for what is wrong with the tree; today as well (default); bring in an export",
    )
    supply.add_argument(
        "--from",
        dest="export",
        type=Path,
        metavar="FILE",
        help="an OSV export, for update (docs/supply-chain.md)",
    )
    data_map = add("data-map", run_data_map_chosen, "write docs/data-map.md from the map of columns")
    data_map.add_argument("--check", action="store_true", help="write nothing; 1 where it is out of date")
    safeguards = add(
        "safeguards", run_safeguards_chosen, "take each safeguard out of a copy, and see its own test go red"
    )
    safeguards.add_argument("names", nargs="*", metavar="NAME", help="only these (default: all of the list)")
    database = add("db", commands.database, "the database")
    database.add_argument(
        "action", choices=["upgrade", "backup", "restore", "restored", "rehearse", "verify"]
    )
    database.add_argument("file", type=Path, nargs="?", help="for backup and restore")
    database.add_argument("--database-url", metavar="URL", help="an empty PostgreSQL, for rehearse")
    database.add_argument(
        "--anchors",
        type=Path,
        metavar="FILE",
        help="signed heads from a place outside, for verify (docs/audit.md)",
    )
    keys = add("keys", commands.keys, "the keys of what is sealed: check, change, and make anew")
    keys.add_argument("action", choices=["check", "rotate", "rewrap", "forget", "rotate-index", "make"])
    keys.add_argument("what", nargs="?", metavar="VERSION|FILE", help="for forget and make")
    capacity = add("capacity", commands.capacity, "what a force needs, and what gives way first")
    capacity.add_argument("--people", type=int, help="who live there (default: 2 and 60 million)")
    bench = add("bench", bench_chosen, "measure speed as ratios, or understanding on public sets, in one run")
    bench.add_argument(
        "what",
        choices=[
            *(
                "turn",
                "understanding",
                "import",
                "enumeration",
                "outage",
                "ingest",
                "web",
                "desk",
                "queue",
                "replay",
                "workbench",
                "scale",
                "training",
                "audit",
                "end-to-end",
                "memory",
                "start",
                "stored",
                "all",
            ),
        ],
        nargs="?",
        default="turn",
    )
    bench.add_argument(
        "--part", dest="parts", action="append", metavar="PART", help="of all, only this one; may be repeated"
    )
    bench.add_argument("--fresh", action="store_true", help="train stock Rasa anew, though its model is kept")
    bench.add_argument("--turns", type=int, help="500 for turn, 5000 for replay, 200000 for workbench")
    bench.add_argument("--cases", type=int, default=100_000, help="how many, for import")
    bench.add_argument("--minutes", type=float, default=10.0, help="how long everything is away, for outage")
    bench.add_argument("--rate", type=float, help="messages a second: 5 for outage, 100 for ingest")
    bench.add_argument(
        "--seconds",
        type=float,
        default=60.0,
        help="how long, for ingest and web, and each step of end-to-end",
    )
    bench.add_argument("--messages", type=int, default=200, help="how many in a real browser, for web")
    bench.add_argument(
        "--database-url", metavar="URL", help="an empty PostgreSQL instead of SQLite, for ingest and web"
    )
    bench.add_argument(
        "--stored", type=int, help="how many messages there are: 2 million for queue, 10 million for stored"
    )
    bench.add_argument("--records", type=int, default=1_000_000, help="how many, for audit")
    bench.add_argument("--pairs", type=int, default=1000, help="how many of each kind, for enumeration")
    bench.add_argument(
        "--data", type=Path, metavar="DIR", help="where the public sets are, for understanding"
    )
    bench.add_argument("--stock", action="store_true", help="stock Rasa's default beside it; takes hours")
    soak = add("soak", soak_chosen, "break everything while many write, and compare what came to what")
    soak.add_argument("--minutes", type=float, help="how long people write (default 10)")
    soak.add_argument("--messages", type=int, help="or until so many are written, whichever comes first")
    soak.add_argument("--faults", type=int, help="how many (default 4 a minute)")
    soak.add_argument("--seed", type=int, default=1, help="the same seed gives the same faults (default 1)")
    soak.add_argument("--stand-in", action="store_true", help="an assistant that repeats, instead of Rasa")
    soak.add_argument("--rate", type=float, help="texts a second (default 3, with the stand-in 8)")
    soak.add_argument("--people", type=int, default=600, help="how many write (default 600)")
    soak.add_argument("--report", type=Path, metavar="FILE", help="default: soak.json in the data folder")
    soak.add_argument("--keep", action="store_true", help="leave the run's folder with all logs")
    return parser


def soak_chosen(given: argparse.Namespace) -> int:
    from launcher.soak.command import run_soak

    return run_soak(given)


def run_data_map_chosen(given: argparse.Namespace) -> int:
    from launcher.data_map_page import run_data_map

    return run_data_map(given.root, is_check=given.check)


def run_safeguards_chosen(given: argparse.Namespace) -> int:
    from launcher.safeguards import run_safeguards

    return run_safeguards(given.root, given.names)


def run_demo(given: argparse.Namespace) -> int:
    from launcher.demo import run_demo

    return run_demo(given.data_dir, speed=given.speed)


def bench_chosen(given: argparse.Namespace) -> int:
    if given.what in ("all", "end-to-end", "memory", "start", "stored", "turn"):
        return commands.bench(given)
    if given.what == "audit":
        from launcher.bench_audit import run_bench_audit

        return run_bench_audit(
            given.root, given.data_dir, records=given.records, database_url=given.database_url
        )
    if given.what == "training":
        from launcher.bench_training import run_bench_training

        return run_bench_training(given.root)
    if given.what == "scale":
        from launcher.bench_scale import run_bench_scale

        return run_bench_scale(database_url=given.database_url)
    if given.what == "workbench":
        from launcher.bench_workbench import run_bench_workbench

        return run_bench_workbench(
            given.root, given.data_dir, turns=given.turns or 200_000, database_url=given.database_url
        )
    if given.what == "replay":
        from launcher.bench_replay import run_bench_replay

        return run_bench_replay(given.root, given.data_dir, turns=given.turns or 5000)
    if given.what == "enumeration":
        from launcher.bench_enumeration import run_bench_enumeration

        return run_bench_enumeration(pairs=given.pairs)
    if given.what == "outage":
        from launcher.bench_outage import run_bench_outage

        return run_bench_outage(minutes=given.minutes, rate=given.rate or 5.0)
    if given.what == "ingest":
        from launcher.bench_ingest import run_bench_ingest

        return run_bench_ingest(
            given.root, rate=given.rate or 100.0, seconds=given.seconds, database_url=given.database_url
        )
    if given.what == "web":
        from launcher.bench_webchat import run_bench_web

        return run_bench_web(
            given.root, messages=given.messages, seconds=given.seconds, database_url=given.database_url
        )
    if given.what == "desk":
        from launcher.bench_desk import run_bench_desk

        return run_bench_desk(
            given.root, rate=given.rate or 20.0, seconds=given.seconds, database_url=given.database_url
        )
    if given.what == "queue":
        from launcher.bench_queue import run_bench_queue

        return run_bench_queue(
            given.root, given.data_dir, stored=given.stored or 2_000_000, database_url=given.database_url
        )
    if given.what == "import":
        from launcher.bench_import import run_bench_import

        return run_bench_import(given.data_dir, cases=given.cases)
    from launcher.bench_understanding import run_bench_understanding

    return run_bench_understanding(given.root, given.data, stock=given.stock)


def main(arguments: Sequence[str]) -> int:
    parsed = build_parser().parse_args(arguments)
    parsed.root = ROOT
    try:
        take_credentials(os.environ)
        run: Callable[[argparse.Namespace], int] = parsed.run
        return run(parsed)
    except CaseFileInvalid as refusal:
        print("\n".join([*render_problems(refusal), "Nothing was imported."]), file=sys.stderr)
        return 2
    except WaymarkError as refusal:
        print(f"{refusal}", file=sys.stderr)
        return 2
    except FileNotFoundError as missing:
        print(f"There is no file {missing.filename}. Check the path.", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
