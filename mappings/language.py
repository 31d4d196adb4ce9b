"""Reads an inbound mapping file into its specification, noting every mistake with its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from hub.model.spec import EntitySpec, entities
from mappings import case_list, document, parameters, shapes
from mappings.document import Many, Node, Table, Text
from mappings.media import choose
from mappings.mistakes import Mark, Mistakes, one_of
from mappings.rules import Reader, checked, gives, read_field, read_rule
from mappings.setting import Setting
from mappings.spec import Identify, Leaving, Rule, Same, Spec, Test, Thing

_TOP = (
    "reads", "parameters", "prefixes", "include", "when", "needs", "states", "gone", "same_as",
    "cases",
)  # fmt: skip
_INCLUDED = ("include", "states", "gone", "same_as")
_THING = ("key", "identifiers", "each", "when", "at", "version", "complete")
_LEAVING = ("key", "each", "when", "at")
_SAME = ("kept", "retired", "withdrawn", "linked", "each", "when", "at")
_NEVER = Rule(mark=Mark(""), const="")  # stands where a mistake was noted


def read_spec(path: Path, name: str, setting: Setting, mistakes: Mistakes) -> Spec | None:
    """The mapping in the file at `path`; None, or one not fit for use, with mistakes noted."""
    top = document.read(path, mistakes)
    if top is None:
        return None
    shapes.only(top, _TOP, mistakes, "a mapping")
    values = parameters.values_of(top, setting.context.parameters, mistakes)
    top = parameters.filled(top, values, mistakes)
    reads = shapes.text_of(top.items.get("reads"), mistakes, "a medium")
    prefixes = _prefixes(top, mistakes)
    medium = choose.medium(reads, prefixes=dict(prefixes))
    if medium is None:
        mistakes.add(top.items.get("reads") or top, f"reads: {reads}", choose.EXPECTED)
        return None
    reader = Reader(medium=medium, setting=setting, mistakes=mistakes)
    spec = Spec(
        name=name,
        file=path,
        reads=reads,
        parameters=values,
        prefixes=prefixes,
        when=_tests(top.items.get("when"), reader),
        needs=tuple(_needs(top.items.get("needs"), reader)),
        cases=tuple(case_list.read_cases(top.items.get("cases"), path.parent, mistakes)),
    )
    spec = _said(spec, top, reader, [path])
    if not (spec.things or spec.gone or spec.same) and not mistakes.found:
        mistakes.add(top, "a mapping that says nothing", "states, gone or same_as")
    return spec


def _said(spec: Spec, top: Table, reader: Reader, chain: list[Path]) -> Spec:
    """`spec` with what the file at the end of `chain` and the files it includes say."""
    things = {_full(thing): thing for thing in spec.things}
    for thing in _things(top.items.get("states"), reader):
        if _full(thing) in things:
            found = f"a second statement about {_full(thing)}"
            reader.mistakes.add(thing, found, "a label that tells them apart: Entity#label")
        things[_full(thing)] = thing
    spec = replace(
        spec,
        things=tuple(things.values()),
        gone=(*spec.gone, *_gone(top.items.get("gone"), reader)),
        same=(*spec.same, *_same(top.items.get("same_as"), reader)),
    )
    for node in _included(top.items.get("include"), reader):
        spec = _include(spec, node, reader, chain)
    return spec


def _full(thing: Thing) -> str:
    return f"{thing.entity}#{thing.label}" if thing.label else thing.entity


def _included(node: Node | None, reader: Reader) -> Iterator[Text]:
    if node is None:
        return
    for item in node.items if isinstance(node, Many) else (node,):
        if isinstance(item, Text) and item.value:
            yield item
        else:
            reader.mistakes.add(item, shapes.shape(item), "the path of a file to include")


def _include(spec: Spec, node: Text, reader: Reader, chain: list[Path]) -> Spec:
    path = chain[-1].parent / node.value
    if path.resolve() in {known.resolve() for known in chain}:
        reader.mistakes.add(node, f"{node.value}, which includes itself", "no circle of includes")
        return spec
    if not path.is_file():
        reader.mistakes.add(node, f"no file {node.value}", "a file beside this one")
        return spec
    top = document.read(path, reader.mistakes)
    if top is None:
        return spec
    shapes.only(top, _INCLUDED, reader.mistakes, "an included file")
    top = parameters.filled(top, spec.parameters, reader.mistakes)
    return _said(spec, top, reader, [*chain, path])


def _prefixes(top: Table, mistakes: Mistakes) -> tuple[tuple[str, str], ...]:
    table = shapes.table_of(top.items.get("prefixes"), mistakes, "prefix: namespace")
    items = table.items.items() if table else ()
    return tuple((key, shapes.text_of(node, mistakes, "a namespace")) for key, node in items)


# -- conditions


def _needs(node: Node | None, reader: Reader) -> Iterator[str]:
    for item in node.items if isinstance(node, Many) else () if node is None else (node,):
        path = shapes.text_of(item, reader.mistakes, "a path that must have a value")
        if path.startswith("."):
            reader.mistakes.add(item, f"the path {path!r} outside each", "one into the document")
        elif path and checked(reader.medium.one, path, item.mark, reader.mistakes):
            yield path


def _tests(node: Node | None, reader: Reader) -> tuple[Test, ...]:
    table = shapes.table_of(node, reader.mistakes, "paths with the values they must have")
    if table is None:
        return ()
    for path, mark in table.keys.items():
        checked(reader.medium.one, path, mark, reader.mistakes)
    return tuple(_test(path, wanted, reader) for path, wanted in table.items.items())


def _test(path: str, node: Node, reader: Reader) -> Test:
    mistakes = reader.mistakes
    if not isinstance(node, Table):
        values = frozenset(shapes.texts_of(node, mistakes, "a value, or {is: present}"))
        return Test(path=path, values=values, negated=False, mark=node.mark)
    shapes.only(node, ("is", "not"), mistakes, "a condition")
    if "not" in node.items:
        values = frozenset(shapes.texts_of(node.items["not"], mistakes, "values"))
        return Test(path=path, values=values, negated=True, mark=node.mark)
    said = shapes.choice_of(node.items.get("is"), ("present", "absent"), "present", mistakes)
    if "is" not in node.items:
        mistakes.add(node, "a condition that says nothing", "is: present, is: absent or not: …")
    return Test(path=path, values=frozenset(), negated=said == "absent", mark=node.mark)


# -- statements


def _entity(name: str, mark: Mark, mistakes: Mistakes) -> tuple[EntitySpec | None, str]:
    entity, _, label = name.partition("#")
    known = entities().get(entity)
    if known is None:
        mistakes.add(mark, f"the entity {entity!r}", one_of(entity, entities()))
    return known, label


def _things(node: Node | None, reader: Reader) -> Iterator[Thing]:
    table = shapes.table_of(node, reader.mistakes, "entities with their fields")
    for name, body in table.items.items() if table else ():
        entity, label = _entity(name, table.keys[name] if table else body.mark, reader.mistakes)
        rules = shapes.table_of(body, reader.mistakes, "fields with their paths")
        if entity and rules:
            yield _thing(entity, label, rules, reader)


def _thing(entity: EntitySpec, label: str, rules: Table, reader: Reader) -> Thing:
    mistakes, items = reader.mistakes, rules.items
    return Thing(
        mark=rules.mark,
        entity=entity.name,
        label=label,
        key=_needed("key", rules, entity.name, reader),
        fields=_fields(entity, rules, reader),
        identifiers=tuple(_identifiers(items.get("identifiers"), entity, reader)),
        each=_each(rules, reader),
        when=_tests(items.get("when"), reader),
        at=_moment(rules, reader),
        version=_optional("version", rules, reader),
        complete=_yes("complete", rules, mistakes),
    )


def _fields(entity: EntitySpec, rules: Table, reader: Reader) -> dict[str, Rule]:
    found: dict[str, Rule] = {}
    for name, node in rules.items.items():
        if name in _THING and name not in entity.fields:
            continue
        field = entity.fields.get(name)
        if field is None:
            expected = one_of(name, [*entity.fields, *_THING])
            reader.mistakes.add(rules.keys[name], f"{entity.name} has no {name!r}", expected)
            continue
        rule = read_field(node, field, entity, reader)
        if rule:
            found[name] = rule
    return found


def _needed(name: str, rules: Table, entity: str, reader: Reader) -> Rule:
    node = rules.items.get(name)
    if node is None:
        reader.mistakes.add(rules, f"{entity} without {name}", f"{name}: a path")
        return _NEVER
    return read_rule(node, reader, what=name) or _NEVER


def _optional(name: str, rules: Table, reader: Reader) -> Rule | None:
    node = rules.items.get(name)
    return read_rule(node, reader, what=name) if node else None


def _moment(rules: Table, reader: Reader) -> Rule | None:
    rule = _optional("at", rules, reader)
    if rule and gives(rule) not in ("raw", "text", "instant"):
        reader.mistakes.add(rule, f"at: a {gives(rule)}", "a path, read as a moment")
    return rule


def _each(rules: Table, reader: Reader) -> str:
    node = rules.items.get("each")
    each = shapes.text_of(node, reader.mistakes, "a path to several elements")
    if node and each:
        checked(reader.medium.each, each, node.mark, reader.mistakes)
    return each


def _yes(name: str, rules: Table, mistakes: Mistakes) -> bool:
    return shapes.choice_of(rules.items.get(name), ("true", "false"), "false", mistakes) == "true"


_IDENTIFIER = ("each", "is", "type", "value", "system", "since", "until")


def _identifiers(node: Node | None, entity: EntitySpec, reader: Reader) -> Iterator[Identify]:
    for table in shapes.tables_of(node, reader.mistakes, "a table with type or is, and value"):
        shapes.only(table, _IDENTIFIER, reader.mistakes, "identifiers")
        yield Identify(
            mark=table.mark,
            type=_type(table, entity, reader),
            value=_needed("value", table, "an identifier", reader),
            system=_optional("system", table, reader),
            since=_optional("since", table, reader),
            until=_optional("until", table, reader),
            each=_each(table, reader),
        )


def _type(table: Table, entity: EntitySpec, reader: Reader) -> Rule:
    if "is" not in table.items:
        return _needed("type", table, "an identifier", reader)
    node = table.items["is"]
    said = shapes.text_of(node, reader.mistakes, "an identifier type")
    if said and said not in entity.identifiers:
        expected = one_of(said, entity.identifiers)
        reader.mistakes.add(node, f"{entity.name} has no identifier {said!r}", expected)
    if "type" in table.items:
        reader.mistakes.add(table, "both is and type", "one of them")
    return Rule(mark=node.mark, const=said)


def _gone(node: Node | None, reader: Reader) -> Iterator[Leaving]:
    for entity, rules in _named(node, _LEAVING, reader):
        yield Leaving(
            mark=rules.mark,
            entity=entity.name,
            key=_needed("key", rules, entity.name, reader),
            each=_each(rules, reader),
            when=_tests(rules.items.get("when"), reader),
            at=_moment(rules, reader),
        )


def _same(node: Node | None, reader: Reader) -> Iterator[Same]:
    for entity, rules in _named(node, _SAME, reader):
        yield Same(
            mark=rules.mark,
            entity=entity.name,
            kept=_needed("kept", rules, entity.name, reader),
            retired=_needed("retired", rules, entity.name, reader),
            withdrawn=_yes("withdrawn", rules, reader.mistakes),
            linked=_yes("linked", rules, reader.mistakes),
            each=_each(rules, reader),
            when=_tests(rules.items.get("when"), reader),
            at=_moment(rules, reader),
        )


def _named(
    node: Node | None, allowed: tuple[str, ...], reader: Reader
) -> Iterator[tuple[EntitySpec, Table]]:
    table = shapes.table_of(node, reader.mistakes, "entities with their keys")
    for name, body in table.items.items() if table else ():
        entity, _ = _entity(name, table.keys[name] if table else body.mark, reader.mistakes)
        rules = shapes.table_of(body, reader.mistakes, "a table with the key")
        if entity and rules:
            shapes.only(rules, allowed, reader.mistakes, entity.name)
            yield entity, rules
