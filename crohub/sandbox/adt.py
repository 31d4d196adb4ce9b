"""Admissions, registrations, updates and merges as HL7 ADT messages."""

from __future__ import annotations

from datetime import datetime

from crohub.sandbox.er7 import day, escaped, joined, message, segment, stamp
from crohub.sandbox.people import Employee, Patient
from crohub.sandbox.world import FACILITY, Message, Stay, World

SENDER = "CEDARADT"
STRUCTURE = {
    "A01": "ADT_A01", "A03": "ADT_A03", "A04": "ADT_A01", "A08": "ADT_A01", "A11": "ADT_A09",
    "A13": "ADT_A01", "A28": "ADT_A05", "A31": "ADT_A05", "A37": "ADT_A37", "A40": "ADT_A39",
}  # fmt: skip
ETHNICITY = {True: ("2135-2", "Hispanic or Latino"), False: ("2186-5", "Not Hispanic or Latino")}


def adt(
    world: World,
    trigger: str,
    patient: Patient,
    at: datetime,
    *,
    stay: Stay | None = None,
    link: str = "",
) -> Message:
    """One ADT event about one patient; `link` is a research segment to go with it."""
    visit = pv1(stay, world.employees) if stay else segment("PV1", {1: "1", 2: "N"})
    segments = [_evn(trigger, at), pid(patient), visit]
    return _adt(world, trigger, at, patient.line, [*segments, link] if link else segments)


def merge(world: World, kept: Patient, retired: Patient, at: datetime) -> Message:
    """A40: `retired` was `kept` all along (PID is the survivor, MRG the number to retire)."""
    mrg = segment("MRG", {1: _mrn(retired.mrn), 7: _name(retired)})
    return _adt(world, "A40", at, kept.line, [_evn("A40", at), pid(kept), mrg])


def unlink(world: World, one: Patient, other: Patient, at: datetime) -> Message:
    """A37: these two are two people after all."""
    return _adt(world, "A37", at, one.line, [_evn("A37", at), pid(one), pid(other)])


def pid(patient: Patient) -> str:
    """The PID segment: MRN and, where known, social security number."""
    ids = _mrn(patient.mrn)
    if patient.ssn:
        ids += "~" + joined(patient.ssn, "", "", "USSSA", "SS")
    born = f"{patient.born.year}" if patient.year_only else day(patient.born)
    ethnicity = ETHNICITY[patient.hispanic]
    address = joined(patient.street, "", patient.town, "AZ", patient.postcode, "USA", "H")
    fields = {
        1: "1", 3: ids, 5: _name(patient), 7: born, 8: patient.sex,
        10: joined(*patient.race, "CDCREC"), 11: address,
        13: joined("", "PRN", "PH", "", "1", *patient.phone.split("-", 1)),
        22: joined(*ethnicity, "CDCREC"),
    }  # fmt: skip
    if patient.died:
        fields |= {29: day(patient.died), 30: "Y"}
    return segment("PID", fields)


def pv1(stay: Stay, employees: dict[str, Employee]) -> str:
    """The PV1 segment: class, ward, attending, visit number, from and to."""
    doctor = employees[stay.attending]
    attending = f"{doctor.npi}^{joined(doctor.family, doctor.given)}^^^^^^NPI^^^^NPI"
    fields = {
        1: "1", 2: stay.kind, 3: joined(stay.ward, "", "", FACILITY), 7: attending,
        19: joined(stay.number, "", "", FACILITY, "VN"), 44: stamp(stay.began),
    }  # fmt: skip
    if stay.ended:
        fields[45] = stamp(stay.ended)
    return segment("PV1", fields)


def _mrn(mrn: str) -> str:
    return joined(mrn, "", "", FACILITY, "MR")


def _name(patient: Patient) -> str:
    return joined(patient.family, patient.given, "", "", "", "", "L")


def _evn(trigger: str, at: datetime) -> str:
    return segment("EVN", {1: escaped(trigger), 2: stamp(at)})


def _adt(world: World, trigger: str, at: datetime, line: int, segments: list[str]) -> Message:
    kind = f"ADT^{trigger}^{STRUCTURE[trigger]}"
    return message(world, kind=kind, sender=SENDER, at=at, line=line, segments=segments)
