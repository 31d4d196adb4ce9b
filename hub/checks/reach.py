"""Which studies and people must be checked anew after records have changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hub.database import Session
from hub.model.spec import EntitySpec, entities

_FAR = 4  # references that are followed: allocation → receivable → visit → enrollment → study
# they belong to no study, however many refer to them
_PLACES = ("Person", "Organization", "Location", "Participant")


@dataclass(slots=True)
class Reach:
    """Ids of what is to be checked. `everything`: a record that binds all has changed."""

    studies: set[str] = field(default_factory=set)
    people: set[str] = field(default_factory=set)
    everything: bool = False


def reach(session: Session, changed: Mapping[str, Sequence[str]]) -> Reach:
    """What the changed records (entity → ids) can make right or wrong."""
    found = Reach()
    for entity, ids in changed.items():
        spec = entities()[entities()[entity].beside or entity]
        found.people |= _people(session, spec, ids)
        own = _studies(session, spec, set(ids), _FAR)
        found.studies |= own
        found.everything |= entity == "TrainingRequirement" and not own
    found.studies |= _worked_on(session, found.people)
    return found


def _people(session: Session, spec: EntitySpec, ids: Sequence[str]) -> set[str]:
    if spec.name == "Person":
        return set(ids)
    return _values(session, spec, "person_id", ids) if "person" in spec.fields else set()


def _studies(session: Session, spec: EntitySpec, ids: set[str], far: int) -> set[str]:
    if spec.name == "Study":
        return set(ids)
    if spec.name == "Participant":
        rows = session.among(
            "select study_id from enrollment where participant_id in {members}", sorted(ids)
        )
        return {study for (study,) in rows if study}
    if not ids or not far or spec.name in _PLACES:
        return set()
    found: set[str] = set()
    for field_ in spec.fields.values():
        of = entities().get(field_.meta.of) if field_.meta.kind == "ref" else None
        if of and not field_.sealed and of.name not in _PLACES:
            found |= _studies(session, of, _values(session, spec, field_.column, ids), far - 1)
            if of.name == "Study" and found:
                return found  # the record says it itself
    return found


def _values(session: Session, spec: EntitySpec, column: str, ids: Iterable[str]) -> set[str]:
    rows = session.among(
        f"select {column} from {spec.table.name} where id in {{members}} and {column} is not null",
        sorted(ids),
    )
    return {value for (value,) in rows}


def _worked_on(session: Session, people: set[str]) -> set[str]:
    """The studies on which these people have, or had, something to do."""
    found: set[str] = set()
    for table in ("delegation", "staff_assignment"):
        rows = session.among(
            f"select study_id from {table} where person_id in {{members}}", sorted(people)
        )
        found |= {study for (study,) in rows if study}
    return found
