"""Appointments as HL7 SIU messages."""

from __future__ import annotations

from datetime import datetime, timedelta

from crohub.sandbox.adt import pid
from crohub.sandbox.er7 import joined, message, research_link, segment, stamp
from crohub.sandbox.world import FACILITY, Booking, Message, World, study_of

SENDER = "CEDARSCHED"
# trigger → (event reason, filler status of table 0278)
TRIGGERS = {
    "S12": ("NEW", "Booked"),
    "S13": ("RESCHEDULED", "Booked"),
    "S14": ("MODIFIED", "Booked"),
    "S15": ("CANCELLED", "Cancelled"),
    "S16": ("DISCONTINUED", "Discontinued"),
    "S17": ("DELETED", "Deleted"),
    "S26": ("NO SHOW", "Noshow"),
}


def siu(world: World, trigger: str, booking: Booking, at: datetime) -> Message:
    """One scheduling event; SCH-2 is the appointment's key in every one of them."""
    patient = world.patients[booking.mrn]
    visit = segment("PV1", {1: "1", 2: "O", 3: joined(booking.ward, "", "", FACILITY)})
    length = {3: joined("RESEARCH" if booking.subject else "CLINIC"), 4: stamp(booking.start)}
    segments = [
        _sch(trigger, booking),
        pid(patient),
        visit,
        segment("RGS", {1: "1", 2: "A"}),
        segment("AIS", {1: "1", 2: "A", **length, 7: str(booking.minutes), 8: "min"}),
        segment("AIL", {1: "1", 2: "A", 3: joined(booking.ward, "", "", FACILITY)}),
    ]
    if booking.subject:
        segments.append(link(world, booking))
    kind = f"SIU^{trigger}^SIU_S12"
    return message(world, kind=kind, sender=SENDER, at=at, line=patient.line, segments=segments)


def link(world: World, booking: Booking) -> str:
    """The research segment of a research appointment."""
    subject = world.subjects[booking.subject]
    study = study_of(subject)
    site = next(site.number for site in study.sites if site.key == subject.site)
    on = booking.start.date()
    return research_link(study.number, site, booking.visit, on, subject.number)


def _sch(trigger: str, booking: Booking) -> str:
    reason, status = TRIGGERS[trigger]
    if booking.status == "fulfilled":
        status = "Complete"
    end = booking.start + timedelta(minutes=booking.minutes)
    kind = ("RESEARCH", "Research visit") if booking.subject else ("CLINIC", "Clinic visit")
    return segment(
        "SCH",
        {1: joined(f"P{booking.id}", FACILITY), 2: joined(booking.id, FACILITY), 6: joined(reason),
         7: joined(booking.visit or "ROUTINE", booking.reason), 8: joined(*kind, "L"),
         9: str(booking.minutes), 10: "min", 11: joined("", "", "", stamp(booking.start),
         stamp(end)), 16: joined("DESK", "Scheduling"), 20: joined("DESK"), 25: joined(status)},
    )  # fmt: skip
