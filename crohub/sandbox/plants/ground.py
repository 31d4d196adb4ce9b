"""The ground in which disagreements are planted: studies of which every system tells the same, each
in its own words. A plant changes, adds or drops single rows of single systems."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any

from crohub.sandbox.people import Employee, Patient, patient
from crohub.sandbox.plants import (
    binder_words,
    edc_words,
    money_words,
    office_words,
    oncore_words,
    register_words,
    registry_words,
    staff_words,
)
from crohub.sandbox.plants.trials import AGAIN, CAPTURED, TRIALS, staff
from crohub.sandbox.studies import Study
from crohub.sandbox.world import Message, Subject

Row = dict[str, Any]
_FIRST_PATIENT = 900_001


class Ground:
    """What each system holds, by place ("ctms/protocolSubjects") and the row's name there, which is
    what people call it ("LUN-501 S-0003", "E711"). The same seed and day give the same ground."""

    def __init__(self, seed: int, today: date) -> None:
        self.rng = Random(f"{seed}|plants")  # noqa: S311 a story, no secret
        self.seed, self.today = seed, today
        self.staff: dict[str, Employee] = staff()
        self.patients: dict[str, Patient] = {}
        self.subjects: dict[str, Subject] = {}
        self.rows: dict[str, dict[str, Row]] = {}
        self.told: dict[tuple[str, str], date] = {}  # place and name → the day it was said on
        self.portal_until = today  # the last day on which the sponsor's safety portal spoke
        self.sent: list[Message] = []  # by the hospital, over HL7
        self.counts: dict[str, int] = {}
        self.again = {AGAIN}  # employee numbers of people who have another one as well
        for words in (
            register_words.houses(),
            staff_words.everybody(self.staff),
            office_words.rules(),
        ):
            self.put(words)
        for study in TRIALS:
            self.open(study)

    # -- rows

    def put(self, words: Iterator[tuple[str, str, Row]]) -> None:
        """Has systems hold rows: place, name, row."""
        for place, name, row in words:
            self.rows.setdefault(place, {})[name] = row

    def book(self, words: Iterable[tuple[str, str, Row]], on: date) -> None:
        """Has systems hold rows, the ERP from this day on: it tells what is new by the day."""
        for place, name, row in words:
            self.rows.setdefault(place, {})[name] = row
            if place.startswith("erp/"):
                self.told[place, name] = on

    def at(self, place: str, name: str) -> Row:
        """A row as it is held, to be changed."""
        return self.rows[place][name]

    def drop(self, place: str, name: str) -> Row:
        """A system does not hold this row."""
        return self.rows[place].pop(name)

    # -- what happens

    def open(self, study: Study) -> None:
        """A study that is approved, contracted, activated and staffed, in every system."""
        self.put(oncore_words.study(study, self.staff))
        self.put(register_words.study(study))
        self.put(office_words.study(study, self.staff))
        self.put(money_words.study(study))
        self.put(binder_words.study(study))
        self.put(registry_words.study(study, self.staff, f"{study.started}"))
        if study is CAPTURED:
            self.put(edc_words.study(study, self.staff))

    def enrol(self, study: Study, **more: Any) -> str:  # noqa: ANN401 - fields of a Subject
        """A subject who consented some weeks ago, came on study and is treated; their name."""
        one = replace(self._subject(study), **more)
        name = f"{study.number} {one.number}"
        self.subjects[name] = one
        who = self.patients[one.mrn]
        self.put(oncore_words.subject(study, one, who))
        self.put(register_words.subject(study, one, who))
        if study is CAPTURED:
            self.put(edc_words.subject(study, one, who))
        return name

    def joins(
        self, study: Study, who: str, *, approved: bool = True, delegated: bool = True
    ) -> None:
        """Somebody works on a study from its beginning on: in the CTMS, with the IRB's approval and
        the investigator's delegation."""
        one, lead = self.staff[who], self.staff[study.investigator]
        number = 90_000 + 100 * self.number("posts")
        self.put(oncore_words.post(study, one, one.job, number))
        if approved:
            team = self.at("irb/studies", study.number)["studyTeam"]
            team.append(office_words.member(one, "Coordinator", study.started))
        if delegated:
            self.put(office_words.delegated(study, one, lead))

    def leaves(self, name: str, on: date) -> None:
        """A subject's last day, in the CTMS and the register."""
        row = self.at("ctms/protocolSubjects", name)
        row.update(status="OFF STUDY", offStudyDate=on.isoformat())
        there = self.at("register/ResearchSubject", name)
        there["status"] = "off-study"
        there["period"]["end"] = on.isoformat()

    def person(self, study: Study) -> Patient:
        """Somebody new whom the hospital knows."""
        number = _FIRST_PATIENT + len(self.patients)
        who = patient(self.rng, number, born_before=study.started, lines=1)
        # what people are found by differs for each: nobody here may be somebody else
        who = replace(who, family=f"{who.family}-{number % 1000}", ssn="", year_only=False,
                      street=f"{number % 1000} {who.street}")  # fmt: skip
        self.patients[who.mrn] = who
        return who

    def number(self, what: str) -> int:
        """The next number of its kind, from 1."""
        self.counts[what] = self.counts.get(what, 0) + 1
        return self.counts[what]

    def ago(self, least: int, most: int) -> date:
        """Some day, so many days before today."""
        return self.today - timedelta(days=self.rng.randint(least, most))

    def _subject(self, study: Study) -> Subject:
        consented_on = self.ago(45, 70)
        enrolled_on = consented_on + timedelta(days=self.rng.randint(3, 6))
        number = f"S-{self.number(study.key):04d}"
        return Subject(
            id=f"rs-{study.key}-{number[2:]}", study=study.key, site=study.sites[0].key,
            mrn=self.person(study).mrn, state="on-study-intervention",
            since=enrolled_on + timedelta(days=1), number=number, arm=study.arms[0],
            form=_form(study, consented_on), obtained_by=study.coordinator,
            consented_on=consented_on, enrolled_on=enrolled_on,
        )  # fmt: skip


def _form(study: Study, on: date) -> str:
    """The version in force on a day; the first one before there is any."""
    return [study.form[0][0], *(version for version, since in study.form if since <= on)][-1]
