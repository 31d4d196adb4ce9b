"""Reads one rule of a mapping: where a value comes from, what is done to it, where it fits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import get_args

from hub.model.base import Kind
from hub.model.spec import EntitySpec, FieldSpec, entities
from mappings import calls, references, shapes, times, transforms
from mappings.document import Many, Node, Table, Text
from mappings.media.medium import Medium
from mappings.mistakes import Mark, Mistakes, one_of
from mappings.setting import Setting
from mappings.spec import POLICIES, Applied, Policy, Rule
from mappings.transforms import Gives
from mappings.values import BadPath

# What a field of a kind can be made from; text is read further by the field's own transform.
_FITS: dict[str, tuple[Gives, ...]] = {
    "text": ("raw", "text", "code", "date", "instant", "integer", "decimal"),
    "texts": ("raw", "text", "code", "date", "instant", "integer", "decimal", "list"),
    "code": ("raw", "text", "code"),
    "date": ("raw", "text", "date"),
    "instant": ("raw", "text", "instant", "date"),
    "integer": ("raw", "text", "integer"),
    "decimal": ("raw", "text", "integer", "decimal"),
    "flag": ("raw", "text", "flag"),
    "ref": ("raw", "text", "code", "integer"),
}
KINDS = get_args(Kind)
_SOURCES = ("path", "paths", "const", "join", "call")
_COMMON = (
    *_SOURCES,
    "then",
    "with",
    "joiner",
    "whole",
    "each",
    "unknown",
    "removed",
    "ignore",
    "on_bad",
)
_EXPECTED = "a path, a list of paths, or a table with path, const, join or call"
# Registering happens on import; a mapping may name these without anyone importing them.
_REGISTERED = (times, references)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """What reading a rule needs to know: the medium for paths, the setting for code tables."""

    medium: Medium
    setting: Setting
    mistakes: Mistakes
    policy: Policy = POLICIES[0]  # where a rule states none


def read_rule(node: Node, reader: Reader, *, what: str, more: tuple[str, ...] = ()) -> Rule | None:
    """The rule in `node`, or None with its mistakes noted. `more` are keys allowed beside."""
    if isinstance(node, Text | Many):
        paths = _paths(node, reader)
        return Rule(mark=node.mark, paths=paths) if paths else None
    shapes.only(node, (*_COMMON, *more), reader.mistakes, what)
    return _long(node, reader, what)


def read_field(node: Node, field: FieldSpec, entity: EntitySpec, reader: Reader) -> Rule | None:
    """`read_rule` for one field of an entity, with the field's kind checked against the steps."""
    more = ("refers", "by", "assigner") if field.meta.kind == "ref" else ()
    rule = read_rule(node, reader, what=f"{entity.name}.{field.name}", more=more)
    if rule is None:
        return None
    _check_kind(rule, field, reader)
    _check_codes(rule, field, reader)
    _check_policy(rule, field, entity, reader)
    if field.meta.kind != "ref":
        return rule
    return _refers(rule, node, field, reader)


def gives(rule: Rule) -> Gives:
    """What comes out of the rule's last step."""
    for step in reversed(rule.then):
        known = transforms.TRANSFORMS[step.name]
        if known.gives != "same":
            return known.gives
    if rule.call:
        return calls.functions()[rule.call].gives
    return "text" if rule.const is not None or rule.join else "raw"


def checked(compiler: Callable[[str], object], path: str, mark: Mark, mistakes: Mistakes) -> bool:
    """Does `path` compile? Notes a mistake when it does not."""
    try:
        compiler(path)
    except BadPath as bad:
        mistakes.add(mark, bad.found, bad.expected)
        return False
    return True


def _paths(node: Node, reader: Reader) -> tuple[str, ...]:
    paths = shapes.texts_of(node, reader.mistakes, _EXPECTED)
    items = node.items if isinstance(node, Many) else (node,)
    for item in items:
        if isinstance(item, Text) and item.value:
            checked(reader.medium.one, item.value, item.mark, reader.mistakes)
    return paths


def _long(table: Table, reader: Reader, what: str) -> Rule | None:
    named = [key for key in _SOURCES if key in table.items]
    if len(named) != 1:
        found = " and ".join(named) or "no source"
        reader.mistakes.add(table, f"{found} in {what}", "one of path, paths, const, join, call")
        return None
    rule = Rule(mark=table.mark, each=_each(table, reader), then=_steps(table, reader))
    rule = _SOURCE_OF[named[0]](rule, table, reader)
    policy = shapes.choice_of(table.items.get("on_bad"), POLICIES, reader.policy, reader.mistakes)
    said = {
        name: frozenset(shapes.texts_of(table.items.get(name), reader.mistakes, "texts"))
        for name in ("unknown", "removed", "ignore")
    }
    return replace(rule, on_bad=_policy(policy), **said)  # type: ignore[arg-type]


def _policy(text: str) -> Policy:
    return next(policy for policy in POLICIES if policy == text)


def _each(table: Table, reader: Reader) -> str:
    node = table.items.get("each")
    each = shapes.text_of(node, reader.mistakes, "a path to several elements")
    if node and each:
        checked(reader.medium.each, each, node.mark, reader.mistakes)
    return each


def _from_paths(rule: Rule, table: Table, reader: Reader) -> Rule:
    node = table.items.get("path") or table.items["paths"]
    return replace(rule, paths=_paths(node, reader))


def _from_const(rule: Rule, table: Table, reader: Reader) -> Rule:
    return replace(rule, const=shapes.text_of(table.items["const"], reader.mistakes, "a text"))


def _from_join(rule: Rule, table: Table, reader: Reader) -> Rule:
    node = table.items["join"]
    if not isinstance(node, Many):
        reader.mistakes.add(node, shapes.shape(node), "a list of paths or rules")
        return rule
    parts = [read_rule(item, reader, what="join") for item in node.items]
    joiner = table.items.get("joiner")
    return replace(
        rule,
        join=tuple(part for part in parts if part),
        joiner=joiner.value if isinstance(joiner, Text) else " ",
        whole=_whole(table, reader),
    )


def _whole(table: Table, reader: Reader) -> bool:
    said = shapes.choice_of(table.items.get("whole"), ("true", "false"), "false", reader.mistakes)
    return said == "true"


def _from_call(rule: Rule, table: Table, reader: Reader) -> Rule:
    node = table.items["call"]
    name = shapes.text_of(node, reader.mistakes, "the name of a function")
    given = shapes.table_of(table.items.get("with"), reader.mistakes, "names and texts")
    arguments = tuple(
        (key, shapes.text_of(value, reader.mistakes, "a text"))
        for key, value in (given.items.items() if given else ())
    )
    if not name:
        return rule
    try:
        calls.find(name, frozenset(key for key, _ in arguments))
    except BadPath as bad:
        reader.mistakes.add(node, bad.found, bad.expected)
        return replace(rule, const="")
    return replace(rule, call=name, arguments=arguments)


_SOURCE_OF: dict[str, Callable[[Rule, Table, Reader], Rule]] = {
    "path": _from_paths,
    "paths": _from_paths,
    "const": _from_const,
    "join": _from_join,
    "call": _from_call,
}


def _steps(table: Table, reader: Reader) -> tuple[Applied, ...]:
    return read_steps(table.items.get("then"), reader.setting, reader.mistakes)


def read_steps(node: Node | None, setting: Setting, mistakes: Mistakes) -> tuple[Applied, ...]:
    """The steps of `then:`, each checked to exist with its argument; wrong ones are left out."""
    if node is None:
        return ()
    steps: list[Applied] = []
    for item in node.items if isinstance(node, Many) else (node,):
        name, _, argument = shapes.text_of(item, mistakes, "the name of a transform").partition(" ")
        if not name:
            continue
        try:
            transforms.find(name, argument.strip()).make(argument.strip(), setting)
        except BadPath as bad:
            mistakes.add(item, bad.found, bad.expected)
            continue
        steps.append(Applied(name=name, argument=argument.strip(), mark=item.mark))
    return tuple(steps)


def _check_kind(rule: Rule, field: FieldSpec, reader: Reader) -> None:
    given = gives(rule)
    fits = _FITS[field.meta.kind]
    if given not in fits:
        wanted = sorted({kind for kind in fits if kind != "raw"})
        reader.mistakes.add(
            rule.then[-1].mark if rule.then else rule.mark,
            f"a {given} for {field.name}, which is of kind {field.meta.kind}",
            f"a transform that gives {' or '.join(wanted)}",
        )


def _check_codes(rule: Rule, field: FieldSpec, reader: Reader) -> None:
    allowed = field.meta.codes
    if not allowed:
        return
    if rule.const is not None and not rule.then and rule.const not in allowed:
        reader.mistakes.add(rule.mark, f"the code {rule.const!r}", one_of(rule.const, allowed))
    if not rule.then or rule.then[-1].name != "code":
        return
    table = reader.setting.codes.get(rule.then[-1].argument)
    for canonical, row in (table.canonicals() if table else {}).items():
        if canonical not in allowed:
            found = f"the canonical code {canonical!r} for {field.name}"
            reader.mistakes.add(row.mark, found, one_of(canonical, allowed))


def _check_policy(rule: Rule, field: FieldSpec, entity: EntitySpec, reader: Reader) -> None:
    if rule.on_bad != "keep native" or field.meta.kind == "text":
        return
    if f"{field.name}_native" not in entity.fields:
        expected = f"a text field, or one with a sibling {field.name}_native"
        reader.mistakes.add(rule.mark, f"'keep native' on {field.name}", expected)


def _refers(rule: Rule, node: Node, field: FieldSpec, reader: Reader) -> Rule:
    items = node.items if isinstance(node, Table) else {}
    of = field.meta.of
    refers = shapes.text_of(items.get("refers"), reader.mistakes, of) or of
    if refers != of:
        reader.mistakes.add(items["refers"], f"refers: {refers}", f"{of}, as the field says")
    by = shapes.text_of(items.get("by"), reader.mistakes, "an identifier type")
    target = entities().get(of)
    if by and target and by not in target.identifiers:
        reader.mistakes.add(items["by"], f"by: {by}", one_of(by, target.identifiers))
    assigner = items.get("assigner")
    if assigner and not by:
        reader.mistakes.add(assigner, "assigner without by", "by: the type of identifier")
    return replace(
        rule,
        refers=of,
        by=by,
        assigner=read_rule(assigner, reader, what="assigner") if assigner else None,
    )
