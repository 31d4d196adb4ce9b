"""What questions are about, in the names people know the records by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from hub.checks.names import called
from hub.decisions import ids_of
from hub.model.spec import entities
from hub.reader import Reader
from hub.render import Record

# what a proposal refers to beside its own records
_BESIDE: Mapping[str, str] = MappingProxyType({"enrollment": "Enrollment", "visit_def": "VisitDef"})
_TAIL = 6  # characters of an id that tell records without a name apart


def add_records(reader: Reader, questions: Sequence[Record]) -> None:
    """Puts `records` to each question: entity, id and name of every record it is about, its own
    first. A name is never personal; a record without one is named by who knows it."""
    meant = [list(_meant(question["proposal"])) for question in questions]
    by_entity: dict[str, set[str]] = {}
    for entity, one in (each for some in meant for each in some):
        by_entity.setdefault(entity, set()).add(one)
    names: dict[str, str] = {}
    for entity, ids in by_entity.items():
        names |= _names(reader, entity, sorted(ids))
    for question, some in zip(questions, meant, strict=True):
        question["records"] = [{"entity": e, "id": one, "name": names[one]} for e, one in some]


def _meant(proposal: Record) -> Iterator[tuple[str, str]]:
    entity = str(proposal.get("entity"))
    if entity in entities():
        yield from ((entity, one) for one in ids_of(proposal))
    for name, other in _BESIDE.items():
        if proposal.get(name):
            yield other, str(proposal[name])


def _names(reader: Reader, entity: str, ids: Sequence[str]) -> dict[str, str]:
    found = _nameless(reader, ids)
    found |= _subjects(reader, ids) if entity == "Participant" else called(reader, entity, ids)
    spec = entities()[entity]
    if entity != "Enrollment" and "enrollment" in spec.fields and not spec.sealed:
        rows = reader.session.among(
            f"select id, enrollment_id from {spec.table.name} where enrollment_id is not null "
            "and id in {members}",
            ids,
        )
        whose = called(reader, "Enrollment", sorted({row[1] for row in rows}))
        found |= {one: f"{found[one]} of {whose[of]}" for one, of in rows if of in whose}
    return found


def _subjects(reader: Reader, ids: Sequence[str]) -> dict[str, str]:
    """Of participants: the subjects that they are, each with its study."""
    rows = reader.session.among(
        "select participant_id, id, study_id from enrollment where participant_id in {members}",
        ids,
    )
    numbers = called(reader, "Enrollment", [row[1] for row in rows])
    studies = called(reader, "Study", sorted({row[2] for row in rows if row[2]}))
    found: dict[str, list[str]] = {}
    for one, enrollment, study in sorted(row for row in rows if row[1] in numbers):
        words = studies.get(study or "", ""), numbers[enrollment]
        found.setdefault(one, []).append(" ".join(filter(None, words)))
    return {one: " and ".join(said) for one, said in found.items()}


def _nameless(reader: Reader, ids: Sequence[str]) -> dict[str, str]:
    """…3fa2bc (ehr, edc)"""
    rows = reader.session.among(
        "select distinct entity_id, system from xref where entity_id in {members}", ids
    )
    systems: dict[str, list[str]] = {}
    for one, system in sorted(rows):
        systems.setdefault(one, []).append(system)
    return {one: f"…{one[-_TAIL:]} ({', '.join(systems.get(one, ['nobody']))})" for one in ids}
