"""Why a field has its value: told from the statements of several systems, by the rule in force."""

from __future__ import annotations

import pytest

from hub.model.spec import entities
from hub.policy import Policy
from hub.principal import PHI, READ, SYSTEM, Forbidden, Principal
from hub.provenance import Teller
from hub.query import BadQuery
from hub.statement import REMOVED, Identifier, Ref, Stated
from tests.hub.conftest import SYSTEMS

ENROLLMENT, PARTICIPANT = entities()["Enrollment"], entities()["Participant"]


@pytest.fixture
def teller(reader):
    known = {"connection": "c", "stream": "s", "pipeline": "p", "revision": 3,
             "received_at": "2026-03-01T00:00:00.000000Z"}  # fmt: skip
    return Teller(reader, Policy(systems=SYSTEMS), lambda seqs: dict.fromkeys(seqs, known))


def enrolled(key="E1", **fields):
    return Stated(
        entity="Enrollment", key=key, fields=fields,
        identifiers=(Identifier("subject_number", "S-0012", "ONC-101"),),
    )  # fmt: skip


def patient(key="1", **fields):
    return Stated(
        entity="Participant", key=key, identifiers=(Identifier("mrn", "700", "N"),), fields=fields
    )


def one_of(store, table="enrollment"):
    [(one,)] = store.all(f"select id from {table} where superseded_by is null")
    return one


def story(teller, spec, one, *asked, who=SYSTEM):
    return teller.story(who, spec, one, asked)


def test_a_disagreement_names_the_winner_the_rule_and_what_the_others_say(teller, tell, store):
    tell(enrolled(state="off_study"), system="ctms")
    tell(enrolled(state="on_treatment"), system="edc")
    tell(enrolled(state="off_study"), system="ehr")

    [field] = story(teller, ENROLLMENT, one_of(store), "state").fields

    assert (field["value"], field["version"]) == ("off_study", 1)
    said = field["said_by"]
    assert (said["system"], said["role"], said["message"]) == ("ctms", "CTMS", 1)
    assert said["source"]["revision"] == 3
    assert field["rule"] == {
        "entry": "Enrollment.*", "by": "authority", "order": ["CTMS", "EDC", "EHR"],
        "because": "CTMS counts before EDC, EHR",
    }  # fmt: skip
    assert [(o["system"], o["value"], o["because"]) for o in field["others"]] == [
        ("edc", "on_treatment", "EDC counts behind CTMS"),
        ("ehr", "off_study", "it says the same"),
    ]


def test_a_field_is_as_old_as_the_version_that_gave_it_its_value(teller, tell, store):
    tell(enrolled(state="enrolled"), system="ctms")
    tell(enrolled(state="enrolled", evaluable=True), system="ctms")
    tell(enrolled(state="off_study"), system="ctms")

    state, evaluable = story(teller, ENROLLMENT, one_of(store), "state", "evaluable").fields

    assert (state["version"], evaluable["version"]) == (3, 2)
    assert state["since"] > evaluable["since"]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"deceased": None}, "it does not know"),
        ({"deceased": REMOVED}, "EDC counts behind EHR"),
        ({"deceased": True}, "it says the same"),
    ],
)
def test_what_does_not_count_says_why(teller, tell, store, fields, why):
    tell(patient(deceased=True), system="ehr")
    tell(patient(**fields), system="edc")

    [field] = story(teller, PARTICIPANT, one_of(store, "participant"), "deceased").fields

    assert [other["because"] for other in field["others"]] == [why]


def test_a_system_alone_and_one_that_spoke_earlier_are_told_apart(teller, tell, store):
    tell(patient("1", sex="male"), system="ehr")
    one = one_of(store, "participant")
    [alone] = story(teller, PARTICIPANT, one, "sex").fields
    tell(patient("2", sex="female"), system="ehr")
    [later] = story(teller, PARTICIPANT, one, "sex").fields

    assert alone["rule"]["because"] == "no other system speaks of it"
    assert later["rule"]["because"] == "of the systems that rank first, it spoke last"
    assert (later["value"], later["others"][0]["because"]) == ("female", "it spoke earlier")


def test_a_field_that_nobody_speaks_of_has_no_story(teller, tell, store):
    tell(patient(sex="male"), system="ehr")

    [field] = story(teller, PARTICIPANT, one_of(store, "participant"), "deceased").fields

    assert (field["value"], field["said_by"], field["since"]) == (None, None, None)
    assert field["rule"]["because"] == "no system speaks of it"


def test_references_are_the_records_they_lead_to_by_name(teller, tell, store):
    study = Stated(entity="Study", key="P1", fields={"title": "A trial"})
    tell(study, enrolled(study=Ref("Study", "P1")), system="ctms")
    nct = (Identifier("nct", "NCT04511923"),)
    tell(Stated(entity="Study", key="P1", fields={}, identifiers=nct), system="ctms")
    other = Stated(entity="Study", key="E9", fields={}, identifiers=nct)
    tell(other, enrolled(study=Ref("Study", "E9")), system="edc")

    [field] = story(teller, ENROLLMENT, one_of(store), "study").fields

    expected = {"entity": "Study", "id": one_of(store, "study"), "label": "A trial"}
    assert field["value"] == field["said_by"]["value"] == expected
    [edc] = field["others"]  # by another key, and the same study
    assert (edc["value"], edc["because"]) == (expected, "it says the same")


def test_without_names_every_field_with_a_value_is_told(teller, tell, store):
    tell(enrolled(state="enrolled", subject_number="S-0012"), system="ctms")

    told = story(teller, ENROLLMENT, one_of(store))

    assert told.name == "S-0012"
    assert {one["field"] for one in told.fields} == {"state", "subject_number"}


def test_personal_fields_need_the_scope_and_are_reported_as_seen(teller, tell, store, audited):
    phi = Stated(entity="ParticipantPhi", key="1", fields={"family_name": "Okafor"})
    other = Stated(entity="ParticipantPhi", key="1", fields={"family_name": "Okafor-Ek"})
    tell(patient(sex="male"), phi, system="ehr")
    tell(patient(sex="male"), other, system="edc")
    one = one_of(store, "participant")
    narrow = Principal(name="n", scopes=frozenset({READ}))
    wide = Principal(name="w", scopes=frozenset({READ, PHI}))

    story(teller, PARTICIPANT, one, who=narrow)
    with pytest.raises(Forbidden):
        story(teller, PARTICIPANT, one, "phi.family_name", who=narrow)
    assert audited == []
    [field] = story(teller, PARTICIPANT, one, "phi.family_name", who=wide).fields

    assert audited == [("ParticipantPhi", [one], wide)]
    assert (field["field"], field["value"]) == ("phi.family_name", "Okafor")
    assert [o["value"] for o in field["others"]] == ["Okafor-Ek"]


def test_a_record_outside_the_grants_has_no_story(teller, tell, store):
    tell(enrolled(state="enrolled"), system="ctms")
    confined = Principal(name="c", scopes=frozenset({READ}), studies=frozenset({"another"}))

    assert story(teller, ENROLLMENT, one_of(store), "state", who=confined) is None
    assert story(teller, ENROLLMENT, "01a20aea-bf12-7045-b155-0f2ee3572132", "state") is None


def test_a_field_that_does_not_exist_is_told_with_those_that_do(teller, tell, store):
    tell(enrolled(state="enrolled"), system="ctms")

    with pytest.raises(BadQuery, match="Enrollment has the fields"):
        story(teller, ENROLLMENT, one_of(store), "status")


def test_what_was_settled_under_another_policy_says_so(teller, tell, store):
    tell(enrolled(state="off_study"), system="ctms")
    tell(enrolled(state="on_treatment"), system="edc")
    swapped = dict(SYSTEMS) | {"ctms": SYSTEMS["edc"], "edc": SYSTEMS["ctms"]}
    later = Teller(teller.reader, Policy(systems=swapped), teller.sources)

    [field] = story(later, ENROLLMENT, one_of(store), "state").fields

    assert (field["value"], field["said_by"]["value"]) == ("off_study", "off_study")
    assert field["rule"]["because"].startswith("settled under an earlier policy")


def test_after_a_merge_the_story_is_that_of_the_record_that_stands(teller, tell, store):
    tell(patient("1", sex="male"), system="ehr")
    tell(Stated(entity="Participant", key="9", fields={"deceased": False}), system="ctms")
    old = store.one("select entity_id from xref where system = 'ctms'")[0]
    tell(Stated(entity="Participant", key="9", fields={"deceased": False},
                identifiers=(Identifier("mrn", "700", "N"),)), system="ctms")  # fmt: skip

    told = story(teller, PARTICIPANT, old, "sex", "deceased")

    assert [one["said_by"]["system"] for one in told.fields] == ["ehr", "ctms"]
