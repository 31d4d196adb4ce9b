"""Subjects of whom the EDC, the CTMS and the EHR do not tell the same.

Beside each stands a subject of whom they do; one whose status is behind by a day, which is no more
than any interface takes; and one who has consented and is only being screened.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from crohub.sandbox.plants.edc_words import GROUPS
from crohub.sandbox.plants.expected import Expected
from crohub.sandbox.plants.ground import Ground
from crohub.sandbox.plants.oncore_words import INSTITUTIONS
from crohub.sandbox.plants.trials import LUNG

CHECK = "enrolment"


def plant(ground: Ground) -> Iterator[Expected]:
    """Each kind once, in another order with each seed."""
    kinds = [_missing_in_edc, _missing_in_ctms, _missing_in_ehr, _behind, _late, _elsewhere, _twice,
             _consent_only]  # fmt: skip
    ground.rng.shuffle(kinds)
    for kind in kinds:
        ground.enrol(LUNG)  # a control, of whom all tell the same
        yield from kind(ground)


def _missing_in_edc(ground: Ground) -> Iterator[Expected]:
    name = ground.enrol(LUNG)
    ground.drop("edc/records", name)
    yield _expected("missing-in", name, "edc-lun501")


def _missing_in_ctms(ground: Ground) -> Iterator[Expected]:
    name = ground.enrol(LUNG)
    ground.drop("ctms/protocolSubjects", name)
    yield _expected("missing-in", name, "ctms")


def _missing_in_ehr(ground: Ground) -> Iterator[Expected]:
    name = ground.enrol(LUNG)
    ground.drop("register/ResearchSubject", name)
    yield _expected("missing-in", name, "register")


def _behind(ground: Ground) -> Iterator[Expected]:
    """Off study in the CTMS and the EDC, on study in the register; another since yesterday."""
    for days in (ground.rng.randint(8, 20), 1):
        name, left = ground.enrol(LUNG), ground.today - timedelta(days=days)
        ground.at("ctms/protocolSubjects", name).update(
            status="OFF STUDY", offStudyDate=left.isoformat()
        )
        ground.at("edc/records", name)["completion_date"] = left.isoformat()
        if days > 1:
            yield _expected("status-behind", name, "OFF STUDY", "register", left.isoformat())


def _late(ground: Ground) -> Iterator[Expected]:
    """The EDC has another day of enrolment than the CTMS."""
    name = ground.enrol(LUNG)
    told = ground.subjects[name].enrolled_on
    assert told  # noqa: S101 - whoever is enrolled has a day of it
    other = told + timedelta(days=ground.rng.randint(9, 14))
    row = ground.at("edc/records", name)
    row["enrollment_date"] = other.isoformat()
    row["treatment_start_date"] = (other + timedelta(days=1)).isoformat()
    yield _expected("date-differs", name, told.isoformat(), other.isoformat())


def _elsewhere(ground: Ground) -> Iterator[Expected]:
    """At one site in the CTMS, at another in the EDC; a control is at the second in both."""
    name, control = ground.enrol(LUNG), ground.enrol(LUNG, site="loc-north")
    ground.at("edc/records", name)["redcap_data_access_group"] = GROUPS["loc-north"]
    ground.at("ctms/protocolSubjects", control)["studySite"] = INSTITUTIONS["loc-north"]
    yield _expected("wrong-site", name, "101", "102")


def _twice(ground: Ground) -> Iterator[Expected]:
    """One person under two numbers in the EDC."""
    name = ground.enrol(LUNG)
    one = ground.subjects[name]
    number = f"S-{ground.number(LUNG.key):04d}"
    row = ground.at("edc/records", name)
    again = row | {"record_id": f"{LUNG.number[4:]}-{number[2:]}", "subject_no": number}
    ground.put(iter([("edc/records", f"{LUNG.number} {number}", again)]))
    yield Expected(CHECK, "duplicate", (LUNG.number, one.number, number))


def _consent_only(ground: Ground) -> Iterator[Expected]:
    """Somebody signed the form, and no system has them as a subject."""
    name = ground.enrol(LUNG)
    ground.drop("edc/records", name)
    ground.drop("ctms/protocolSubjects", name)
    ground.drop("register/ResearchSubject", name)
    signed = ground.subjects[name].consented_on
    yield Expected(CHECK, "consent-without-enrolment", (LUNG.number, f"{signed}"))


def _expected(kind: str, name: str, *words: str) -> Expected:
    return Expected(CHECK, kind, (*name.split(), *words))
