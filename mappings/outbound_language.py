"""Reads an outbound mapping: which canonical change is said, to whom it speaks, in what words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from connectors.formats import er7_path
from hub.model.spec import EntitySpec, entities
from mappings import canonical, document, parameters, shapes
from mappings.document import Many, Node, Table
from mappings.mistakes import Mistakes, one_of
from mappings.rules import Reader, read_rule
from mappings.setting import Setting
from mappings.spec import Rule
from mappings.values import BadPath

EVENT = "application/cloudevents+json"
WRITES = ("hl7v2", "application/fhir+json", "application/json", EVENT, "text/csv;row")
_UNSAID = ("version", "type", "source", "subject")  # what a body may leave to its default
_TOP = (
    "when", "news", "parameters", "writes", "stream", "needs", "requires", "matches", "target",
    "answers",
)  # fmt: skip
_MATCHES = {"planned_visit": "ParticipantVisit"}  # what may be looked for, and of what
_BODY = {
    "hl7v2": ("message", "version", "fields"),
    "application/fhir+json": ("resource",),
    "application/json": ("resource",),
    EVENT: ("resource", "type", "source", "subject"),
    "text/csv;row": ("columns",),
}
_SOURCES = frozenset({"path", "paths", "const", "join", "call"})
_RULE_KEYS = _SOURCES.union(
    ("then", "with", "joiner", "whole", "on_bad", "unknown", "removed", "ignore")
)

# A JSON body with rules for leaves.
Shape = Rule | list["Shape"] | dict[str, "Shape"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A condition on one field of the version: it is one of `values`, or has a value where there
    are none. `now`: it was not so in the version before. `stays`: it was. `lacks`: it has no value.
    With `beyond` it is about what other records say now; of a list one value is enough."""

    field: str
    values: frozenset[str]
    now: bool
    stays: bool = False
    lacks: bool = False
    beyond: canonical.Step | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One outbound mapping file. `fields` are an HL7 message's or a row's, by path or column."""

    name: str
    file: Path
    entity: str
    writes: str
    stream: str
    parameters: dict[str, str] = field(default_factory=dict)  # with the values they have
    when: tuple[Change, ...] = ()
    # of a version that follows one that was to be said: which fields' changes are; none: all
    news: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()  # references that the target must know first
    requires: tuple[Rule, ...] = ()
    matches: str = ""  # what must be found to be one and certain, else a person decides
    target: dict[str, Rule] = field(default_factory=dict)
    message: str = ""
    version: str = "2.5.1"
    fields: dict[str, Rule] = field(default_factory=dict)
    resource: Shape | None = None
    type: str = ""  # of an event
    source: str = ""
    subject: Rule | None = None
    # the target's keys, {} for the id that it answers with: by "key" or a reference of the record
    keys: dict[str, str] = field(default_factory=dict)


def read_outgoing(path: Path, name: str, setting: Setting, mistakes: Mistakes) -> Outgoing | None:
    """The outbound mapping in the file at `path`; None, or one not fit for use, with mistakes."""
    top = document.read(path, mistakes)
    if top is None:
        return None
    values = parameters.values_of(top, setting.context.parameters, mistakes)
    top = parameters.filled(top, values, mistakes)
    writes = shapes.choice_of(top.items.get("writes"), WRITES, "", mistakes)
    if not writes:
        mistakes.add(top, "an outbound mapping without writes", one_of("", WRITES))
        return None
    shapes.only(top, (*_TOP, *_BODY[writes]), mistakes, f"a mapping that writes {writes}")
    entity, when = _when(top, mistakes)
    if entity is None:
        return None
    reader = Reader(
        medium=canonical.medium(entity), setting=setting, mistakes=mistakes, policy="refuse"
    )
    message = shapes.text_of(top.items.get("message"), mistakes, "a message type: ADT^A08")
    stream = shapes.text_of(top.items.get("stream"), mistakes, "the name of a stream")
    outgoing = Outgoing(
        name=name,
        file=path,
        entity=entity.name,
        writes=writes,
        parameters=values,
        stream=stream or message.partition("^")[0] or entity.name,
        when=when,
        news=_news(top.items.get("news"), entity, mistakes),
        needs=_needs(top.items.get("needs"), entity, mistakes),
        requires=tuple(_requires(top.items.get("requires"), reader)),
        matches=_matches(top.items.get("matches"), entity, mistakes),
        target=_rules(top.items.get("target"), reader, "target"),
        message=message,
        version=shapes.text_of(top.items.get("version"), mistakes, "2.5.1") or "2.5.1",
        fields=_rules(top.items.get("fields" if message else "columns"), reader, "fields"),
        resource=_shape(top.items["resource"], reader) if "resource" in top.items else None,
        keys=_keys(top.items.get("answers"), entity, mistakes),
        **_event(top, entity.name, reader),
    )
    _check_body(outgoing, top, mistakes)
    return outgoing


def _check_body(outgoing: Outgoing, top: Table, mistakes: Mistakes) -> None:
    for needed in _BODY[outgoing.writes]:
        if needed not in top.items and needed not in _UNSAID:
            mistakes.add(top, f"no {needed}", f"{needed}: for {outgoing.writes}")
    if outgoing.writes != "hl7v2":
        return
    fields = top.items.get("fields")
    for path, mark in fields.keys.items() if isinstance(fields, Table) else ():
        try:
            er7_path.parse(path)
        except ValueError as error:
            mistakes.add(mark, str(error), "an HL7 path such as PID-3[1].1")


def _event(top: Table, entity: str, reader: Reader) -> dict[str, Any]:
    """What an event says of itself beside its data."""
    subject = top.items.get("subject")
    said = {
        name: shapes.text_of(top.items.get(name), reader.mistakes, f"the {name} of the events")
        for name in ("type", "source")
    }
    return {
        "type": said["type"] or f"crohub.{entity}.changed",
        "source": said["source"] or "crohub",
        "subject": read_rule(subject, reader, what="subject") if subject else None,
    }


def _when(top: Table, mistakes: Mistakes) -> tuple[EntitySpec | None, tuple[Change, ...]]:
    table = shapes.table_of(top.items.get("when"), mistakes, "entity and conditions")
    if table is None or "entity" not in table.items:
        mistakes.add(table or top, "no entity to speak of", "when: {entity: …}")
        return None, ()
    node = table.items["entity"]
    name = shapes.text_of(node, mistakes, "an entity")
    entity = entities().get(name)
    if entity is None:
        mistakes.add(node, f"the entity {name!r}", one_of(name, entities()))
        return None, ()
    conditions = {key: value for key, value in table.items.items() if key != "entity"}
    changes: list[Change] = []
    for key, value in conditions.items():
        spec = entity.fields.get(key)
        if spec is None:
            changes += _beyond(key, value, table, entity, mistakes)
            continue
        change = _change(key, value, mistakes)
        for code in sorted(change.values - set(spec.meta.codes)) if spec.meta.codes else ():
            mistakes.add(value, f"the code {code!r}", one_of(code, spec.meta.codes))
        changes.append(change)
    return entity, tuple(changes)


def _beyond(
    path: str, node: Node, table: Table, entity: EntitySpec, mistakes: Mistakes
) -> Iterator[Change]:
    """A condition on what a path of several steps leads to."""
    try:
        find = canonical.compile_path(path, entity)
    except BadPath as error:
        mistakes.add(table.keys[path], error.found, error.expected)
        return
    change = _change(path, node, mistakes)
    if change.now or change.stays:
        mistakes.add(node, "a change of another record", "values, or known")
        return
    yield replace(change, beyond=find)


def _change(name: str, node: Node, mistakes: Mistakes) -> Change:
    if not isinstance(node, Table):
        values = frozenset(shapes.texts_of(node, mistakes, "values"))
        return Change(field=name, values=values, now=False)
    shapes.only(node, ("becomes", "stays", "changes", "known"), mistakes, "a condition")
    if "changes" in node.items:
        shapes.choice_of(node.items["changes"], ("true",), "true", mistakes)
        return Change(field=name, values=frozenset(), now=True)
    if "known" in node.items:
        known = shapes.choice_of(node.items["known"], ("true", "false"), "true", mistakes)
        return Change(field=name, values=frozenset(), now=False, lacks=known == "false")
    stays = "stays" in node.items
    said = node.items.get("stays" if stays else "becomes")
    values = frozenset(shapes.texts_of(said, mistakes, "values"))
    if not values:
        mistakes.add(node, "a condition that says nothing", "becomes: [values] or changes: true")
    return Change(field=name, values=values, now=not stays, stays=stays)


def _needs(node: Node | None, entity: EntitySpec, mistakes: Mistakes) -> tuple[str, ...]:
    if node is None:
        return ()
    names = tuple(shapes.texts_of(node, mistakes, "references of the record, such as study"))
    for name in names:
        _referred(name, node, entity, mistakes)
    return names


def _news(node: Node | None, entity: EntitySpec, mistakes: Mistakes) -> tuple[str, ...]:
    if node is None:
        return ()
    names = tuple(shapes.texts_of(node, mistakes, "fields of the record"))
    for name in names:
        if name not in entity.fields:
            found = f"{entity.name} has no {name!r}"
            mistakes.add(node, found, one_of(name, entity.fields))
    return names


def _matches(node: Node | None, entity: EntitySpec, mistakes: Mistakes) -> str:
    known = [name for name, of in _MATCHES.items() if of == entity.name]
    return shapes.choice_of(node, known, "", mistakes)


def _keys(node: Node | None, entity: EntitySpec, mistakes: Mistakes) -> dict[str, str]:
    """`answers: {key: "Appointment/{}"}`: what the target answers with names the record, or what
    it refers to."""
    table = shapes.table_of(node, mistakes, "key: with {} for the id that the target answers with")
    found: dict[str, str] = {}
    for name, value in table.items.items() if table else ():
        if name != "key":
            _referred(name, value, entity, mistakes)
        found[name] = shapes.text_of(value, mistakes, "{} or a text around it")
        if found[name].count("{}") != 1:
            mistakes.add(value, f"the key {found[name]!r}", "{} in it once, as in Appointment/{}")
    return found


def _referred(name: str, node: Node, entity: EntitySpec, mistakes: Mistakes) -> None:
    try:
        canonical.compile_reference(name, entity)
    except BadPath as error:
        mistakes.add(node, error.found, error.expected)


def _requires(node: Node | None, reader: Reader) -> Iterator[Rule]:
    if node is None:
        return
    for item in node.items if isinstance(node, Many) else (node,):
        rule = read_rule(item, reader, what="requires")
        if rule:
            yield rule


def _rules(node: Node | None, reader: Reader, what: str) -> dict[str, Rule]:
    table = shapes.table_of(node, reader.mistakes, "names with canonical paths")
    found: dict[str, Rule] = {}
    for name, value in table.items.items() if table else ():
        rule = read_rule(value, reader, what=f"{what} {name}")
        if rule:
            found[name] = rule
    return found


def _shape(node: Node, reader: Reader) -> Shape:
    if isinstance(node, Many):
        return [_shape(item, reader) for item in node.items]
    if isinstance(node, Table) and not _is_rule(node):
        return {name: _shape(value, reader) for name, value in node.items.items()}
    return read_rule(node, reader, what="resource") or Rule(mark=node.mark, const="")


def _is_rule(table: Table) -> bool:
    return bool(_SOURCES & table.items.keys()) and table.items.keys() <= _RULE_KEYS
