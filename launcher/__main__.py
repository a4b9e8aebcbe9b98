"""The subcommands of `./waymark`."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from casework.model.errors import WaymarkError
from casework.services.case_file import CaseFileInvalid, render_problems
from launcher import commands

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
    add("train", commands.train, "train the assistant if its inputs changed")
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
    add("understand", commands.understand, "JSON lines in, what both layers understand out")
    add("screen", commands.screen, "JSON lines in, what the disclosure screen finds out")
    cases = add("cases", commands.cases, "case files")
    cases.add_argument("action", choices=["import"])
    cases.add_argument("file", type=Path)
    staff = add("staff", commands.staff_add, "staff accounts")
    staff.add_argument("action", choices=["add"])
    staff.add_argument("login")
    staff.add_argument("--name", help="name victims and colleagues see (default: the login)")
    staff.add_argument("--role", default="investigator", choices=commands.ROLES)
    staff.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    queue = add("queue", commands.queue, "the desk's queue, most urgent first")
    queue.add_argument("--json", action="store_true", help="as JSON")
    add("doctor", commands.doctor, "look for what is missing or wrong, and say the remedy")
    database = add("db", commands.database, "the database")
    database.add_argument("action", choices=["upgrade", "backup", "restore", "verify"])
    database.add_argument("file", type=Path, nargs="?", help="for backup and restore")
    bench = add("bench", bench_chosen, "measure speed as ratios, or understanding on public sets, in one run")
    bench.add_argument("what", choices=["turn", "understanding"], nargs="?", default="turn")
    bench.add_argument("--turns", type=int, default=500)
    bench.add_argument(
        "--data", type=Path, metavar="DIR", help="where the public sets are, for understanding"
    )
    bench.add_argument("--stock", action="store_true", help="stock Rasa's default beside it; takes hours")
    return parser


def bench_chosen(given: argparse.Namespace) -> int:
    if given.what == "turn":
        return commands.bench(given)
    from launcher.bench_understanding import run_bench_understanding

    return run_bench_understanding(given.root, given.data, stock=given.stock)


def main(arguments: Sequence[str]) -> int:
    parsed = build_parser().parse_args(arguments)
    parsed.root = ROOT
    try:
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
