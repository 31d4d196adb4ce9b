"""An inbound mapping as it was written, checked and with its places: what is compiled, drawn and
documented."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mappings.mistakes import Mark

Policy = Literal["leave out", "refuse", "keep native"]
POLICIES: tuple[Policy, ...] = ("leave out", "refuse", "keep native")


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """One step of `then:`."""

    name: str
    argument: str
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Where one value comes from and what is done to it.

    Exactly one of `paths` (the first that has a value counts), `const`, `join` and `call` is set.
    """

    mark: Mark
    paths: tuple[str, ...] = ()
    const: str | None = None
    join: tuple[Rule, ...] = ()
    joiner: str = " "
    whole: bool = False  # a join in which a part is absent is absent: for keys
    call: str = ""
    arguments: tuple[tuple[str, str], ...] = ()
    each: str = ""
    then: tuple[Applied, ...] = ()
    unknown: frozenset[str] = frozenset()  # raw values that say "not known"
    removed: frozenset[str] = frozenset()  # raw values that say "no value any more"
    ignore: frozenset[str] = frozenset()  # raw values that say nothing
    refers: str = ""
    by: str = ""  # identifier type; "" = by this system's own key
    assigner: Rule | None = None
    on_bad: Policy = "leave out"

    @property
    def place(self) -> str:
        """How a complaint names the source."""
        if self.call:
            return f"call {self.call}"
        if self.join:
            return " + ".join(rule.place for rule in self.join)
        named = " | ".join(self.paths) or "const"
        return f"{self.each} {named}" if self.each else named

    def sources(self) -> Iterator[str]:
        """Every path this rule reads."""
        yield from self.paths
        if self.each:
            yield self.each
        for rule in (*self.join, *([self.assigner] if self.assigner else [])):
            yield from rule.sources()


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """One condition. `values` hold the texts it may (`negated`: may not) have; without values
    `negated` asks for absence, else for presence."""

    path: str
    values: frozenset[str]
    negated: bool
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Identify:
    """Identifiers of one thing: one, or one for every element of `each`."""

    mark: Mark
    type: Rule
    value: Rule
    system: Rule | None
    since: Rule | None = None
    until: Rule | None = None
    each: str = ""

    def sources(self) -> Iterator[str]:
        if self.each:
            yield self.each
        for rule in (self.type, self.value, self.system, self.since, self.until):
            if rule:
                yield from rule.sources()


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """One statement, or one for every element of `each`. `entity` is the canonical name, `label`
    tells two statements about one entity apart."""

    mark: Mark
    entity: str
    label: str
    key: Rule
    fields: dict[str, Rule]
    identifiers: tuple[Identify, ...] = ()
    each: str = ""
    when: tuple[Test, ...] = ()
    at: Rule | None = None
    version: Rule | None = None
    complete: bool = False

    def sources(self) -> Iterator[str]:
        if self.each:
            yield self.each
        yield from (test.path for test in self.when)
        for rule in (self.key, self.at, self.version, *self.fields.values()):
            if rule:
                yield from rule.sources()
        for identify in self.identifiers:
            yield from identify.sources()


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """`gone:` the source no longer has it."""

    mark: Mark
    entity: str
    key: Rule
    each: str = ""
    when: tuple[Test, ...] = ()
    at: Rule | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Same:
    """`same_as:` two keys are one thing; `withdrawn` takes it back. `linked`: one thing in two
    records that stay two."""

    mark: Mark
    entity: str
    kept: Rule
    retired: Rule
    withdrawn: bool = False
    linked: bool = False
    each: str = ""
    when: tuple[Test, ...] = ()
    at: Rule | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A message and the statements that it must give, both as files."""

    given: Path
    expect: Path
    system: str
    timezone: str
    authority: str
    said: Literal["said", "gone"]
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One inbound mapping file, what it includes taken in."""

    name: str  # "hl7v2/participant"
    file: Path
    reads: str
    parameters: dict[str, str] = field(default_factory=dict)  # with the values they have
    prefixes: tuple[tuple[str, str], ...] = ()
    when: tuple[Test, ...] = ()
    needs: tuple[str, ...] = ()  # paths without which the message cannot be understood
    things: tuple[Thing, ...] = ()
    gone: tuple[Leaving, ...] = ()
    same: tuple[Same, ...] = ()
    cases: tuple[Case, ...] = ()

    def sources(self) -> Iterator[str]:
        """Every path that any rule reads."""
        yield from (test.path for test in self.when)
        yield from self.needs
        for thing in self.things:
            yield from thing.sources()
        for leaving in self.gone:
            yield from (*leaving.key.sources(), *(test.path for test in leaving.when))
        for same in self.same:
            yield from (*same.kept.sources(), *same.retired.sources())
            yield from (test.path for test in same.when)
