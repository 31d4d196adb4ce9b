"""ClinicalTrials.gov's own answers: a list and single studies of the same two studies."""

import pytest

from connectors.rest_elements import elements


@pytest.fixture
def answers(data):
    """(bodies of the list's elements, bodies of the answers for one study)"""
    folder = data / "registry" / "clinicaltrials-gov-v2"
    [several] = folder.glob("studies_*.json")
    listed, _ = elements(several.read_bytes(), "studies")
    return (
        [element.text.encode() for element in listed],
        [path.read_bytes() for path in sorted(folder.glob("study_*.json"))],
    )


@pytest.fixture
def read(library, record):
    reader = library.reader(["registry/clinicaltrials-gov"])
    return lambda body: reader(record(body, "application/json"))


def test_list_and_single_answers_are_two_studies_and_27_sites(answers, read, tell, store):
    listed, single = answers

    for body in [*listed, *single, *listed]:
        tell(read(body), "register")

    studies = store.all("select status, start_on, actual_enrolment, phase, quality from study")
    assert sorted(studies) == [
        ("closed_to_accrual", "2020-04-22", 87, "2", "ok"),
        ("terminated", "2004-05", 23, "2", "ok"),
    ]
    assert store.one("select count(*) from study_site") == (27,)
    assert store.one("select count(*) from study_site where country = 'CN'") == (26,)
    assert store.one("select count(*) from location") == (27,)
    assert store.one("select count(*) from study_arm") == (3,)


def test_nothing_changes_when_the_same_is_said_in_the_other_shape(answers, read, tell):
    listed, single = answers
    first = [tell(read(body), "register").versions for body in listed]

    again = [tell(read(body), "register").versions for body in single]

    assert min(first) > 0
    assert again == [0, 0]


def test_nothing_in_the_real_answers_is_complained_about(answers, read):
    listed, single = answers

    complaints = [one for body in [*listed, *single] for one in read(body).complaints]

    assert complaints == []


def test_sponsor_and_investigator_are_records_of_their_own(answers, read, tell, store):
    for body in answers[1]:
        tell(read(body), "register")

    rows = store.all(
        "select o.name, p.family_name, a.role from study s "
        "join organization o on o.id = s.sponsor_id "
        "join person p on p.id = s.principal_investigator_id "
        "join staff_assignment a on a.person_id = p.id and a.study_id = s.id"
    )
    assert sorted(rows) == [
        ("University of Southern California", "Jeffrey Weber", "pi"),
        ("Xynomic Pharmaceuticals, Inc.", "Yuankai SHI", "pi"),
    ]
