"""Findings about a record as it stands: two systems disagree, a state jumped."""

from __future__ import annotations

from hub.policy import Policy
from hub.rules import Rule, Tolerance
from hub.statement import Identifier, Ref, SameAs, Stated
from tests.hub.conftest import SYSTEMS

NUMBER = Identifier("nct", "NCT04280705")


def study(system, **fields):
    return Stated(entity="Study", key=f"{system}-1", identifiers=(NUMBER,), fields=fields)


def subject(key, state, **more):
    number = Identifier("subject_number", "S-1", "urn:x:1")
    fields = {"state": state, **more}
    return Stated(entity="Enrollment", key=key, identifiers=(number,), fields=fields)


def findings(context, closed=False):
    state = "not null" if closed else "null"
    return context.session.all(
        f"select rule, entity, field, found, expected from finding where closed_at is {state} "
        "order by id"
    )


def quality(context, table="enrollment"):
    return [row[0] for row in context.session.all(f"select quality from {table} order by id")]


def test_two_systems_that_disagree_open_one_finding_with_both_values(context, tell):
    tell(subject("c1", "off_study"), system="ctms")
    tell(subject("e1", "on_treatment"), system="edc")

    assert findings(context) == [
        ("systems-disagree", "Enrollment", "state", "ctms: off_study; edc: on_treatment",
         "one value; the hub believes CTMS before EDC before EHR"),
    ]  # fmt: skip
    assert quality(context) == ["conflict"]


def test_it_is_opened_once_and_says_what_is_said_now(context, tell):
    tell(subject("c1", "off_study"), system="ctms")
    for state in ("on_treatment", "end_of_treatment"):
        tell(subject("e1", state), system="edc")

    [(_, _, _, found, _)] = findings(context)
    assert found == "ctms: off_study; edc: end_of_treatment"


def test_it_closes_by_itself_when_they_agree(context, tell):
    tell(subject("c1", "off_study"), system="ctms")
    tell(subject("e1", "on_treatment"), system="edc")
    tell(subject("e1", "off_study"), system="edc")

    assert findings(context) == []
    assert len(findings(context, closed=True)) == 1
    assert quality(context) == ["ok"]


def test_a_system_that_the_order_does_not_name_contradicts_nobody(context, tell):
    tell(subject("c1", "off_study"), system="ctms")
    tell(subject("h1", "on_treatment"), system="hr")

    assert findings(context) == []


def test_names_written_differently_and_a_month_and_its_day_are_no_disagreement(context, tell):
    tell(study("ctms", title="A Trial"), system="ctms")
    tell(study("edc", title="A trial"), system="edc")
    tell(subject("c1", "enrolled", enrolled_on="2026-03"), system="ctms")
    tell(subject("e1", "enrolled", enrolled_on="2026-03-05"), system="edc")

    assert findings(context) == []


def test_a_tolerance_in_days_allows_so_many_and_no_more(context, tell):
    rule = Rule(order=("CTMS", "EDC"), tolerance=Tolerance(days=2))
    context.policy = Policy(systems=SYSTEMS, rules={"Enrollment": {"enrolled_on": rule}})
    tell(subject("c1", "enrolled", enrolled_on="2026-03-05"), system="ctms")
    tell(subject("e1", "enrolled", enrolled_on="2026-03-07"), system="edc")
    assert findings(context) == []

    tell(subject("e1", "enrolled", enrolled_on="2026-03-08"), system="edc")
    assert [row[2] for row in findings(context)] == ["enrolled_on"]


def test_of_personal_data_only_the_systems_are_named(context, tell):
    who = Identifier("mrn", "1001", "NORTH")
    for system, day in (("ehr", "1970-01-02"), ("ctms", "1971-01-02")):
        tell(
            Stated(entity="Participant", key=f"{system}-p", identifiers=(who,), fields={}),
            Stated(entity="ParticipantPhi", key=f"{system}-p", fields={"birth_date": day}),
            system=system,
        )

    [(rule, entity, field, found, _)] = findings(context)
    assert (rule, entity, field) == ("systems-disagree", "ParticipantPhi", "birth_date")
    assert found == "ehr; ctms"


def test_a_merge_and_its_undoing_open_and_close_what_they_must(context, tell):
    tell(Stated(entity="Enrollment", key="a", fields={"state": "enrolled"}), system="ctms")
    tell(Stated(entity="Enrollment", key="b", fields={"state": "off_study"}), system="edc")
    tell(Stated(entity="Enrollment", key="b2", fields={"state": "off_study"}), system="ctms")
    tell(SameAs(entity="Enrollment", kept="a", retired="b2"), system="ctms")
    assert findings(context) == []  # one system, two keys: the newer word counts

    tell(SameAs(entity="Enrollment", kept="a", retired="b2", withdrawn=True), system="ctms")
    assert findings(context) == []


def test_two_references_are_looked_at_again_when_what_they_lead_to_becomes_one(context, tell):
    for system, number in (("ctms", "NCT04280705"), ("edc", "NCT04280706")):
        ids = (Identifier("nct", number),)
        tell(Stated(entity="Study", key="s", identifiers=ids, fields={}), system=system)
        tell(subject("e", "enrolled", study=Ref("Study", "s")), system=system)
    [(_, entity, field, found, _)] = findings(context)
    assert (entity, field, found) == ("Enrollment", "study", "ctms; edc")

    both = (Identifier("nct", "NCT04280705"), Identifier("irb_no", "7", "urn:x:irb"))
    tell(Stated(entity="Study", key="s", identifiers=both, fields={}), system="ctms")
    ids = (Identifier("irb_no", "7", "urn:x:irb"),)
    tell(Stated(entity="Study", key="t", identifiers=ids, fields={}), system="edc")
    tell(SameAs(entity="Study", kept="t", retired="s"), system="edc")

    assert findings(context) == []
    assert quality(context) == ["ok"]


def test_a_jump_of_the_state_is_kept_and_reported_until_a_drawn_step_follows(context, tell):
    tell(subject("c1", "potential"), system="ctms")
    tell(subject("c1", "completed"), system="ctms")

    [(rule, _, field, found, expected)] = findings(context)
    assert (rule, field, found) == ("illegal-step", "state", "potential → completed")
    assert expected.startswith("after potential: prescreened")
    assert quality(context) == ["warning"]
    assert context.session.all("select state from enrollment") == [("completed",)]

    tell(subject("c1", "completed", off_reason="completed"), system="ctms")
    assert quality(context) == ["warning"]

    tell(subject("c1", "died"), system="ctms")
    assert findings(context) == []
    assert quality(context) == ["ok"]
