"""What a research visit leaves in the hospital's other systems: a result that says a procedure was
done (ORU) and its charge (DFT). Neither tells a finding."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from crohub.sandbox.adt import pid, pv1
from crohub.sandbox.er7 import day, joined, message, segment, stamp
from crohub.sandbox.world import FACILITY, Booking, Message, Stay, World, study_of

LABORATORY, BILLING = "CEDARLAB", "CEDARBILL"


@dataclass(frozen=True, slots=True)
class Procedure:
    """What is done, by its CPT code, and what the hospital asks for it."""

    code: str
    name: str
    amount: str


ECG = Procedure("93000", "Electrocardiogram", "150.00")
SCAN = Procedure("71260", "Computed tomography of the chest with contrast", "1840.00")


def done(world: World, booking: Booking, stay: Stay, at: datetime) -> Message:
    """ORU^R01: the electrocardiogram of a visit is done. What it showed stays where it is."""
    order = f"{booking.id}-1"
    fields = {1: "1", 2: joined(order, FACILITY), 3: joined(f"F{order}", FACILITY),
              4: joined(ECG.code, ECG.name, "C4"), 7: stamp(stay.began), 25: "F"}  # fmt: skip
    segments = [
        pid(world.patients[booking.mrn]),
        pv1(stay, world.employees),
        segment("ORC", {1: "RE", 2: joined(order, FACILITY), 3: joined(f"F{order}", FACILITY)}),
        segment("OBR", fields),
        _trial(world, booking),
    ]
    return _send(world, "ORU^R01^ORU_R01", LABORATORY, booking, at, segments)


def charged(world: World, booking: Booking, stay: Stay, at: datetime, what: Procedure) -> Message:
    """DFT^P03: what was done and costs, with the diagnosis that says research."""
    fields = {
        1: "1", 2: f"T{booking.id[2:]}", 4: day(stay.began.date()), 5: day(at.date()), 6: "CG",
        7: joined(what.code, what.name, "CDM"), 10: "1", 11: f"{what.amount}&USD",
        13: joined("RSCH", "Research Clinic"), 19: joined("Z00.6", "Research", "I10"),
        25: joined(what.code, what.name, "C4"),
    }  # fmt: skip
    segments = [
        segment("EVN", {2: stamp(at)}),
        pid(world.patients[booking.mrn]),
        pv1(stay, world.employees),
        segment("FT1", fields),
        _trial(world, booking),
    ]
    return _send(world, "DFT^P03^DFT_P03", BILLING, booking, at, segments)


def _trial(world: World, booking: Booking) -> str:
    study = study_of(world.subjects[booking.subject])
    visit = joined(booking.visit, booking.reason)
    return segment("CTI", {1: joined(study.number, FACILITY), 3: visit})


def _send(
    world: World, kind: str, sender: str, booking: Booking, at: datetime, segments: list[str]
) -> Message:
    line = world.patients[booking.mrn].line
    return message(world, kind=kind, sender=sender, at=at, line=line, segments=segments)
