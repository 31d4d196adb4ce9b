"""Which subject a charge is of, whether they were on the study that day, and who pays: nobody
guesses."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from hub.statement import Identifier
from mappings.code_tables import load_codes
from mappings.collection import load_library
from mappings.functions.charges import coverage, on_study, study_number, subject_number
from mappings.outbound import Wait, outbound
from mappings.setting import Setting

CODES = load_codes()
LIBRARY = load_library(codes=CODES, packaged=True)


@dataclass
class Shown:
    """A record among others, all of which can be found."""

    id: str
    fields: dict = field(default_factory=dict)
    refs: dict = field(default_factory=dict)
    ids: list = field(default_factory=list)
    others: dict = field(default_factory=dict)  # entity → records

    def get(self, name):
        found = self.refs.get(name)
        return found.id if found else self.fields.get(name)

    def follow(self, step):
        return self.refs.get(step)

    def find(self, entity, /, **wanted):
        return [
            one
            for one in self.others.get(entity, [])
            if all(one.get(name) == value for name, value in wanted.items())
        ]

    def identifiers(self, type):
        return [one for one in self.ids if one.type == type]

    def native_key(self):
        return None


STUDY = Shown("st1", ids=[Identifier("sponsor_protocol_no", "ONC-101", "UH")])
OTHER = Shown("st2", ids=[Identifier("local_protocol_no", "L-2", "UH")])
WHO = Shown("p1")
ECG, SCAN = (
    Shown(f"pd{place}", {"procedure_code": code}, {"study": STUDY})
    for place, code in enumerate(("93000", "71260"))
)
VISIT_DEF = Shown("vd1")


def enrollment(number="S-1", study=STUDY, **fields):
    fields = {"subject_number": number, "state": "enrolled", "consented_on": "2026-02-01"} | fields
    return Shown(f"e-{number}", fields, {"participant": WHO, "study": study})


def cell(designation, planned=ECG, visit=None):
    refs = {"study": STUDY, "procedure_def": planned} | ({"visit_def": visit} if visit else {})
    return Shown(f"c-{designation}", {"designation": designation}, refs)


def charge(*enrollments, cells=(), study=STUDY, code="93000", visit=None, **fields):
    others = {
        "Enrollment": list(enrollments), "CoverageDesignation": list(cells),
        "ProcedureDef": [ECG, SCAN],
    }  # fmt: skip
    for known in (STUDY, OTHER, ECG, SCAN):
        known.others = others
    refs = {"participant": WHO} | ({"study": study} if study else {})
    refs |= {"participant_visit": Shown("v1", refs={"visit_def": visit})} if visit else {}
    said = {"service_on": "2026-03-09", "procedure_code": code, "amount": "150.00"} | fields
    return Shown("ch1", said, refs, [Identifier("charge_no", "T1", "UH")], others)


def test_the_subject_is_the_one_of_the_study_that_is_named():
    one = charge(enrollment("S-1"), enrollment("S-2", OTHER))

    assert (subject_number(one), study_number(one)) == ("S-1", "ONC-101")


def test_where_no_study_is_named_the_only_enrollment_counts():
    alone = charge(enrollment("S-2", OTHER), study=None)
    several = charge(enrollment("S-1"), enrollment("S-2", OTHER), study=None)

    assert (subject_number(alone), study_number(alone)) == ("S-2", "L-2")
    assert subject_number(several) is None


@pytest.mark.parametrize(
    "enrollments",
    [
        [],
        [enrollment("S-1"), enrollment("S-9")],  # enrolled twice
        [enrollment("S-1", OTHER)],
        [enrollment("")],  # referred, and no subject yet
        [enrollment("S-1", state="entered_in_error")],
    ],
)
def test_a_charge_that_fits_none_or_several_waits_and_says_why(enrollments):
    mapping = outbound(LIBRARY.outbound["files/charge-review"], Setting(codes=CODES))
    now = datetime(2026, 3, 10, tzinfo=UTC)

    said = mapping.render(charge(*enrollments), delivery_id="D1", now=now)

    assert said == Wait("one enrollment that fits the charge is not known yet")


@pytest.mark.parametrize(
    ("fields", "day", "answer"),
    [
        ({}, "2026-03-09", "yes"),
        ({}, "2026-02-01", "yes"),  # the day of consent
        ({}, "2026-01-31", "no"),
        ({"off_study_on": "2026-03-09"}, "2026-03-09", "yes"),
        ({"off_study_on": "2026-03-02"}, "2026-03-09", "no"),
        ({"off_study_on": "2026-03-20", "died_on": "2026-03-08"}, "2026-03-09", "no"),
        ({"consented_on": None, "enrolled_on": "2026-02-03"}, "2026-02-02", "no"),
        ({"consented_on": None}, "2026-03-09", "unknown"),
        ({"consented_on": "2026-03"}, "2026-03-09", "unknown"),
        ({"off_study_on": "2026"}, "2026-03-09", "unknown"),
        ({"state": "withdrawn"}, "2026-03-09", "unknown"),  # nobody said when
        ({"state": "withdrawn"}, "2026-01-09", "no"),
        ({"state": "prescreened"}, "2026-03-09", "no"),
        ({}, "2026-03", "unknown"),
        ({}, None, "unknown"),
    ],
)
def test_on_study_is_from_consent_to_the_end(fields, day, answer):
    assert on_study(charge(enrollment(**fields), service_on=day)) == answer


def test_a_designation_at_the_visit_counts_before_one_of_the_procedure():
    cells = [cell("research_paid"), cell("routine_care", visit=VISIT_DEF)]

    assert coverage(charge(enrollment(), cells=cells, visit=VISIT_DEF)) == "routine_care"
    assert coverage(charge(enrollment(), cells=cells)) == "research_paid"


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ([], "93000"),
        ([cell("research_paid")], "80053"),  # not of the protocol
        ([cell("research_paid", SCAN)], "93000"),
        ([cell("research_paid"), cell("routine_care")], "93000"),  # two that differ
        ([cell("routine_care", visit=VISIT_DEF)], "93000"),  # at another visit
        ([cell("research_paid")], None),
    ],
)
def test_without_one_designation_none_is_known(cells, code):
    assert coverage(charge(enrollment(), cells=cells, code=code)) == "none known"
