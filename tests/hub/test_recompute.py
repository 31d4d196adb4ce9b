"""Another policy: what it would change, and that nothing is lost on the way to it."""

from __future__ import annotations

from hub import believed
from hub.authority import DEFAULT_RULES
from hub.policy import Policy
from hub.recompute import chunks, differences, finish, recompute
from hub.rules import Rule
from hub.statement import Identifier, Stated
from tests.hub.conftest import BASE, SYSTEMS


def policy(entity, *order):
    rules = {**DEFAULT_RULES, entity: {"*": Rule(order=order)}}
    return Policy(systems=SYSTEMS, rules=rules)


EDC_FIRST = policy("Enrollment", "EDC", "CTMS")


def subject(key, number, **fields):
    ids = (Identifier("subject_number", number, "urn:x:1"),)
    return Stated(
        entity="Enrollment", key=key, identifiers=ids, fields={"subject_number": number, **fields}
    )


def begin(context, policy):
    """The next start of the settler, under this policy."""
    context.world.clear()
    context.policy = policy
    context.stale = believed.begin(context.session, policy)


def states(context):
    return context.session.all("select subject_number, state from enrollment order by id")


def two_subjects(context, tell):
    begin(context, context.policy)
    for number in ("S-1", "S-2"):
        tell(subject(f"c{number}", number, state="off_study"), system="ctms")
        tell(subject(f"e{number}", number, state="on_treatment"), system="edc")
    tell(subject("cS-3", "S-3", state="enrolled"), system="ctms")


def all_of(context, policy):
    for ids in chunks(context, "Enrollment"):
        with context.session.transaction():
            recompute(context, "Enrollment", ids, seq=900, at=BASE + 900_000_000)
    with context.session.transaction():
        finish(context, "Enrollment")


def test_the_difference_names_record_field_both_values_and_who_would_be_believed(context, tell):
    two_subjects(context, tell)
    begin(context, EDC_FIRST)

    found = list(differences(context, "Enrollment"))

    assert [(d.label, d.field, d.before, d.after, d.by) for d in found] == [
        ("S-1", "state", "off_study", "on_treatment", "edc"),
        ("S-2", "state", "off_study", "on_treatment", "edc"),
    ]
    assert states(context)[0] == ("S-1", "off_study")


def test_working_out_again_makes_one_version_where_something_changes(context, tell):
    two_subjects(context, tell)
    begin(context, EDC_FIRST)
    assert context.stale == {"Enrollment"}

    all_of(context, EDC_FIRST)

    assert states(context) == [
        ("S-1", "on_treatment"), ("S-2", "on_treatment"), ("S-3", "enrolled"),
    ]  # fmt: skip
    changed = context.session.all("select changed from version where seq = 900")
    assert changed == [('{"state":"on_treatment"}',)] * 2
    assert context.stale == frozenset()
    assert believed.stale(context.session, EDC_FIRST) == frozenset()
    assert list(differences(context, "Enrollment")) == []


def test_a_message_before_that_tells_the_whole_change_in_its_version(context, tell):
    two_subjects(context, tell)
    begin(context, EDC_FIRST)

    tell(subject("eS-1", "S-1", state="on_treatment", enrolled_on="2026-03-01"), system="edc")

    [(changed,)] = context.session.all("select changed from version order by v desc limit 1")
    assert changed == '{"state":"on_treatment","enrolled_on":"2026-03-01"}'
    assert dict(states(context)) == {"S-1": "on_treatment", "S-2": "off_study", "S-3": "enrolled"}


def test_going_back_to_the_former_policy_gives_the_former_records(context, tell):
    former = context.policy
    two_subjects(context, tell)
    before = context.session.all("select id, state, provenance from enrollment order by id")
    begin(context, EDC_FIRST)
    all_of(context, EDC_FIRST)
    begin(context, former)
    all_of(context, former)

    assert context.session.all("select id, state, provenance from enrollment order by id") == before


def test_personal_fields_say_that_they_differ_and_no_more(context, tell):
    who = Identifier("mrn", "1001", "NORTH")
    begin(context, context.policy)
    for system, name in (("ehr", "EXAMPLE"), ("ctms", "SAMPLE")):
        tell(
            Stated(entity="Participant", key=system, identifiers=(who,), fields={}),
            Stated(entity="ParticipantPhi", key=system, fields={"family_name": name}),
            system=system,
        )
    begin(context, policy("ParticipantPhi", "CTMS", "EHR"))

    [found] = differences(context, "ParticipantPhi")

    assert (found.field, found.before, found.after, found.by) == (
        "family_name", "(sealed)", "(sealed)", "ctms",
    )  # fmt: skip


def test_going_back_before_all_is_worked_out_leaves_nothing_of_the_other_policy(context, tell):
    former = context.policy
    two_subjects(context, tell)
    before = states(context)
    begin(context, EDC_FIRST)
    tell(subject("eS-1", "S-1", state="on_treatment"), system="edc")
    begin(context, former)
    assert context.stale == {"Enrollment"}
    assert [d.label for d in differences(context, "Enrollment")] == ["S-1"]

    all_of(context, former)

    assert states(context) == before
