"""The policies of a deployment, checked against the model: `policies/*.yaml`."""

from __future__ import annotations

from pathlib import Path

from hub.model.spec import EntitySpec, entities
from mappings import document
from mappings.document import Many, Node, Table, Text
from mappings.mistakes import Mistakes, one_of

Authority = dict[str, dict[str, tuple[str, ...]]]
_KNOWN = ("survivorship",)


def authority(folder: Path, roles: tuple[str, ...], mistakes: Mistakes) -> Authority:
    """`policies/survivorship.yaml`: for each entity and field, roles from the strongest to the
    weakest. A file of any other name is a mistake: it would be believed to be in force."""
    for path in sorted((folder / "policies").glob("*.y*ml")):
        if path.stem not in _KNOWN or path.suffix != ".yaml":
            found = document.read(path, Mistakes(), name=f"policies/{path.name}")
            if found is not None:
                mistakes.add(found, f"the policy {path.name!r}", "survivorship.yaml")
    path = folder / "policies" / "survivorship.yaml"
    table = document.read(path, mistakes, name=f"policies/{path.name}") if path.exists() else None
    made: Authority = {}
    if table is None:
        return made
    for name, fields in table.items.items():
        spec = entities().get(name)
        if spec is None:
            mistakes.add(table.keys[name], f"the entity {name!r}", one_of(name, entities()))
        elif not isinstance(fields, Table):
            mistakes.add(fields, f"{name} without fields", "field: [ROLE, …]")
        else:
            made[name] = _orders(spec, fields, roles, mistakes)
    return made


def _orders(
    spec: EntitySpec, fields: Table, roles: tuple[str, ...], mistakes: Mistakes
) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, order in fields.items.items():
        if name != "*" and name not in spec.fields:
            expected = one_of(name, ("*", *spec.fields))
            mistakes.add(fields.keys[name], f"the field {spec.name}.{name}", expected)
        elif not isinstance(order, Many):
            mistakes.add(order, f"{spec.name}.{name} without a list", "roles, strongest first")
        else:
            named = [_role(item, roles, mistakes) for item in order.items]
            found[name] = tuple(role for role in named if role)
    return found


def _role(item: Node, roles: tuple[str, ...], mistakes: Mistakes) -> str:
    """The role, or "" and a mistake noted."""
    said = item.value if isinstance(item, Text) else "a list or table"
    if said in roles:
        return said
    mistakes.add(item, f"the role {said!r}", one_of(said, roles))
    return ""
