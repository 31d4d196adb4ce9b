"""The studies in which disagreements are planted, and the staff who look after them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from random import Random

from crohub.sandbox.people import Employee, employee
from crohub.sandbox.studies import MAIN, NORTH, Study, Visit

STARTED = date(2025, 9, 1)
APPROVED = date(2025, 8, 4)  # by the IRB, with the first version of the consent form
SECOND = date(2026, 1, 12)  # of the consent form, with the amendment
STAFF = {
    "E701": "Physician", "E702": "Physician", "E703": "Physician",
    "E711": "Research Coordinator", "E712": "Research Coordinator",
    "E713": "Research Coordinator", "E714": "Research Coordinator",
    **{f"E{number}": "Research Nurse" for number in range(721, 731)},
    **{f"E{number}": "Research Coordinator" for number in range(741, 747)},
    "E751": "Research Nurse",
}  # fmt: skip
BEFORE, AGAIN = "E751", "E752"  # one person, who left and came back under another number
_VISITS = (
    Visit("SCR", "Screening", "Screening", -7, 21, 7),
    Visit("C1D1", "Cycle 1 Day 1", "Treatment", 0, 0, 3),
    Visit("C1D8", "Cycle 1 Day 8", "Treatment", 7, 2, 2),
    Visit("C2D1", "Cycle 2 Day 1", "Treatment", 21, 3, 3),
)


def _trial(
    place: int, letters: str, title: str, condition: str, sponsor: str, **more: object
) -> Study:
    number = f"{letters}-{501 + place}"
    made = Study(
        key=number.lower().replace("-", ""), number=number, irb=f"STUDY{500501 + place:08d}",
        nct=f"NCT98000{501 + place}", title=title, phase="phase-2", status="active",
        condition=condition, sponsor=sponsor, investigator="E701", coordinator="E711",
        sites=(MAIN, NORTH), arms=("Active", "Control"), visits=_VISITS,
        form=(("v1", APPROVED), ("v2", SECOND)), started=STARTED, pace=0.0,
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


LUNG = _trial(0, "LUN", "Brelatinib after surgery for lung cancer", "Lung cancer", "org-lumen")
BLOOD = _trial(1, "HEM", "Early transfusion in acute leukaemia", "Acute leukaemia", "org-cedar",
               investigator="E702", coordinator="E712")  # fmt: skip
KIDNEY = _trial(2, "REN", "A sensor of fluid in kidney failure", "Kidney failure", "org-halcyon",
                investigator="E703", coordinator="E713")  # fmt: skip
GUT = _trial(3, "GAS", "Brelatinib in gastric cancer", "Gastric cancer", "org-lumen",
             coordinator="E714")  # fmt: skip
# approved for a year less a day, by a board that is not the institution's own
BREATH = _trial(4, "PUL", "Night oxygen in lung fibrosis", "Lung fibrosis", "org-lumen",
                started=date(2025, 4, 7), form=(("v1", date(2025, 3, 11)),),
                coordinator="E712")  # fmt: skip
SKIN = _trial(5, "DER", "A cream for chronic hand eczema", "Hand eczema", "org-lumen")
JOINT = _trial(6, "RHE", "Brelatinib in early arthritis", "Arthritis", "org-lumen",
               form=(("v1", date(2026, 1, 26)),))  # fmt: skip
BLADDER = _trial(7, "URO", "Brelatinib in bladder cancer", "Bladder cancer", "org-lumen")
EYE = _trial(8, "OPH", "Drops for dry eyes", "Dry eye", "org-cedar", nct="")
ORGAN = _trial(9, "TRA", "Exercise after transplantation", "Kidney transplantation", "org-cedar")
VESSEL = _trial(10, "VAS", "Brelatinib in narrowed arteries", "Arterial disease", "org-lumen",
                status="closed-to-accrual")  # fmt: skip
TRIALS = (
    LUNG, BLOOD, KIDNEY, GUT, BREATH, SKIN, JOINT, BLADDER, EYE, ORGAN, VESSEL,
)  # fmt: skip
CAPTURED = LUNG  # the one whose subjects an EDC keeps


def staff() -> dict[str, Employee]:
    """Everybody who works on them, by number; the same whatever the seed."""
    rng = Random("staff of the planted studies")  # noqa: S311 a story, no secret
    everybody = {
        key: employee(rng, int(key[1:]), hired=date(2019, 4, 1), job=job)
        for key, job in STAFF.items()
    }
    before = everybody[BEFORE]
    everybody[AGAIN] = replace(before, id=AGAIN, email=f"{AGAIN.lower()}@cedarmesa.example")
    return everybody
