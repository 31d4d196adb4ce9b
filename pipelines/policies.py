"""The policies of a deployment, checked against the model: `policies/*.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from hub.authority import DEFAULT_RULES
from hub.model.spec import EntitySpec, entities
from hub.rules import OPERATORS, Rule, Tolerance
from mappings import document
from mappings.document import Many, Node, Table, Text
from mappings.mistakes import Mistakes, one_of

Rules = dict[str, dict[str, Rule]]
_KNOWN = ("survivorship", "identity", "checks", "decisions")
_WORDS = ("order", "by", "tolerance", "approve")
_FITS = {  # what an operator that compares can be used for
    "union": ("texts",),
    "min": ("date", "instant", "integer", "decimal"),
    "max": ("date", "instant", "integer", "decimal"),
    "most_complete": ("text", "texts", "date", "instant"),
}


def survivorship(folder: Path, roles: tuple[str, ...], mistakes: Mistakes) -> Rules:
    """`policies/survivorship.yaml`: for each entity and field a list of roles, the strongest
    first, or a table of order, by, tolerance and approve. What a rule leaves out is as built in.
    A file of any other name is a mistake: it would be believed to be in force."""
    for path in sorted((folder / "policies").glob("*.y*ml")):
        if path.stem not in _KNOWN or path.suffix != ".yaml":
            found = document.read(path, Mistakes(), name=f"policies/{path.name}")
            if found is not None:
                expected = "survivorship.yaml, identity.yaml, checks.yaml or decisions.yaml"
                mistakes.add(found, f"the policy {path.name!r}", expected)
    path = folder / "policies" / "survivorship.yaml"
    table = document.read(path, mistakes, name=f"policies/{path.name}") if path.exists() else None
    made: Rules = {}
    if table is None:
        return made
    for name, fields in table.items.items():
        spec = entities().get(name)
        if spec is None:
            mistakes.add(table.keys[name], f"the entity {name!r}", one_of(name, entities()))
        elif not isinstance(fields, Table):
            mistakes.add(fields, f"{name} without fields", "field: [ROLE, …]")
        else:
            made[name] = _fields(spec, fields, roles, mistakes)
    return made


def _fields(
    spec: EntitySpec, fields: Table, roles: tuple[str, ...], mistakes: Mistakes
) -> dict[str, Rule]:
    found: dict[str, Rule] = {}
    for name, node in fields.items.items():
        if name != "*" and name not in spec.fields:
            expected = one_of(name, ("*", *spec.fields))
            mistakes.add(fields.keys[name], f"the field {spec.name}.{name}", expected)
        else:
            found[name] = _rule(spec, name, node, roles, mistakes)
    return found


def _rule(
    spec: EntitySpec, name: str, node: Node, roles: tuple[str, ...], mistakes: Mistakes
) -> Rule:
    if isinstance(node, Many):
        return Rule(order=_roles(node, roles, mistakes))
    usual = DEFAULT_RULES.get(spec.name, {})
    order = (usual.get(name) or usual.get("*") or Rule()).order
    if not isinstance(node, Table):
        mistakes.add(node, f"{spec.name}.{name} without a list", "roles, strongest first")
        return Rule(order=order)
    given: dict[str, Any] = {"order": order}
    for word, value in node.items.items():
        if word not in _WORDS:
            mistakes.add(node.keys[word], f"the word {word!r}", one_of(word, _WORDS))
        elif word == "by":
            given[word] = _operator(spec, name, value, mistakes)
        elif word == "tolerance":
            given[word] = _tolerance(value, mistakes)
        else:
            given[word] = _roles(value, roles, mistakes)
    return Rule(**given)


def _roles(node: Node, roles: tuple[str, ...], mistakes: Mistakes) -> tuple[str, ...]:
    if not isinstance(node, Many):
        mistakes.add(node, "no list", "roles, strongest first")
        return ()
    named = [_role(item, roles, mistakes) for item in node.items]
    return tuple(role for role in named if role)


def _role(item: Node, roles: tuple[str, ...], mistakes: Mistakes) -> str:
    """The role, or "" and a mistake noted."""
    said = item.value if isinstance(item, Text) else "a list or table"
    if said in roles:
        return said
    mistakes.add(item, f"the role {said!r}", one_of(said, roles))
    return ""


def _operator(spec: EntitySpec, name: str, node: Node, mistakes: Mistakes) -> str:
    said = node.value if isinstance(node, Text) else "a list or table"
    if said not in OPERATORS:
        mistakes.add(node, f"by: {said!r}", one_of(said, OPERATORS))
        return "authority"
    fits = _FITS.get(said)
    kind = spec.fields[name].meta.kind if name in spec.fields else ""
    if fits and kind not in fits:
        what = f"{spec.name}.{name} ({kind})" if kind else f"all fields of {spec.name}"
        mistakes.add(node, f"by: {said} for {what}", f"a field that is {' or '.join(fits)}")
        return "authority"
    return said


def _tolerance(node: Node, mistakes: Mistakes) -> Tolerance:
    expected = "anything, {days: 3} or {amount: 0.05}"
    if isinstance(node, Text) and node.value == "anything":
        return Tolerance(anything=True)
    given = _texts(node)
    if not given or given.keys() - {"days", "amount"}:
        mistakes.add(node, "a tolerance of another form", expected)
        return Tolerance()
    days, amount = given.get("days", "0"), given.get("amount", "0")
    if not (days.isascii() and days.isdigit()) or not _is_amount(amount):
        mistakes.add(node, "a tolerance that is no number from 0 on", expected)
        return Tolerance()
    return Tolerance(days=int(days), amount=amount)


def _texts(node: Node) -> Mapping[str, str]:
    if not isinstance(node, Table):
        return {}
    return {n: v.value if isinstance(v, Text) else "" for n, v in node.items.items()}


def _is_amount(text: str) -> bool:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return False
    return amount.is_finite() and amount >= 0
