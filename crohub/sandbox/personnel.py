"""Staff changes as HL7 master file (MFN^M02) and personnel (PMU) messages."""

from __future__ import annotations

from datetime import date, datetime

from crohub.sandbox.er7 import day, joined, message, segment, stamp
from crohub.sandbox.people import DEPARTMENTS, Employee
from crohub.sandbox.world import FACILITY, Message, World

SENDER = "CEDARHR"
LINE = 0  # one line for all of personnel keeps a person's changes in order
STRUCTURE = {"B01": "PMU_B01", "B02": "PMU_B01", "B06": "PMU_B04", "B07": "PMU_B07"}


def master_file(world: World, employee: Employee, at: datetime, *, action: str = "MAD") -> Message:
    """MFN^M02: one practitioner of the staff master; MAD adds, MUP updates."""
    key = joined(employee.id, "", "L")
    segments = [
        segment("MFI", {1: "PRA^Practitioner master file^HL70175", 3: "UPD", 5: stamp(at),
                        6: "AL"}),
        segment("MFE", {1: action, 2: f"MF{world.number('master')}", 3: stamp(at), 4: key,
                        5: "CE"}),
        stf(employee),
        _pra(employee),
    ]  # fmt: skip
    return _send(world, "MFN^M02^MFN_M02", at, segments)


def personnel(world: World, trigger: str, employee: Employee, at: datetime) -> Message:
    """PMU: B01 hired, B02 changed, B06 left."""
    segments = [segment("EVN", {1: trigger, 2: stamp(at)}), stf(employee), _pra(employee)]
    return _send(world, f"PMU^{trigger}^{STRUCTURE[trigger]}", at, segments)


def certificate(world: World, employee: Employee, at: datetime, expires: date) -> Message:
    """PMU^B07: a GCP certificate and the day it runs out."""
    issued = expires.replace(year=expires.year - 3)
    number = f"GCP-{employee.id}-{expires.year}"
    fields = {1: "1", 2: number, 4: joined("Invented Training Co"), 10: joined("GCP"),
              13: joined(employee.family, employee.given), 24: day(issued), 25: day(issued),
              27: day(expires)}  # fmt: skip
    segments = [
        segment("EVN", {1: "B07", 2: stamp(at)}), stf(employee), _pra(employee),
        segment("CER", fields),
    ]  # fmt: skip
    return _send(world, "PMU^B07^PMU_B07", at, segments)


def stf(employee: Employee) -> str:
    """The STF segment: number, NPI, name, department, from and to, job."""
    ids = joined(employee.id, "", "", FACILITY, "EI")
    if employee.npi:
        ids += "~" + joined(employee.npi, "", "", "NPI", "NPI")
    fields = {
        1: joined(employee.id, "", "L"), 2: ids, 3: joined(employee.family, employee.given),
        7: "I" if employee.left else "A",
        8: joined(employee.department, DEPARTMENTS[employee.department], "L"),
        10: joined("", "WPN", "PH", "", "1", *employee.phone.split("-", 1)),
        12: joined(day(employee.hired), FACILITY), 15: employee.email, 18: joined(employee.job),
    }  # fmt: skip
    if employee.left:
        fields[13] = joined(day(employee.left), FACILITY)
    else:
        fields[20] = "F" if employee.fte == "1.000" else "P"  # table 0066: full or part time
    return segment("STF", fields)


def _pra(employee: Employee) -> str:
    fields = {1: joined(employee.id, "", "L"), 3: joined(employee.job)}
    if employee.npi:
        fields[6] = joined(employee.npi, "NPI")
    return segment("PRA", fields)


def _send(world: World, kind: str, at: datetime, segments: list[str]) -> Message:
    return message(world, kind=kind, sender=SENDER, at=at, line=LINE, segments=segments)
