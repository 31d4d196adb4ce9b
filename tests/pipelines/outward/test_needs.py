"""A delivery waits until its target knows what the record refers to, and stays in its world."""

from __future__ import annotations

import pytest

from connectors.flaky import Flaky
from hub.statement import Identifier, Stated
from mappings.mistakes import MappingErrors
from pipelines.outlet import outlets

PEOPLE = """\
when: {entity: Participant, sex: {known: true}}
writes: text/csv;row
stream: people
columns: {sex: sex}
"""


@pytest.fixture
def needing(outward):
    """Enrollments go out once the target knows study and participant; people go out, too."""
    outward.write(mappings__outbound__people=PEOPLE)
    outward.study()
    outward.tell(needs="[study, participant]")
    outward.tell(name="people", mapping="people")
    return outward


def person(outward, number=1, system="edc", key=None):
    mrn = (Identifier("mrn", f"100{number}", "NORTH"),)
    stated = Stated(
        entity="Participant", key=key or f"p{number}", fields={"sex": "female"}, identifiers=mrn
    )
    outward.say(stated, system=system)


def test_a_subject_waits_for_the_targets_own_key_of_study_and_participant(needing):
    target = Flaky()
    deliverer = needing.deliverer(connector=target)
    person(needing)
    needing.enroll(1)
    needing.run(deliverer)
    seen = [needing.rows("state, detail")]
    needing.study(system="target", key="T-7")
    needing.clock.move(2)
    needing.run(deliverer)
    seen.append(needing.rows("state, detail"))
    person(needing, system="target", key="T-8")
    needing.clock.move(4)
    needing.run(deliverer)

    assert seen == [
        [("waiting", "target does not know study yet")],
        [("waiting", "target does not know participant yet")],
    ]
    assert needing.rows("state") == ["delivered"]
    assert len(target.taken()) == 1


def test_what_the_target_took_it_knows_and_who_waited_for_it_goes_at_once(needing):
    target = Flaky()
    subjects = needing.deliverer(connector=target)
    people = needing.deliverer("people", connector=target)
    needing.study(system="target", key="T-7")
    person(needing)
    needing.enroll(1)
    needing.run(subjects)
    needing.clock.move(3000)
    needing.run(subjects)  # it has waited for long: it would be looked at every few minutes
    before = needing.rows("state, detail")
    needing.run(people)
    needing.run(subjects)  # and the clock has not moved

    assert before == [("waiting", "target does not know participant yet")]
    assert needing.rows("state", "people") == needing.rows("state") == ["delivered"]


def test_a_refused_participant_keeps_its_subject_waiting(needing):
    needing.study(system="target", key="T-7")
    subjects = needing.deliverer(connector=Flaky())
    people = needing.deliverer("people", connector=Flaky(refuse=1))
    person(needing)
    needing.enroll(1)
    needing.run(people)
    needing.run(subjects)

    assert needing.rows("state", "people") == ["refused"]
    assert needing.rows("state") == ["waiting"]


def test_a_mapping_may_say_what_it_needs(small_outward):
    rows = (small_outward.house.folder / "mappings/outbound/rows.yaml").read_text()
    small_outward.write(**{"mappings/outbound/rows.yaml": rows + "needs: [study]\n"})
    small_outward.study()
    small_outward.tell()
    deliverer = small_outward.deliverer(connector=Flaky())
    small_outward.enroll(1)
    small_outward.run(deliverer)

    assert small_outward.rows("detail") == ["target does not know study yet"]


def test_in_shadow_what_would_be_told_counts(small_outward):
    small_outward.write(mappings__outbound__people=PEOPLE)
    small_outward.study()
    small_outward.study(system="target", key="T-7")
    small_outward.tell(needs="[study, participant]", mode="shadow")
    small_outward.tell(name="people", mapping="people", mode="shadow")
    person(small_outward)
    made = [small_outward.deliverer(name, Flaky()) for name in ("people", "out")]
    person(small_outward, 2)
    small_outward.enroll(2)
    for one in made:
        small_outward.run(one)

    assert small_outward.rows("state", "people") == small_outward.rows("state") == ["shadow"]


def test_a_need_that_the_record_does_not_refer_to_is_a_mistake(small_outward):
    small_outward.tell(needs="[study, sponsor]")

    with pytest.raises(MappingErrors, match="sponsor"):
        outlets(small_outward.house.deployment)


# -- environments


@pytest.mark.parametrize(
    ("source", "target", "ends"),
    [
        ("production", "production", ("delivered", "")),
        ("test", "test", ("delivered", "")),
        ("test", "production", "wrong environment: test data, and target is a production system"),
        ("production", "test", "wrong environment: production data, and target is a test system"),
    ],
)
def test_a_record_is_told_to_systems_of_its_own_environment(small_outward, source, target, ends):
    head = "connector: connectors.flaky:Flaky\nenvironment: "
    small_outward.write(
        connections__edc=f"{head}{source}\nsystem: edc\nrole: EDC\n",
        connections__target=f"{head}{target}\nsystem: target\nrole: CTMS\n",
    )
    small_outward.study()
    small_outward.tell()
    taker = Flaky()
    deliverer = small_outward.deliverer(connector=taker)
    small_outward.enroll(1)
    small_outward.run(deliverer)

    refused = isinstance(ends, str)
    assert small_outward.rows("state, detail") == [("refused", ends) if refused else ends]
    assert len(taker.taken()) == (0 if refused else 1)
