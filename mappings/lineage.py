"""Which source fields can reach which canonical field, read off the mappings, not off a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from hub.model.spec import entities
from mappings.collection import Library
from mappings.complaints import placed
from mappings.outbound_language import Outgoing, Shape
from mappings.reader import called
from mappings.spec import Rule, Spec, Thing


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Line:
    """`path` of `media` can reach `entity`.`field` (inbound) or is written from it (outbound)."""

    entity: str
    field: str
    direction: str  # "in" or "out"
    media: str
    path: str
    steps: str  # what is done on the way
    mapping: str
    line: int


def lineage(library: Library) -> list[Line]:
    """Every way from a source to a canonical field and from there to a target, sorted."""
    found = {line for spec in library.inbound.values() for line in _inbound(spec)}
    found |= {line for out in library.outbound.values() for line in _outbound(out)}
    return sorted(found)


def _inbound(spec: Spec) -> Iterator[Line]:
    for thing in spec.things:
        for name, rule, each in _rules(thing):
            for path in (*rule.sources(), *called(rule)) or ("const",):
                if path == each:
                    continue
                yield Line(
                    entity=thing.entity,
                    field=name,
                    direction="in",
                    media=spec.reads,
                    path=placed(path, each or thing.each),
                    steps=_steps(rule),
                    mapping=spec.name,
                    line=rule.mark.line,
                )


def _rules(thing: Thing) -> Iterator[tuple[str, Rule, str]]:
    """Every rule of a statement with the field it fills and the `each` it is relative to."""
    yield "key", thing.key, ""
    for name, rule in thing.fields.items():
        yield name, rule, rule.each
        if rule.then and rule.then[-1].name == "code":
            native = f"{name}_native"
            if native in entities()[thing.entity].fields and native not in thing.fields:
                yield native, rule, rule.each
    for identify in thing.identifiers:
        yield f"identifiers ({_what(identify.type)})", identify.value, identify.each


def _what(rule: Rule) -> str:
    return rule.const or rule.place


def _steps(rule: Rule) -> str:
    steps = [f"{step.name} {step.argument}".strip() for step in rule.then]
    return ", ".join(([f"call {rule.call}"] if rule.call else []) + steps)


def _outbound(outgoing: Outgoing) -> Iterator[Line]:
    ways = [*outgoing.fields.items(), *_leaves(outgoing.resource, "")]
    for place, rule in ways:
        for path in rule.sources():
            yield Line(
                entity=outgoing.entity,
                field=path,
                direction="out",
                media=outgoing.writes,
                path=place,
                steps=_steps(rule),
                mapping=outgoing.name,
                line=rule.mark.line,
            )


def _leaves(shape: Shape | None, place: str) -> Iterator[tuple[str, Rule]]:
    if isinstance(shape, Rule):
        yield place, shape
    elif isinstance(shape, list):
        for number, item in enumerate(shape):
            yield from _leaves(item, f"{place}[{number}]")
    elif isinstance(shape, dict):
        for name, part in shape.items():
            yield from _leaves(part, f"{place}.{name}".lstrip("."))


def markdown(lines: Iterable[Line]) -> str:
    """The crosswalk as a page: a table for each entity."""
    parts = ["# Where canonical fields come from and go to", ""]
    for entity, group in groupby(sorted(lines), key=lambda line: line.entity):
        parts += [f"## {entity}", "", "| field | | medium | path | steps | mapping |"]
        parts.append("|---|---|---|---|---|---|")
        parts += [_row(line) for line in group]
        parts.append("")
    return "\n".join(parts)


def _row(line: Line) -> str:
    arrow = "←" if line.direction == "in" else "→"
    cells = (line.field, arrow, line.media, f"`{line.path}`", line.steps, line.mapping)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
