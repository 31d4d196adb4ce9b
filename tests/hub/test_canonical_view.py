"""A record as a target may be shown it: as a version left it, with what it refers to as now."""

from __future__ import annotations

import pytest

from hub.canonical_view import Views
from hub.said import Said
from hub.settle import settle
from hub.statement import Gone, Identifier, Meaning, Ref, SameAs, Stated

BASE = 1_772_000_000_000_000
RANKS = {"ehr": 0, "ctms": 1, "edc": 2}


@pytest.fixture
def say(context):
    seqs = iter(range(1, 100))

    def do(*statements, system="edc"):
        seq = next(seqs)
        meaning = Meaning(statements=statements)
        said = Said(seq=seq, system=system, at=BASE + seq * 1_000_000, meaning=meaning)
        with context.session.transaction():
            settle(context, [said])

    return do


@pytest.fixture
def views(context):
    return Views(context.session, context.keyring, "ctms", lambda _, system: RANKS[system])


def person(key, *mrns, **fields):
    ids = tuple(Identifier("mrn", value, "UH") for value in mrns)
    return Stated(entity="Participant", key=key, fields=fields, identifiers=ids)


def enrollment(state, **more):
    fields = {"participant": Ref("Participant", "p1"), "state": state, **more}
    return Stated(entity="Enrollment", key="e1", fields=fields)


def ids(context, entity="participant"):
    return [row[0] for row in context.session.all(f"select id from {entity} order by id")]


def test_a_version_is_shown_as_it_was(say, views, context):
    say(enrollment("screening", eligible=False))
    say(enrollment("enrolled", eligible=True, withdrawal_scope=["treatment"]))
    [one] = ids(context, "enrollment")

    first, second = (views.version("Enrollment", one, n) for n in (1, 2))

    assert (first.get("state"), first.get("eligible")) == ("screening", False)
    assert (second.get("state"), second.get("withdrawal_scope")) == ("enrolled", ["treatment"])
    assert views.version("Enrollment", one, 0).fields == {}


def test_what_is_so_now_has_the_same_values_on_both_databases(say, views, context):
    say(enrollment("enrolled", eligible=True, withdrawal_scope=["treatment", "data_use"]))
    [one] = ids(context, "enrollment")

    now = views.now("Enrollment", one)

    assert now.get("eligible") is True
    assert now.get("withdrawal_scope") == ["treatment", "data_use"]
    assert now.get("enrolled_on") is None


def test_a_reference_leads_to_the_record_it_was_merged_into(say, views, context):
    say(person("p0", "100", sex="female"))
    say(enrollment("enrolled"), person("p1", "200", sex="male"))
    [one] = ids(context, "enrollment")
    before = views.version("Enrollment", one, 1)
    say(SameAs(entity="Participant", kept="p0", retired="p1"))

    found = before.follow("participant")

    kept = min(ids(context))
    assert found.id == kept
    assert before.fields["participant"] != kept


def test_a_field_without_a_value_is_filled_with_what_is_known_by_now(say, views, context):
    say(enrollment("screening"))
    say(enrollment("enrolled", enrolled_on="2026-03-01"))
    [one] = ids(context, "enrollment")

    filled = views.version("Enrollment", one, 1).filled()

    assert (filled.get("state"), filled.get("enrolled_on")) == ("screening", "2026-03-01")


def test_sealed_values_are_opened_and_noted(say, views, context):
    say(
        person("p1", "100"),
        Stated(entity="ParticipantPhi", key="p1", fields={"family_name": "Doe"}),
        enrollment("enrolled"),
    )
    [one], [patient] = ids(context, "enrollment"), ids(context)
    view = views.version("Enrollment", one, 1)
    view.get("state")
    quiet = dict(views.opened)

    name = view.follow("participant").follow("ParticipantPhi").get("family_name")

    assert name == "Doe"
    assert (quiet, list(views.opened)) == ({}, [("ParticipantPhi", patient)])


def test_a_personal_number_is_noted_as_personal(say, views, context):
    say(person("p1", "100"))
    [one] = ids(context)

    views.now("Participant", one).identifiers("mrn")

    assert list(views.opened) == [("Participant", one)]


def test_records_are_found_by_what_they_refer_to_and_say(say, views, context):
    study = Stated(entity="Study", key="s1", fields={"phase": "3"})
    say(study, person("p1", "100"), enrollment("enrolled", study=Ref("Study", "s1")))
    say(Stated(entity="Enrollment", key="e2", fields={"participant": Ref("Participant", "p1")}))
    say(Stated(entity="Enrollment", key="e3", fields={"study": Ref("Study", "s1")}))
    say(Gone(entity="Enrollment", key="e3"))
    [patient], [one] = ids(context), ids(context, "study")
    here = views.now("Study", one)

    both = here.find("Enrollment", study=one, participant=patient)

    assert [found.get("state") for found in both] == ["enrolled"]
    assert len(here.find("Enrollment", participant=patient)) == 2
    assert len(here.find("Enrollment", study=one)) == 1  # one is gone
    assert here.find("Enrollment", study=patient) == []


def test_a_record_that_was_merged_away_is_not_found(say, views, context):
    for key in ("s1", "s2"):
        say(Stated(entity="StudyArm", key=key, fields={"name": "A"}))
    say(SameAs(entity="StudyArm", kept="s1", retired="s2"))
    here = views.now("StudyArm", min(ids(context, "study_arm")))

    assert [found.id for found in here.find("StudyArm", name="A")] == [here.id]


def test_identifiers_come_in_the_order_of_who_knows_best(say, views, context):
    tie = (Identifier("national_id", "X7", "US"),)
    for system, key, number in (("edc", "c", "300"), ("ehr", "a", "100"), ("ctms", "b", "200")):
        said = person(key)
        numbers = (*tie, Identifier("patient_id", number, system.upper()))
        say(Stated(entity="Participant", key=said.key, fields={}, identifiers=numbers),
            system=system)  # fmt: skip
    [one] = ids(context)

    found = views.now("Participant", one).identifiers("patient_id")

    # the target's own, then by authority
    assert [(i.value, i.assigner) for i in found] == [
        ("200", "CTMS"), ("100", "EHR"), ("300", "EDC"),
    ]  # fmt: skip


def test_the_key_is_the_targets_own_and_not_one_it_has_retired(say, views, context):
    say(person("old", "100"), system="ctms")
    say(person("new", "200"), system="ctms")
    say(person("p1", "200"), system="edc")
    say(SameAs(entity="Participant", kept="new", retired="old"), system="ctms")

    keys = {views.now("Participant", one).native_key() for one in ids(context)}

    assert keys == {"new"}


def test_a_number_that_was_merged_away_comes_last_whoever_says_it(say, views, context):
    say(person("7", "100"), system="ctms")
    say(person("8", "200"), system="ctms")
    say(person("A", "100"), system="ehr")
    say(person("B", "200"), system="ehr")
    say(SameAs(entity="Participant", kept="B", retired="A"), system="ehr")

    [one] = {views.now("Participant", known).id for known in ids(context)}
    shown = views.now("Participant", one)

    assert [number.value for number in shown.identifiers("mrn")] == ["200", "100"]
    assert (shown.native_key(), shown.other_keys()) == ("8", ["7"])


def test_a_number_that_the_survivor_bears_too_is_not_gone(say, views, context):
    say(person("7", "100"), system="ctms")
    say(person("A", "100"), system="ehr")
    say(person("B", "100"), system="ehr")
    say(SameAs(entity="Participant", kept="B", retired="A"), system="ehr")

    [one] = {views.now("Participant", known).id for known in ids(context)}

    assert views.now("Participant", one).native_key() == "7"
    assert views.now("Participant", one).other_keys() == []


def test_a_target_that_does_not_know_a_record_has_no_key_for_it(say, views, context):
    say(person("p1", "100"))
    [one] = ids(context)

    assert views.now("Participant", one).native_key() is None


def test_what_is_known_by_identifier_only_is_nobodys_key(say, views, context):
    ref = Ref("Study", identifiers=(Identifier("nct", "NCT04280705"),))
    fields = {"study": ref, "state": "enrolled"}
    say(Stated(entity="Enrollment", key="e1", fields=fields), system="ctms")
    [one] = ids(context, "study")

    study = views.now("Study", one)

    assert study.native_key() is None
    assert [i.value for i in study.identifiers("nct")] == ["NCT04280705"]


def test_what_was_read_is_remembered(say, views, context):
    say(enrollment("enrolled"), person("p1", "100", sex="female"))
    [one], [patient] = ids(context, "enrollment"), ids(context)
    view = views.version("Enrollment", one, 1)

    view.get("enrolled_on")
    view.follow("participant").get("sex")

    assert [(r.entity, r.field, r.value) for r in views.reads] == [
        ("Enrollment", "participant", patient), ("Participant", "sex", "female"),
    ]  # fmt: skip


def test_who_refers_to_a_record_is_found_from_it(say, views, context):
    say(person("p1", "200"), enrollment("enrolled"))
    say(Stated(entity="Enrollment", key="e2", fields={
        "participant": Ref("Participant", "p1"), "state": "withdrawn"}))  # fmt: skip
    say(person("p2", "300"))
    whose, nobodys = (views.now("Participant", one) for one in ids(context))

    found = whose.referring("Enrollment", "participant")
    enrolled = whose.referring("Enrollment", "participant", ("state", "enrolled"))

    assert sorted(one.get("state") for one in found) == ["enrolled", "withdrawn"]
    assert [one.get("state") for one in enrolled] == ["enrolled"]
    assert nobodys.referring("Enrollment", "participant") == []


def test_of_two_numbers_of_one_system_the_present_one_comes_first(say, views, context):
    for number in ("ACM-7", "ACM-9", "ACM-8"):
        given = (Identifier("sponsor_protocol_no", number, "ACME"),)
        say(Stated(entity="Study", key="s", fields={"sponsor_protocol_no": number},
                   identifiers=given))  # fmt: skip
    [one] = ids(context, "study")

    numbers = views.now("Study", one).identifiers("sponsor_protocol_no")

    assert [number.value for number in numbers] == ["ACM-8", "ACM-7", "ACM-9"]
