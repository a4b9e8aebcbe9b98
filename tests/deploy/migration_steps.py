"""What a migration does that the version before it may not bear, read from its code.

Old and new services run beside each other while an upgrade rolls (docs/deployment.md): whatever takes away, renames or
tightens what the old ones read or write is a contract step, and belongs into a later release.
"""

import ast
import re
from pathlib import Path

TAKING = frozenset({"drop_table", "drop_column", "rename_table"})
TIGHTENING = frozenset({"create_unique_constraint", "create_check_constraint", "create_foreign_key"})
CHANGING = frozenset({"type_", "new_column_name"})
BY_HAND = re.compile(
    r"\b(DROP\s+(?:TABLE|COLUMN)|RENAME|SET\s+NOT\s+NULL|ALTER\s+COLUMN\s+\S+\s+TYPE|ADD\s+(?:CONSTRAINT|UNIQUE|CHECK))\b",
    re.IGNORECASE,
)

OWN_FOR_A_MOMENT = re.compile(r"CREATE TEMPORARY TABLE (\w+)", re.IGNORECASE)


def find_contracts(path: Path) -> list[str]:
    """Each such step that `upgrade` or what it calls takes, in the order of the file: what, and on which line."""
    source = path.read_text()
    tree = ast.parse(source)
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    reached = _reach("upgrade", functions)
    new_tables = {
        table
        for name in reached
        for node in ast.walk(functions[name])
        if isinstance(node, ast.Call) and _method(node) == "create_table" and (table := _word(node, 0))
    }
    new_tables |= set(OWN_FOR_A_MOMENT.findall(source))
    steps = {
        (node.lineno, what)
        for name in reached
        for node in ast.walk(functions[name])
        if isinstance(node, ast.Call) and (what := _find_contract(node, new_tables))
    }
    return [f"{what}, line {line}" for line, what in sorted(steps)]


def find_marked(path: Path) -> str | None:
    """The release its contract steps say that nothing reads any more what they take: NO_LONGER_READ_SINCE."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and [getattr(each, "id", "") for each in node.targets] == [
            "NO_LONGER_READ_SINCE"
        ]:
            return str(ast.literal_eval(node.value))
    return None


def _reach(name: str, functions: dict[str, ast.FunctionDef], seen: frozenset[str] = frozenset()) -> set[str]:
    if name in seen or name not in functions:
        return set()
    named = {node.id for node in ast.walk(functions[name]) if isinstance(node, ast.Name)}
    return {name}.union(*(_reach(each, functions, seen | {name}) for each in sorted(named)))


def _find_contract(call: ast.Call, new_tables: set[str]) -> str | None:
    method, given = _method(call), {each.arg: each.value for each in call.keywords}
    if method in TAKING:
        return method
    if method in TIGHTENING:
        return None if _word(call, 1) in new_tables else method
    if method == "create_index" and _is_true(given.get("unique")):
        return None if _word(call, 1) in new_tables else "create_index(unique)"
    if method == "alter_column":
        changed = sorted(CHANGING & given.keys())
        changed += ["nullable=False"] if _is_false(given.get("nullable")) else []
        return f"alter_column({', '.join(changed)})" if changed else None
    if method == "add_column" and _is_required(call):
        return "add_column that must be written"
    text = _written(call)
    found = BY_HAND.search(text) if text else None
    if found and any(re.search(rf"\b{each}\b", text[found.end() :]) for each in new_tables):
        return None
    return f"SQL: {' '.join(found[1].upper().split()[:2])}" if found else None


def _is_required(call: ast.Call) -> bool:
    """A column that a service of before does not write, and that has no value by itself."""
    for argument in call.args:
        if isinstance(argument, ast.Call) and _method(argument) == "Column":
            given = {each.arg: each.value for each in argument.keywords}
            return _is_false(given.get("nullable")) and "server_default" not in given
    return False


def _method(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _word(call: ast.Call, place: int) -> str | None:
    """The string at that place of its arguments."""
    value = call.args[place] if len(call.args) > place else None
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None


def _written(call: ast.Call) -> str:
    """The SQL it is given as text."""
    if _method(call) not in ("execute", "exec_driver_sql", "text"):
        return ""
    parts = [
        node.value for argument in call.args for node in ast.walk(argument) if isinstance(node, ast.Constant)
    ]
    return " ".join(part for part in parts if isinstance(part, str))


def _is_true(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Constant) and value.value is True


def _is_false(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Constant) and value.value is False
