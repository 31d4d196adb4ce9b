"""Who becomes a participant: only people with a research link (HIPAA's minimum necessary,
45 CFR 164.502(b)). Hospital feeds speak mostly about people in no study."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hub.context import Context
from hub.said import Prepared

PERSON = "Participant"
VISIT = "ParticipantVisit"
LINKS = frozenset({"Enrollment", "EnrollmentState", "Consent"})  # saying these is a research link


def is_admitted(context: Context, statements: Sequence[Prepared]) -> bool:
    """Whether a message may be settled: it speaks of no person, it states a research link, or
    every person in it is known: by a key or an identifier in any of its statements, or as one of
    two that it says are the same."""
    people = [one for one in statements if _person_digests(one)]
    if not people or any(_is_link(one) for one in statements):
        return True
    known = {digest for one in people if _is_known(context, one) for digest in _person_digests(one)}
    for one in people:  # who is said to be a known person is known
        if one.retired and not known.isdisjoint((one.digest, one.retired)):
            known |= {one.digest, one.retired}
    return all(not known.isdisjoint(_person_digests(one)) for one in people)


def _is_link(one: Prepared) -> bool:
    """A research link: by its kind, or a visit whose source names the study it is for."""
    visits_study = one.spec.name == VISIT and not one.refs.keys().isdisjoint(
        ("study", "enrollment")
    )
    return visits_study or one.spec.name in LINKS


def people_in(statements: Sequence[Prepared]) -> set[bytes]:
    """The digests a held message waits for: each key and strong identifier of its people."""
    return {digest for one in statements for digest in _person_digests(one)}


def _person_digests(one: Prepared) -> list[bytes]:
    found = []
    if one.owner.name == PERSON:
        found += [one.digest, *([one.retired] if one.retired else [])]
        found += [token.digest for token in one.tokens if token.strong]
    for owner, digest, _, given in one.refs.values():
        if owner.name == PERSON:
            found += [digest] if digest else []
            found += [token.digest for token in given if token.strong]
    return found


def _is_known(context: Context, one: Prepared) -> bool:
    return any(_has(context, digest) for digest in _person_digests(one))


def _has(context: Context, digest: bytes) -> bool:
    return digest in context.world.by_digest or bool(context.world.holders.get(digest))


def known_people(statements: Sequence[Prepared]) -> Iterator[bytes]:
    """Every digest of a person that a message names."""
    for one in statements:
        yield from _person_digests(one)
