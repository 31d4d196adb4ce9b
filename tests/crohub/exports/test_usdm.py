"""A study as USDM 4.0: every object whole by the standard, and read by a hub into the same
definition."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

MEDIA = "application/json;usdm"
# The members of the classes of USDM 4.0 as CDISC's reference implementation (usdm 0.66) has them;
# it needs pandas and a paid service's client, so that what it says is kept and not it.
MEMBERS = json.loads((Path(__file__).parent / "usdm_members.json").read_text())


@pytest.fixture(scope="module")
def document(export):
    return json.loads(export("usdm"))


def objects(value):
    if isinstance(value, dict):
        yield value
    for member in value.values() if isinstance(value, dict) else value:
        if isinstance(member, dict | list):
            yield from objects(member)


def test_each_object_has_the_members_of_its_class(document):
    for one in objects(document["study"]):
        members = MEMBERS[one["instanceType"]]
        known = {*members["must"], *members["may"], "instanceType"}
        assert not set(one) - known, (one["instanceType"], set(one) - known)
        for name in members["must"]:
            assert one.get(name) is not None, (one["instanceType"], name)


def test_ids_are_unique_and_every_reference_leads_to_one(document):
    listed = [one["id"] for one in objects(document["study"])]
    ids = set(listed)

    assert len(listed) == len(ids)
    for one in objects(document["study"]):
        for name, value in one.items():
            if name.endswith("Id") and isinstance(value, str):
                assert value in ids, (one["instanceType"], name)
            if name.endswith("Ids"):
                assert set(value) <= ids, (one["instanceType"], name)


def test_every_code_is_one_of_a_system(document):
    codes = [one for one in objects(document["study"]) if one["instanceType"] == "Code"]

    assert codes
    assert all(one["code"] and one["codeSystem"] for one in codes)


def test_the_days_of_visits_are_told_from_the_visit_on_day_0(document):
    [design] = document["study"]["versions"][0]["studyDesigns"]
    [line] = design["scheduleTimelines"]

    told = {one["name"]: (one["type"]["decode"], one["value"], one["windowUpper"])
            for one in line["timings"]}  # fmt: skip
    assert told == {
        "Screening timing": ("Before", "P14D", "P7D"),
        "Day 1 timing": ("Fixed Reference", "P0D", None),
        "Week 2 timing": ("After", "P14D", "P3D"),
    }
    by_name = {one["name"]: one for one in line["instances"]}
    assert by_name["Day 1"]["activityIds"] == [design["activities"][0]["id"]]


def test_a_hub_reads_it_back_into_the_same_definition(document, library, record, store, elsewhere):
    read = library.reader(["usdm/study"])

    meaning = read(record(json.dumps(document).encode(), MEDIA))
    elsewhere.tell(meaning)

    assert meaning.complaints == ()
    for columns, table in (
        ("title, official_title, acronym, study_type, phase, blinding, target_enrolment, "
         "description", "study"),
        ("name, arm_type", "study_arm"),
        ("name, epoch_type, sequence", "study_epoch"),
        ("name, sequence, planned_day, window_before_days, window_after_days, contact_mode, "
         "calendar_version", "visit_def"),
        ("kind, amendment_no, summary, primary_reason, substantial, effective_on",
         "protocol_version"),
        ("criterion_no, category, wording", "eligibility_criterion"),
    ):  # fmt: skip
        assert elsewhere.table(columns, table) == store.table(columns, table), table
    [(conditions,)] = elsewhere.session.all("select conditions from study")
    assert json.loads(conditions) == ["A disease"]
    epochs = "select d.name, e.name from visit_def d join study_epoch e on e.id = d.epoch_id"
    assert sorted(elsewhere.session.all(epochs)) == sorted(store.session.all(epochs))
    sponsor = (
        "select o.name, o.city, o.country from study s join organization o on o.id = s.sponsor_id"
    )
    assert elsewhere.session.all(sponsor) == [("Acme Bio", "Springfield", "US")]
    numbers = "select type from identifier where entity = 'Study' order by type"
    assert [one for (one,) in elsewhere.session.all(numbers)] == ["nct", "sponsor_protocol_no"]


def test_an_arm_whose_kind_the_standard_has_no_word_for_stands_as_another(document, elsewhere):
    [design] = document["study"]["versions"][0]["studyDesigns"]

    assert [one["type"]["decode"] for one in design["arms"]] == ["Investigational Arm", "Other"]
