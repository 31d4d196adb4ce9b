"""What five systems say about 2,000 studies and 100,000 participants, made up, in the order it
would come: 1,000,000 statements, ten a participant."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass

from hub.policy import Policy, System
from hub.statement import Identifier, Meaning, Ref, Stated, Statement

STUDIES, PARTICIPANTS = 2_000, 100_000
BEGIN = 1_772_000_000_000_000
ROLES = {"ehr": "EHR", "ctms": "CTMS", "edc": "EDC", "binder": "EREG", "register": "REGISTRY"}
POLICY = Policy(systems={name: System(name, role) for name, role in ROLES.items()})
_STATES = ("enrolled", "on_treatment", "follow_up", "off_study")
_NAMES = ("AARON", "BELL", "COLE", "DIAZ", "EVANS", "FORD", "GRAY", "HALE", "IVES", "JUNG")


@dataclass(frozen=True, slots=True)
class Told:
    """One message: who says it, and what."""

    system: str
    meaning: Meaning


def studies(count: int = STUDIES) -> Iterator[Told]:
    """Each study as the CTMS and as the register know it: one NCT number."""
    for n in range(count):
        ids = (Identifier("nct", nct(n)),)
        title = f"Study {n} of a made-up compound"
        for system in ("ctms", "register"):
            fields = {"title": title, "phase": "phase_2" if n % 2 else "phase_3"}
            yield _told(
                system, Stated(entity="Study", key=f"ST{n}", identifiers=ids, fields=fields)
            )


def participants(first: int, count: int) -> Iterator[Told]:
    """What is said about so many participants: seven messages each, mixed with each other as
    feeds are: a hundred people's registration, then their demographics, then their states."""
    for start in range(first, first + count, 100):
        block = range(start, min(start + 100, first + count))
        for turn in (
            _registered,
            _known_to_ctms,
            _known_to_edc,
            _consented,
            _moved,
            _treated,
            _left,
        ):
            for n in block:
                yield turn(n)


def nct(n: int) -> str:
    return f"NCT{10_000_000 + n}"


def mrn(n: int) -> str:
    return f"{2_000_000 + n}"


def subject_number(n: int) -> str:
    return f"S-{n:06}"


def _registered(n: int) -> Told:
    """The hospital: the person, with what is sealed."""
    chance = _chance(n)
    phi = {
        "family_name": chance.choice(_NAMES), "given_name": chance.choice(_NAMES),
        "birth_date": f"{1930 + n % 70}-{1 + n % 12:02}-{1 + n % 28:02}",
        "city": "SPRINGFIELD", "phone": f"555{n:07}",
    }  # fmt: skip
    return _told(
        "ehr",
        Stated(entity="Participant", key=f"P{n}", identifiers=_mrn(n),
               fields={"sex": ("female", "male")[n % 2], "year_of_birth": 1930 + n % 70}),
        Stated(entity="ParticipantPhi", key=f"P{n}", fields=phi),
    )  # fmt: skip


def _known_to_ctms(n: int) -> Told:
    return _told(
        "ctms",
        Stated(entity="Participant", key=f"C{n}", identifiers=_mrn(n),
               fields={"sex": ("female", "male")[n % 2]}),
        _enrollment("ctms", n, "enrolled", enrolled_on="2026-02-01"),
    )  # fmt: skip


def _known_to_edc(n: int) -> Told:
    state = "on_treatment" if n % 50 == 0 else "enrolled"  # every fiftieth is ahead
    return _told("edc", _enrollment("edc", n, state, enrolled_on="2026-02-01"))


def _consented(n: int) -> Told:
    fields = {
        "enrollment": Ref("Enrollment", f"E{n}"), "status": "obtained", "kind": "main",
        "signed_at": "2026-01-15T09:00Z[+00:00]",
    }  # fmt: skip
    return _told(
        "binder",
        Stated(entity="Enrollment", key=f"E{n}", identifiers=_number(n), fields={}),
        Stated(entity="Consent", key=f"K{n}", fields=fields),
    )


def _moved(n: int) -> Told:
    return _told("ehr", Stated(entity="ParticipantPhi", key=f"P{n}", fields={"city": "SALEM"}))


def _treated(n: int) -> Told:
    return _told("edc", _enrollment("edc", n, _STATES[1 + n % 2]))


def _left(n: int) -> Told:
    return _told("ctms", _enrollment("ctms", n, _STATES[1 + n % 3], off_study_on="2026-06-01"))


def _enrollment(system: str, n: int, state: str, **more: str) -> Stated:
    prefix = {"ctms": "CE", "edc": "DE"}[system]
    fields = {
        "subject_number": subject_number(n), "state": state, **more,
        "study": Ref("Study", "", (Identifier("nct", nct(n % STUDIES)),)),
        "participant": Ref("Participant", "", _mrn(n)),
    }  # fmt: skip
    return Stated(entity="Enrollment", key=f"{prefix}{n}", identifiers=_number(n), fields=fields)


def _mrn(n: int) -> tuple[Identifier, ...]:
    return (Identifier("mrn", mrn(n), "NORTH"),)


def _number(n: int) -> tuple[Identifier, ...]:
    return (Identifier("subject_number", subject_number(n), f"urn:study:{n % STUDIES}"),)


def _told(system: str, *statements: Statement) -> Told:
    return Told(system, Meaning(statements=statements))


def _chance(n: int) -> random.Random:
    return random.Random(hashlib.sha256(b"%d" % n).digest())


_TURNS = (_registered, _known_to_ctms, _known_to_edc, _consented, _moved, _treated, _left)
MESSAGES_EACH = len(_TURNS)
