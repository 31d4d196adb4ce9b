"""The four studies of the made-up institution: sites, arms, epochs and visits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Visit:
    """A planned visit: days are counted from enrolment, the window is in days around it."""

    code: str
    name: str
    epoch: str
    day: int
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Site:
    key: str  # FHIR Location id
    number: str  # the sponsor's site number
    name: str
    ward: str  # point of care in PV1-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    key: str
    number: str  # the sponsor's protocol number
    irb: str
    nct: str
    title: str
    phase: str  # FHIR research-study-phase
    status: str  # FHIR R4 research-study-status
    condition: str
    sponsor: str  # FHIR Organization id
    investigator: str  # employee ids
    coordinator: str
    sites: tuple[Site, ...]
    arms: tuple[str, ...]
    visits: tuple[Visit, ...]
    form: tuple[tuple[str, date], ...]  # consent form versions and the day each takes effect
    started: date
    pace: float  # referrals a weekday

    @property
    def epochs(self) -> tuple[str, ...]:
        """Epoch names in the order in which a subject goes through them."""
        return tuple(dict.fromkeys(visit.epoch for visit in self.visits))


MAIN = Site("loc-main", "101", "Cedar Mesa General, Research Clinic", "RSCH")
NORTH = Site("loc-north", "102", "Cedar Mesa North Campus", "NRTH")
WASH = Site("loc-wash", "103", "Sand Wash Outpatient Centre", "WASH")
SITES = (MAIN, NORTH, WASH)

SPONSORS = {
    "org-lumen": "Lumen Therapeutics (invented)",
    "org-halcyon": "Halcyon Devices (invented)",
    "org-cedar": "Cedar Mesa General Hospital",
}


def _calendar(*rows: tuple[str, str, str, int, int, int]) -> tuple[Visit, ...]:
    return tuple(Visit(*row) for row in rows)


STUDIES = (
    Study(
        key="onc101", number="ONC-101", irb="STUDY00000123", nct="NCT99000101",
        title="Lumenitib with standard care in advanced lung cancer",
        phase="phase-3", status="active", condition="Non-small cell lung cancer",
        sponsor="org-lumen", investigator="E101", coordinator="E305",
        sites=(MAIN, NORTH), arms=("Lumenitib", "Standard care"),
        visits=_calendar(
            ("SCR", "Screening", "Screening", -7, 21, 7),
            ("C1D1", "Cycle 1 Day 1", "Treatment", 0, 0, 3),
            ("C1D8", "Cycle 1 Day 8", "Treatment", 7, 1, 2),
            ("C2D1", "Cycle 2 Day 1", "Treatment", 21, 2, 3),
            ("EOT", "End of treatment", "Follow-up", 28, 3, 7),
        ),
        form=(("v2", date(2025, 6, 1)), ("v3", date(2026, 2, 20))),
        started=date(2025, 6, 2), pace=0.9,
    ),
    Study(
        key="car204", number="CAR-204", irb="STUDY00000204", nct="NCT99000204",
        title="Halcyon pressure sensor in chronic heart failure",
        phase="n-a", status="active", condition="Heart failure",
        sponsor="org-halcyon", investigator="E102", coordinator="E305",
        sites=(MAIN, WASH), arms=("Sensor", "Usual care"),
        visits=_calendar(
            ("SCR", "Screening", "Screening", -3, 14, 3),
            ("IMPL", "Implantation", "Treatment", 0, 0, 7),
            ("W1", "Week 1", "Follow-up", 7, 2, 2),
            ("W4", "Week 4", "Follow-up", 28, 4, 4),
        ),
        form=(("v1", date(2025, 9, 1)),), started=date(2025, 9, 8), pace=0.8,
    ),
    Study(
        key="end310", number="END-310", irb="STUDY00000310", nct="NCT99000310",
        title="Registry of adults with type 1 diabetes & insulin pumps",
        phase="n-a", status="active", condition="Type 1 diabetes",
        sponsor="org-cedar", investigator="E103", coordinator="E217",
        sites=(MAIN, NORTH, WASH), arms=("Registry",),
        visits=_calendar(
            ("BASE", "Baseline", "Observation", 0, 0, 14),
            ("M1", "Month 1", "Observation", 30, 7, 7),
        ),
        form=(("v1", date(2025, 1, 15)),), started=date(2025, 2, 3), pace=1.4,
    ),
    Study(
        key="neu415", number="NEU-415", irb="STUDY00000415", nct="",
        title="Sleep and memory after mild stroke",
        phase="phase-2", status="closed-to-accrual", condition="Ischemic stroke",
        sponsor="org-cedar", investigator="E104", coordinator="E305",
        sites=(NORTH,), arms=("Sleep training", "Waiting list"),
        visits=_calendar(
            ("SCR", "Screening", "Screening", -3, 7, 3),
            ("D1", "Day 1", "Treatment", 0, 0, 2),
            ("D15", "Day 15", "Treatment", 14, 2, 2),
            ("D29", "Day 29", "Follow-up", 28, 3, 3),
        ),
        form=(("v4", date(2025, 11, 1)),), started=date(2025, 4, 14), pace=0.0,
    ),
)  # fmt: skip
