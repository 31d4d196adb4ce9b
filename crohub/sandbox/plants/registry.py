"""Studies of which the public registry does not say what the institution knows.

Every planted study but one is registered and told alike, which is the control; so is a study of the
institution's own that is registered and not over.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from crohub.sandbox.plants.expected import Expected
from crohub.sandbox.plants.ground import Ground
from crohub.sandbox.plants.trials import EYE, ORGAN, VESSEL

CHECK = "registry"
_DAY = timedelta(days=1)


def plant(ground: Ground) -> Iterator[Expected]:
    """What is behind of one study, one that is not registered, one without its results."""
    told = ground.at("registry/studies", VESSEL.number)["protocolSection"]
    yield from _status(ground, told)
    yield from _start(ground, told)
    yield from _counted(ground, told)
    yield from _investigator(ground, told)
    yield from _unregistered(ground)
    yield from _no_results(ground)


def _status(ground: Ground, told: dict[str, Any]) -> Iterator[Expected]:
    """Closed to accrual, as the register has known for weeks, and the registry says recruiting. A
    hub that has heard tells the register what it knows, which is then of the same day."""
    told["statusModule"]["overallStatus"] = "RECRUITING"
    since = ground.ago(40, 60)
    ground.told["register/ResearchStudy", VESSEL.number] = since
    yield Expected(
        CHECK, "status-differs", (VESSEL.number, "register", f"{since}", "RECRUITING"), mended=True
    )


def _start(ground: Ground, told: dict[str, Any]) -> Iterator[Expected]:
    other = VESSEL.started + ground.rng.randint(50, 90) * _DAY
    told["statusModule"]["startDateStruct"]["date"] = f"{other}"
    for system in ("(office)", "(register)"):
        names = (VESSEL.number, f"{VESSEL.started}", f"{other}", system)
        yield Expected(CHECK, "date-differs", names, mended=system == "(register)")


def _counted(ground: Ground, told: dict[str, Any]) -> Iterator[Expected]:
    many = ground.rng.randint(2, 4)
    for _ in range(many):
        ground.enrol(VESSEL)
    told["designModule"]["enrollmentInfo"] = {"count": many + 2, "type": "ACTUAL"}
    yield Expected(
        CHECK, "enrolment-differs", (VESSEL.number, f"{many + 2} participants", f"{many} are")
    )


def _investigator(ground: Ground, told: dict[str, Any]) -> Iterator[Expected]:
    [official] = told["contactsLocationsModule"]["overallOfficials"]
    official["name"] = "Wanda Elsewhere, MD"
    for system in ("(office)", "(register)", "in the IRB"):
        yield Expected(CHECK, "investigator-differs", (VESSEL.number, "Elsewhere", system))


def _unregistered(ground: Ground) -> Iterator[Expected]:
    name = ground.enrol(EYE)
    first = ground.subjects[name].enrolled_on
    yield Expected(CHECK, "not-registered", (EYE.number, f"{first}"))


def _no_results(ground: Ground) -> Iterator[Expected]:
    """Its primary completion was more than a year ago."""
    ended = date(2025, 1, 15) + ground.rng.randint(0, 60) * _DAY
    ground.at("tables/studies", ORGAN.number)["primary_completion_on"] = f"{ended}"
    told = ground.at("registry/studies", ORGAN.number)["protocolSection"]
    told["statusModule"]["primaryCompletionDateStruct"] = {"date": f"{ended}", "type": "ACTUAL"}
    yield Expected(CHECK, "results-overdue", (
        ORGAN.number, f"{ended}", f"{ended.replace(year=2026)}",
    ))  # fmt: skip
