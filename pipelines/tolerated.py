"""`policies/checks.yaml`: what the checks tolerate, and which of them are not made."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path

from hub.checks import CHECKS
from hub.checks.check import Check
from hub.checks.settings import Checks, Number
from hub.rules import GENERAL
from mappings import document
from mappings.document import Node, Table, Text
from mappings.mistakes import Mistakes, one_of

FILE = "checks.yaml"
OFF, ROLES = "off", "roles"


def checks(folder: Path, mistakes: Mistakes) -> Checks:
    """For each check `off`, or a table of its tolerances; what it does not name is as built in.
    `roles`: the role that checks see a system in, where its connection says another."""
    path = folder / "policies" / FILE
    table = document.read(path, mistakes, name=f"policies/{FILE}") if path.exists() else None
    off: set[str] = set()
    found: dict[str, dict[str, Number]] = {}
    roles: dict[str, str] = {}
    for name, node in table.items.items() if table else ():
        if name == ROLES:
            roles = _roles(node, mistakes)
            continue
        check = CHECKS.get(name)
        if check is None and table:
            mistakes.add(table.keys[name], f"the check {name!r}", one_of(name, CHECKS))
        elif isinstance(node, Text) and node.value == OFF:
            off.add(name)
        elif check and isinstance(node, Table):
            found[name] = _tolerances(check, node, mistakes)
        else:
            mistakes.add(node, f"{name} of another form", "off, or a table of what it tolerates")
    return Checks(off=frozenset(off), tolerances=found, roles=roles)


def _roles(node: Node, mistakes: Mistakes) -> dict[str, str]:
    said = node.items if isinstance(node, Table) else {}
    found = {name: one.value for name, one in said.items() if isinstance(one, Text)}
    wrong = [one for one in found.values() if one not in GENERAL]
    if len(found) != len(said) or not found or wrong:
        mistakes.add(node, "roles of another form", f"system: one of {', '.join(GENERAL)}")
        return {}
    return found


def _tolerances(check: Check, table: Table, mistakes: Mistakes) -> dict[str, Number]:
    found: dict[str, Number] = {}
    for name, node in table.items.items():
        if name not in check.tolerances:
            expected = one_of(name, check.tolerances) if check.tolerances else "none"
            mistakes.add(table.keys[name], f"the tolerance {check.name}.{name}", expected)
            continue
        number = _number(node)
        if number is None or (isinstance(number, Decimal) and _is_counted(check, name)):
            mistakes.add(node, f"{check.name}.{name} that is no number", _expected(check, name))
        else:
            found[name] = number
    return found


def _number(node: Node) -> Number | None:
    """A number from 0 on: whole, or with a fraction."""
    said = node.value if isinstance(node, Text) else ""
    if said.isascii() and said.isdigit():
        return int(said)
    try:
        number = Decimal(said)
    except InvalidOperation:
        return None
    return number if number.is_finite() and number >= 0 else None


def _is_counted(check: Check, name: str) -> bool:
    return isinstance(check.tolerances[name], int)


def _expected(check: Check, name: str) -> str:
    return "a whole number from 0 on" if _is_counted(check, name) else "a number from 0 on"
