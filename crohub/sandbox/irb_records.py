"""The studies as their IRB knows them, under its own numbers: each approved at first, then with
every later version of its consent form."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from hashlib import sha256

from crohub.sandbox.irb import IrbState, Row
from crohub.sandbox.news import News
from crohub.sandbox.studies import STUDIES, Study
from crohub.sandbox.world import World

BOARD = "CRO"  # the unit that holds the board
DEPUTIES = ("E217", "E219")  # who may stand in for a coordinator, on every study
_ENDLESS = ("end310",)  # of minimal risk and not the FDA's: its approval does not run out
_YEAR = timedelta(days=364)


def state() -> IrbState:
    """An IRB that has seen nothing yet."""
    return IrbState(page=50)


def fill(irb: IrbState, world: World, news: News) -> None:
    """What the board knows today: a modification shows on the day from which its form counts."""
    for study in STUDIES:
        irb.studies[study.irb] = _study(world, study)
        for number, row in _submissions(world, study):
            if news.is_new(row, number):
                irb.submit(number, **row)


def _study(world: World, study: Study) -> Row:
    lead = world.employees[study.investigator]
    helpers = [world.employees[who] for who in dict.fromkeys((study.coordinator, *DEPUTIES))]
    return {
        "id": study.irb, "name": study.number, "title": study.title,
        "principalInvestigator": {"employeeId": lead.id, "email": lead.email,
                                  "firstName": lead.given, "lastName": lead.family,
                                  "approvedDate": study.started.isoformat()},
        "studyTeam": [{"employeeId": one.id, "email": one.email, "role": "Coordinator",
                       "approvedDate": study.started.isoformat()} for one in helpers],
        "investigationalNewDrugs": [], "investigationalDeviceExemptions": [],
        "clinicalTrialsGovId": study.nct or None,
    }  # fmt: skip


def _submissions(world: World, study: Study) -> Iterator[tuple[str, Row]]:
    for place, (version, since) in enumerate(study.form):
        number = study.irb if place == 0 else f"MOD{study.irb[5:]}{place}"
        if since <= world.first_day:
            yield number, _approved(study, version, since, first=place == 0)


def _approved(study: Study, version: str, since: date, *, first: bool) -> Row:
    name = f"{study.number} informed consent form"
    checksum = sha256(f"{name} {version}".encode()).hexdigest()
    return {
        "id": study.irb, "parent": study.irb, "title": study.number,
        "type": "Initial Study" if first else "Modification", "state": "Approved",
        "reviewLevel": "Expedited" if study.key in _ENDLESS else "Full Board",
        "determination": "Approved", "board": BOARD,
        "dateSubmitted": (since - timedelta(days=30)).isoformat(),
        "approvalDate": since.isoformat(), "effectiveDate": since.isoformat(),
        "expirationDate": None if study.key in _ENDLESS else (since + _YEAR).isoformat(),
        "irbOfRecord": BOARD,
        "documents": [{"name": name, "category": "Consent", "version": version,
                       "sha256": checksum, "approved": True}],
    }  # fmt: skip
