"""USDM's own examples: every piece of the design counted, and identifiers that are no proof."""

from collections import Counter

import pytest

from connectors.files import Files
from hub import identifiers

ALEXION, PILOT = "Alexion_NCT04573309_Wilsons.json", "CDISC_Pilot_Study.json"


@pytest.fixture
def read(data, library):
    reader = library.reader(["usdm/study"])

    def read(name):
        stream = {"glob": name, "format": "document", "settle": 0,
                  "media": "application/json;usdm"}  # fmt: skip
        path = data / "usdm" / "cdisc-ddf-ra"
        [record] = Files(path=path, streams={"usdm": stream}).pull("usdm", "")
        return reader(record)

    return read


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        (ALEXION, {"Study": 1, "StudyArm": 1, "StudyEpoch": 4, "VisitDef": 50,
                   "ProtocolVersion": 4, "EligibilityCriterion": 31}),
        (PILOT, {"Study": 1, "StudyArm": 3, "StudyEpoch": 5, "VisitDef": 12,
                 "ProtocolVersion": 1, "EligibilityCriterion": 31, "StudySite": 1}),
    ],
)  # fmt: skip
def test_counts_are_exact(read, tell, store, name, counts):
    meaning = read(name)
    found = Counter(one.entity for one in meaning.statements)

    tell(meaning, "register")

    assert {entity: found[entity] for entity in counts} == counts
    tables = {"StudyArm": "study_arm", "StudyEpoch": "study_epoch", "VisitDef": "visit_def",
              "ProtocolVersion": "protocol_version", "StudySite": "study_site",
              "EligibilityCriterion": "eligibility_criterion"}  # fmt: skip
    for entity in counts.keys() & tables.keys():
        assert store.one(f"select count(*) from {tables[entity]}") == (counts[entity],)
    assert meaning.complaints == ()


def test_four_identifiers_are_one_study(read, tell, store):
    tell(read(ALEXION), "register")
    tell(read(ALEXION), "register")

    [study] = [one for one in read(ALEXION).statements if one.entity == "Study"]
    assert [(one.type, one.value) for one in study.identifiers] == [
        ("sponsor_protocol_no", "ALXN1840-WD-204"), ("nct", "NCT04573309"),
        ("eudract", "2020-001104-41"), ("ind", "119006"),
    ]  # fmt: skip
    assert store.one("select count(*) from study") == (1,)


def test_a_placeholder_number_never_matches(read):
    [study] = [one for one in read(PILOT).statements if one.entity == "Study"]

    judged = {one.type: identifiers.judge("Study", one) for one in study.identifiers}

    assert judged == {"sponsor_protocol_no": "matches", "nct": "placeholder"}


def test_the_registrys_record_of_the_study_is_the_same_study(read, tell, store, library, record):
    body = (
        b'{"protocolSection": {"identificationModule": {"nctId": "NCT04573309"},'
        b' "statusModule": {"overallStatus": "COMPLETED"}}}'
    )
    registry = library.reader(["registry/clinicaltrials-gov"])
    tell(read(ALEXION), "ehr")
    tell(read(PILOT), "ehr")

    tell(registry(record(body, "application/json")), "register")

    rows = store.all("select phase, status from study where superseded_by is null")
    assert len(rows) == 2
    assert set(rows) == {("2", None), ("2", "completed")}


def test_visits_are_as_many_days_from_the_anchor_as_the_timeline_says(read):
    visits = {
        one.fields["name"]: one.fields for one in read(PILOT).statements if one.entity == "VisitDef"
    }

    days = [(name, fields["planned_day"]) for name, fields in visits.items()]
    assert days[:4] == [("Screening 1", -14), ("Screening 2", -2), ("Baseline", 0), ("Week 2", 14)]
    assert days[-1] == ("Week 26", 182)
    assert visits["Week 8"]["window_before_days"] == visits["Week 8"]["window_after_days"] == 3
    assert visits["Week 26"]["epoch"].key.endswith("|Follow-Up")
    assert "window_before_days" not in visits["Screening 2"]  # four hours


def test_every_visit_of_the_larger_study_has_its_day(read):
    days = [
        one.fields.get("planned_day")
        for one in read(ALEXION).statements
        if one.entity == "VisitDef"
    ]

    assert days[:10] == [-42, -21, -8, -7, -6, -4, -3, -2, -1, 0]
    assert days[10:] == [*range(1, 40), 53]


def test_amendments_follow_each_other(read):
    versions = [one for one in read(ALEXION).statements if one.entity == "ProtocolVersion"]

    assert [one.fields["amendment_no"] for one in versions] == ["1", "2", "3", "4"]
    assert [one.fields["supersedes"].key[-1] for one in versions[1:]] == ["1", "2", "3"]
    assert versions[3].fields["sponsor_approved_on"] == "2022-03-18"
    assert {one.fields["substantial"] for one in versions} == {True}
