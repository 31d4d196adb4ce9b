"""A visit goes out once it is certain which planned visit it is; what is not, a person decides."""

from __future__ import annotations

import pytest

from connectors.flaky import Flaky
from hub.statement import Gone, Identifier, Ref, Stated
from mappings.mistakes import MappingErrors
from pipelines.outlet import outlets

VISITS = """\
when: {entity: ParticipantVisit, status: [scheduled, completed, cancelled]}
writes: text/csv;row
stream: visits
matches: planned_visit
requires: ["visit_def.key"]
columns: {visit: "visit_def.key", subject: "enrollment.key", status: status, on: actual_on}
"""
MRN = (Identifier("mrn", "1", "NORTH"),)
NCT = (Identifier("nct", "NCT04280705"),)


@pytest.fixture
def matching(small_outward):
    """The target knows the study, its calendar of one visit, and a subject of it."""
    made = small_outward
    made.write(mappings__outbound__visits=VISITS)
    made.study(system="target", key="T-1")
    made.study()
    person = {"study": Ref("Study", "T-1"), "participant": Ref("Participant", "T-2")}
    made.say(
        Stated(entity="Participant", key="T-2", fields={"sex": "female"}, identifiers=MRN),
        Stated(entity="Enrollment", key="T-3", fields={**person, "enrolled_on": "2026-02-11"}),
        planned("T-4", "Week 3", 21),
        planned("T-5", "Week 1", 7),
        system="target",
    )  # fmt: skip
    made.say(Stated(entity="Participant", key="p1", fields={"sex": "female"}, identifiers=MRN))
    return made


def planned(key, name, day):
    fields = {"study": Ref("Study", "T-1"), "name": name, "planned_day": day,
              "window_before_days": 2, "window_after_days": 3}  # fmt: skip
    return Stated(entity="VisitDef", key=key, fields=fields)


def visit(on, key="v1", status="completed", **more):
    fields = {"study": Ref("Study", "st1"), "participant": Ref("Participant", "p1"),
              "visit_type": "Week 3", "status": status, "actual_on": on, **more}  # fmt: skip
    return Stated(entity="ParticipantVisit", key=key, fields=fields)


def going(matching, **more):
    """A target and what delivers to it."""
    matching.tell(mapping="visits", **more)
    target = Flaky()
    return target, matching.deliverer(connector=target)


def run(matching, deliverer):
    matching.clock.move(6)
    matching.run(deliverer)
    matching.obey()


def sent(target):
    return [one.body.decode().splitlines()[1] for one in target.taken()]


def test_what_is_certain_goes_out_under_the_targets_own_numbers(matching):
    target, deliverer = going(matching)

    matching.say(visit("2026-03-04"))
    run(matching, deliverer)

    assert matching.rows() == ["delivered"]
    assert sent(target) == ["T-4,T-3,completed,2026-03-04"]
    assert matching.decisions() == []


def test_what_is_not_is_asked_about_once_and_keeps_no_other_visit_waiting(matching):
    target, deliverer = going(matching)

    matching.say(visit("2026-03-09"))
    run(matching, deliverer)
    matching.say(visit("2026-03-09", reason="a note"))
    matching.say(visit("2026-02-18", key="v2", visit_type="Week 1"))
    for _ in range(3):
        run(matching, deliverer)

    assert matching.rows() == ["approval", "behind", "delivered"]
    assert [row[4] for row in matching.decisions()] == ["open"]
    assert sent(target) == ["T-5,T-3,completed,2026-02-18"]


@pytest.mark.parametrize(
    ("answer", "ends", "told"),
    [("accepted", "delivered", ["T-4,T-3,completed,2026-03-09"]), ("declined", "refused", [])],
)
def test_a_person_decides(matching, answer, ends, told):
    target, deliverer = going(matching)
    matching.say(visit("2026-03-09"))
    run(matching, deliverer)

    matching.decide(answer)
    run(matching, deliverer)

    assert matching.rows() == [ends]
    assert sent(target) == told


def test_a_question_that_the_record_has_answered_is_closed_and_may_be_put_again(matching):
    target, deliverer = going(matching)
    states = []
    for day in ("2026-03-09", "2026-03-05", "2026-03-09"):
        matching.say(visit(day))
        run(matching, deliverer)
        run(matching, deliverer)
        states.append([row[4] for row in matching.decisions()])

    assert states == [["open"], ["moot"], ["moot", "open"]]
    assert sent(target) == ["T-4,T-3,completed,2026-03-05"] * 2  # as it was when it went out


def test_in_shadow_nobody_is_asked(matching):
    target, deliverer = going(matching, mode="shadow")

    matching.say(visit("2026-03-09"))
    run(matching, deliverer)

    assert matching.rows("state, detail") == [
        ("shadow", "a person would be asked: its day lies outside the window")
    ]
    assert (matching.decisions(), sent(target)) == ([], [])


def test_who_is_not_enrolled_yet_waits(matching):
    _, deliverer = going(matching)
    matching.say(Gone(entity="Enrollment", key="T-3"), system="target")

    matching.say(visit("2026-03-04"))
    run(matching, deliverer)

    assert matching.rows("state, detail") == [("waiting", "enrollment is not known yet")]


def test_only_a_visit_is_matched_with_planned_visits(small_outward):
    text = VISITS.replace("ParticipantVisit, status: [scheduled, completed, cancelled]", "Study")
    small_outward.write(
        mappings__outbound__visits=text.partition("requires")[0] + "columns: {a: title}\n"
    )
    small_outward.tell(mapping="visits")

    with pytest.raises(MappingErrors, match="planned_visit"):
        outlets(small_outward.house.deployment)
