"""How many small breakages of the rules the tests notice: `python -m tests.casework.model.mutants [module ...]`.

Each mutant is one module of casework.model with one thing changed: a comparison, a limit, an and, a member of a
set, a statement left out. It runs the module's own tests in a forked process; a mutant that no test fails on is
printed. Says "killed K of N" for each module and in all, and exits with 1 below LEAST_KILLED.
"""

import ast
import importlib
import os
import resource
import sys
import types
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LEAST_KILLED = 0.95
MOST_CPU_SECONDS = 15  # a mutant that never ends was noticed too

TESTS_OF = {
    "contact_hours": ["test_contact_hours.py", "test_send_decisions.py"],
    "safe_contact": ["test_safe_contact.py", "test_send_decisions.py"],
    "stored_plans": ["test_stored_plans.py"],
    "standings": ["test_standings.py"],
    "may_tell": ["test_may_tell.py"],
}

# Mutants that mean the same as the original: (module, what was changed) -> why no test can tell.
EQUIVALENT: dict[tuple[str, str], str] = {
    (
        "stored_plans",
        "found is None -> False",
    ): "None has no groups: a TypeError, read the same as the ValueError",
    ("stored_plans", "raise ValueError('a time of day is written 09:00') -> pass"): "the same, one line on",
}

COMPARISONS: dict[type[ast.cmpop], list[type[ast.cmpop]]] = {
    ast.Lt: [ast.LtE, ast.GtE],
    ast.LtE: [ast.Lt, ast.Gt],
    ast.Gt: [ast.GtE, ast.LtE],
    ast.GtE: [ast.Gt, ast.Lt],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.Is: [ast.IsNot],
    ast.IsNot: [ast.Is],
    ast.In: [ast.NotIn],
    ast.NotIn: [ast.In],
}
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
SIMPLE = (ast.Assign, ast.AugAssign, ast.Expr, ast.Raise, ast.Return)


@dataclass(frozen=True, kw_only=True)
class Mutant:
    module: str
    line: int
    change: str  # "a < b -> a <= b"
    tree: ast.Module


def mutants_of(module: str) -> Iterator[Mutant]:
    tree = ast.parse(source_of(module).read_text())
    for node in list(walk(tree)):
        for field, old, new in changes(node):
            setattr(node, field, new)
            changed = deepcopy(tree)
            setattr(node, field, old)
            if is_a_program(ast.fix_missing_locations(changed)):
                change = shown_change(old, new)
                yield Mutant(module=module, line=getattr(node, "lineno", 0), change=change, tree=changed)


def is_a_program(tree: ast.Module) -> bool:
    try:
        compile(tree, "mutant", "exec")
    except (SyntaxError, TypeError, ValueError):
        return False
    return True


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """Every node but type annotations, decorators, docstrings and the words of an error."""
    if is_docstring(node) or isinstance(node, ast.Raise):
        return
    yield node
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from walk(child)


def changes(node: ast.AST) -> Iterator[tuple[str, object, object]]:
    """(field, old value, new value) of each small change to this node alone."""
    match node:
        case ast.Compare():
            for place, operator in enumerate(node.ops):
                for other in COMPARISONS[type(operator)]:
                    yield "ops", node.ops, [*node.ops[:place], other(), *node.ops[place + 1 :]]
        case ast.BoolOp():
            yield "op", node.op, ast.Or() if isinstance(node.op, ast.And) else ast.And()
            for place in range(len(node.values)):
                yield "values", node.values, without(node.values, place)
        case ast.BinOp() | ast.AugAssign() if type(node.op) in OPERATORS:
            yield "op", node.op, OPERATORS[type(node.op)]()
        case ast.UnaryOp(op=ast.USub()):
            yield "op", node.op, ast.UAdd()
        case ast.UnaryOp(op=ast.Not()):
            yield "operand", node.operand, ast.UnaryOp(ast.Not(), node.operand)
        case ast.Constant():
            yield from (("value", node.value, other) for other in other_values(node.value))
        case ast.IfExp():
            yield "test", node.test, ast.Constant(True)
            yield "test", node.test, ast.Constant(False)
        case ast.Set() | ast.List() | ast.Tuple():
            for place in range(len(node.elts)):
                yield "elts", node.elts, without(node.elts, place)
        case ast.Call():
            for place, keyword in enumerate(node.keywords):
                if keyword.arg not in {"kw_only", "frozen"}:
                    yield "keywords", node.keywords, without(node.keywords, place)
    if isinstance(node, ast.If):
        yield "test", node.test, ast.Constant(True)
        yield "test", node.test, ast.Constant(False)
    if isinstance(node, (ast.FunctionDef, ast.If, ast.For, ast.While, ast.Try)):
        for place, statement in enumerate(node.body):
            if isinstance(statement, SIMPLE) and not is_docstring(statement):
                yield "body", node.body, [*node.body[:place], ast.Pass(), *node.body[place + 1 :]]


def other_values(value: object) -> list[object]:
    match value:
        case bool():
            return [not value]
        case int():
            return [value + 1, value - 1]
        case str():
            return [f"{value} changed"]
    return []


def without(items: list[ast.AST], place: int) -> list[ast.AST]:
    return [*items[:place], *items[place + 1 :]]


def is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def shown_change(old: object, new: object) -> str:
    if not isinstance(old, list) or not isinstance(new, list):
        return f"{shown(old)} -> {shown(new)}"
    gone = ", ".join(shown(each) for each in old if each not in new)
    come = ", ".join(shown(each) for each in new if each not in old)
    return f"{gone} -> {come or 'nothing'}"


def shown(part: object) -> str:
    if isinstance(part, ast.expr | ast.stmt | ast.keyword):
        return ast.unparse(part)
    return type(part).__name__ if isinstance(part, ast.AST) else repr(part)


def source_of(module: str) -> Path:
    return ROOT / "casework" / "model" / f"{module}.py"


# --- running --------------------------------------------------------------------------------------


def is_killed(mutant: Mutant) -> bool:
    """Whether the tests fail on it. The fork starts without any module of ours, so it imports the mutant."""
    child = os.fork()
    if child == 0:
        os._exit(run_in_child(mutant))
    _, status = os.waitpid(child, 0)
    return status != 0


def run_in_child(mutant: Mutant) -> int:
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU_SECONDS, MOST_CPU_SECONDS))
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    try:
        install(mutant)
    except Exception:  # a mutant that cannot even be imported is noticed
        return 1
    tests = [str(Path(__file__).with_name(name)) for name in TESTS_OF[mutant.module]]
    options = ["-x", "-q", "--noconftest", "-m", "not slow", "-p", "no:cacheprovider"]
    options += [
        "-W",
        "ignore::pytest.PytestAssertRewriteWarning",
    ]  # hypothesis is imported before pytest starts
    return int(pytest.main([*tests, *options, f"--rootdir={ROOT}", "-c", str(ROOT / "pyproject.toml")]))


def install(mutant: Mutant) -> None:
    name = f"casework.model.{mutant.module}"
    module = types.ModuleType(name)
    module.__file__ = str(source_of(mutant.module))
    sys.modules[name] = module
    exec(compile(mutant.tree, module.__file__, "exec"), module.__dict__)
    setattr(importlib.import_module("casework.model"), mutant.module, module)


def main(modules: list[str]) -> int:
    importlib.import_module("hypothesis.strategies")  # once here, not once a fork
    killed, total = 0, 0
    for module in modules or list(TESTS_OF):
        unchanged = ast.parse(source_of(module).read_text())
        if is_killed(Mutant(module=module, line=0, change="none", tree=unchanged)):
            say(f"{module}: its tests fail without any change")
            return 1
        survivors, count = [], 0
        for mutant in mutants_of(module):
            if (module, mutant.change) in EQUIVALENT:
                continue
            count += 1
            if not is_killed(mutant):
                survivors.append(mutant)
        say(f"{module}: killed {count - len(survivors)} of {count}")
        for survivor in survivors:
            say(f"  survived, line {survivor.line}: {survivor.change}")
        killed, total = killed + count - len(survivors), total + count
    say(f"killed {killed} of {total}, {len(EQUIVALENT)} equivalent left out")
    return 0 if killed >= LEAST_KILLED * total else 1


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
