"""Several mappings on one message: the body is read once, and every mapping that fits speaks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.formats.tables import MEDIA as ROW
from connectors.record import Record
from hub.model.spec import entities
from hub.statement import Complaint, Meaning
from mappings import calls
from mappings.choosing import Choose, choice
from mappings.compile import Workshop
from mappings.media import choose
from mappings.media.medium import Medium
from mappings.setting import Setting
from mappings.spec import Rule, Spec
from mappings.statements import Program, Said, program
from mappings.values import BadPath

_EMPTY = Meaning()


@dataclass(frozen=True, slots=True)
class Desk:
    """The mappings that share one reading of a body."""

    medium: Medium
    programs: tuple[Program, ...]
    fitting: Choose  # the numbers of those that fit
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reader:
    """Pure: the same record gives the same meaning, in the order of the mappings."""

    desks: dict[str, tuple[Desk, ...]]

    def __call__(self, record: Record) -> Meaning:
        """All that `record` means; empty where no mapping fits it.

        Raises NotUnderstood for a body that is not its medium and where a policy refuses.
        """
        desks = self._desks(record.media)
        if not desks:
            return _EMPTY
        said = Said()
        for desk in desks:
            _understand(desk, record, said)
        return Meaning(statements=tuple(said.statements), complaints=tuple(said.complaints))

    def _desks(self, media: str) -> tuple[Desk, ...]:
        # A row's media may go on with its delimiter and encoding, which reading it needs.
        found = self.desks.get(media)
        if found is None and media.startswith(ROW):
            return self.desks.get(ROW, ())
        return found or ()

    def fits(self, record: Record) -> list[str]:
        """The names of the mappings that would speak for `record`."""
        found: list[str] = []
        for desk in self._desks(record.media):
            document = desk.medium.read(record.body, record.media)
            found += [desk.programs[number].name for number in desk.fitting(document)]
        return found

    def unread(self, record: Record) -> list[str]:
        """Places of `record` that hold data and that no mapping of its medium reads. Slow beside
        the mapping itself: for samples and for the workbench."""
        desks = self._desks(record.media)
        left: list[set[str]] = []
        for desk in desks:
            document = desk.medium.read(record.body, record.media)
            left.append(set(desk.medium.unread(document, desk.paths)))
        common = set.intersection(*left) if left else set()
        first = desks[0].medium.unread(document, desks[0].paths) if desks else []
        return [place for place in first if place in common]


def _understand(desk: Desk, record: Record, said: Said) -> None:
    document = desk.medium.read(record.body, record.media)
    for note in desk.medium.notes(document):
        said.complaints.append(Complaint(rule="encoding", place="body", expected=note))
    gone = record.said == "gone"
    for number in desk.fitting(document):
        one = desk.programs[number]
        for say in one.gone if gone else one.said:
            say(document, said)


def reader(specs: Iterable[Spec], setting: Setting) -> Reader:
    """One reader for all of `specs`, compiled for one connection."""
    shared: dict[tuple[Any, ...], list[Spec]] = {}
    for spec in specs:
        shared.setdefault((spec.reads, spec.prefixes), []).append(spec)
    desks: dict[str, tuple[Desk, ...]] = {}
    for (reads, *_), group in shared.items():
        desks[reads] = (*desks.get(reads, ()), _desk(group, setting))
    return Reader(desks)


def _desk(specs: Sequence[Spec], setting: Setting) -> Desk:
    one = specs[0]
    medium = choose.medium(
        one.reads,
        prefixes=dict(one.prefixes),
        exact=any(_has_decimal(spec) for spec in specs),
        authority=setting.context.authority,
    )
    if medium is None:  # read_spec lets no such mapping through
        raise BadPath(f"reads: {one.reads}", choose.EXPECTED)
    shop = Workshop(medium=medium, setting=setting)
    paths = tuple(path for spec in specs for path in sources(spec))
    fitting = choice([spec.when for spec in specs], medium)
    return Desk(medium, tuple(program(spec, shop) for spec in specs), fitting, paths)


def _has_decimal(spec: Spec) -> bool:
    known = entities()
    return any(
        known[thing.entity].fields[name].meta.kind == "decimal"
        for thing in spec.things
        for name in thing.fields
    )


def sources(spec: Spec) -> Iterable[str]:
    """Every source path a mapping reads, those of its functions included."""
    yield from spec.sources()
    for thing in spec.things:
        for rule in thing.fields.values():
            yield from called(rule)


def called(rule: Rule) -> tuple[str, ...]:
    """The paths that a rule's function says it reads."""
    return calls.functions()[rule.call].reads if rule.call else ()
