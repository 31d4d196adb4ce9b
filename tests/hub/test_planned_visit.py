"""Which planned visit a visit is: by enrollment, by what it is called, by its day; else a doubt."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hub.canonical_view import Views
from hub.planned_visit import OUTSIDE, match
from hub.statement import Gone, Identifier, Ref, Stated

RANKS = {"ehr": 0, "edc": 1, "ctms": 2}
STUDY = (Identifier("sponsor_protocol_no", "ONC-101", "UH"),)
NUMBER = (Identifier("subject_number", "S-1", "ONC-101"),)
MRN = (Identifier("mrn", "1", "UH"),)


@pytest.fixture
def places(context, tell):
    """Tells the CTMS's study, subject and calendar, and gives what places the one visit."""
    tell(
        Stated(entity="Study", key="4000", fields={"title": "A trial"}, identifiers=STUDY),
        Stated(entity="Participant", key="p1", fields={"sex": "female"}, identifiers=MRN),
        enrolled("2026-02-11"),
        planned("31", "Cycle 2 Day 1", 21, code="C2D1"),
        planned("30", "Screening", -7, before=21, after=7),
        planned("39", "Unscheduled", None),
        system="ctms",
    )
    tell(
        Stated(entity="Study", key="s", fields={"title": "A trial"}, identifiers=STUDY),
        Stated(entity="Participant", key="p", fields={"sex": "female"}, identifiers=MRN),
    )

    def place(native="v1", ids=(), **fields):
        tell(replace(visit(native, **fields), identifiers=ids))
        session = context.session
        one = session.one("select x.entity_id from xref x where x.entity = 'ParticipantVisit' "
                          "order by x.x desc limit 1")[0]  # fmt: skip
        views = Views(session, context.keyring, "ctms", lambda _, system: RANKS[system])
        return match(views.now("ParticipantVisit", one))

    return place


def enrolled(on, key="e1", number=NUMBER, **more):
    fields = {"study": Ref("Study", "4000"), "participant": Ref("Participant", "p1"),
              "state": "enrolled", "enrolled_on": on, **more}  # fmt: skip
    return Stated(entity="Enrollment", key=key, fields=fields, identifiers=number)


def planned(key, name, day, *, before=2, after=3, version="1", code=""):
    fields = {"study": Ref("Study", "4000"), "name": name, "planned_day": day,
              "window_before_days": before, "window_after_days": after,
              "calendar_version": version}  # fmt: skip
    ids = (Identifier("visit_code", code, f"ONC-101/{version}"),) if code else ()
    return Stated(entity="VisitDef", key=key, fields=fields, identifiers=ids)


def visit(native, *, called="C2D1", status="completed", on="2026-03-04", **more):
    fields = {"participant": Ref("Participant", "p"), "study": Ref("Study", "s"),
              "visit_type": called, "status": status, "actual_on": on, **more}  # fmt: skip
    return Stated(entity="ParticipantVisit", key=native, fields=fields)


def row(key, planned_, *, status="projected", due=None):
    """A visit as the CTMS has it."""
    fields = {"study": Ref("Study", "4000"), "participant": Ref("Participant", "p1"),
              "enrollment": Ref("Enrollment", "e1"), "visit_def": Ref("VisitDef", planned_),
              "status": status, "planned_on": due}  # fmt: skip
    return Stated(entity="ParticipantVisit", key=key, fields=fields)


def key_of(context, match_, field):
    """How the CTMS knows what a matched visit refers to."""
    entity = {"enrollment": "Enrollment", "visit_def": "VisitDef"}[field]
    found = match_.view.views.now(entity, match_.view.fields[field])
    return found.native_key()


@pytest.mark.parametrize(
    ("on", "doubt"),
    [("2026-03-01", OUTSIDE), ("2026-03-02", ""), ("2026-03-07", ""), ("2026-03-08", OUTSIDE)],
)
def test_the_window_is_the_planned_day_with_its_days_before_and_after(places, context, on, doubt):
    found = places(on=on)

    assert (found.lacks, found.doubt) == ("", doubt)
    assert key_of(context, found, "enrollment") == "e1"
    assert key_of(context, found, "visit_def") == "31"


@pytest.mark.parametrize("called", ["C2D1", "c2d1", "Cycle 2 Day 1", "CYCLE 2 DAY 1"])
def test_it_is_called_by_code_or_name(places, context, called):
    assert key_of(context, places(called=called), "visit_def") == "31"


def test_before_it_took_place_the_day_it_is_booked_for_counts_on_the_hospitals_calendar(places):
    at = "2026-03-08T01:00Z[-07:00]"  # still the 7th there

    found = places(status="scheduled", on=None, scheduled_at=at)

    assert (found.lacks, found.doubt) == ("", "")


def test_one_that_took_place_on_no_known_day_waits(places):
    found = places(on=None, scheduled_at="2026-03-04T17:00Z[-07:00]")

    assert found.lacks == "the day of the visit is not known yet"


def test_the_targets_own_planned_day_counts_before_one_that_is_counted(places, tell):
    tell(row("r1", "31", due="2026-04-01"), system="ctms")

    assert places(on="2026-04-02").doubt == ""
    assert places("v2", on="2026-03-04").evidence["days_off"] == -28


def test_screening_needs_no_day_of_enrollment_and_treatment_waits_for_it(places, tell):
    tell(enrolled(None), system="ctms")

    screening, treated = places(called="Screening", on="2026-02-01"), places("v2")

    assert (screening.lacks, screening.doubt) == ("", "")
    assert treated.lacks == "enrollment.enrolled_on is not known yet"


def test_a_planned_visit_without_a_day_takes_place_any_day(places):
    assert places(called="Unscheduled", on="2027-01-01").doubt == ""


def test_without_window_any_day_will_do(places, tell):
    tell(planned("31", "Cycle 2 Day 1", 21, before=None, after=None, code="C2D1"), system="ctms")

    assert places(on="2026-05-01").doubt == ""


def test_who_is_not_enrolled_waits(places, tell):
    tell(Gone(entity="Enrollment", key="e1"), system="ctms")

    assert places().lacks == "enrollment is not known yet"


def test_an_enrollment_that_the_target_does_not_know_waits(places, tell):
    stated = enrolled("2026-02-11", key="x1", number=())
    fields = {**stated.fields, "study": Ref("Study", "s"), "participant": Ref("Participant", "p")}
    tell(Gone(entity="Enrollment", key="e1"), system="ctms")
    tell(Stated(entity="Enrollment", key="x1", fields=fields))

    assert places().lacks == "ctms does not know the enrollment yet"


def test_of_two_enrollments_the_one_whose_window_it_is(places, context, tell):
    tell(enrolled("2026-06-01", "e2", (Identifier("subject_number", "S-2", "ONC-101"),)),
         system="ctms")  # fmt: skip

    assert key_of(context, places(), "enrollment") == "e1"
    assert key_of(context, places("v2", on="2026-06-22"), "enrollment") == "e2"
    neither = places("v3", on="2026-09-01")
    assert neither.doubt == "several planned visits would do"
    assert neither.evidence == {"planned_visits": 2, "in_their_window": 0}


def test_a_name_that_no_planned_visit_has_is_a_doubt(places):
    found = places(called="Coffee")

    assert (found.doubt, found.evidence) == ("no planned visit is called so", {"planned_visits": 3})


def test_a_study_without_calendar_waits(places, tell):
    for key in ("30", "31", "39"):
        tell(Gone(entity="VisitDef", key=key), system="ctms")

    assert places().lacks == "the study's calendar is not known yet"


def test_two_visits_of_one_system_for_one_planned_visit_are_a_doubt(places):
    places(on="2026-03-03")

    found = places("v2")

    assert (found.doubt, found.evidence["others"]) == ("it is planned once and there are more", 1)


@pytest.mark.parametrize(
    ("first", "second", "doubt", "lacks"),
    [
        ("scheduled", "completed", False, ""),  # what took place, took place
        ("cancelled", "completed", False, ""),
        ("no_show", "scheduled", False, ""),
        ("completed", "scheduled", True, ""),
        ("completed", "cancelled", False, "another visit has taken its place"),
    ],
)
def test_a_visit_gives_way_only_to_one_that_counts(places, first, second, doubt, lacks):
    at = {"scheduled_at": "2026-03-04T17:00Z[-07:00]"}
    places(status=first, on="2026-03-03" if first == "completed" else None, **at)

    found = places("v2", status=second, on="2026-03-04" if second == "completed" else None, **at)

    assert (bool(found.doubt), found.lacks) == (doubt, lacks)


@pytest.mark.parametrize("status", ["cancelled", "no_show", "missed", "entered_in_error"])
def test_about_one_that_does_not_take_place_nobody_is_asked(places, status):
    at = {"scheduled_at": "2026-03-09T17:00Z[-07:00]"}

    unknown = places(status=status, on=None, called="Coffee", **at)
    outside = places("v2", status=status, on=None, **at)

    assert {(one.doubt, one.lacks) for one in (unknown, outside)} == {
        ("", "it does not take place, and was told to nobody")
    }


def test_who_was_told_of_a_visit_hears_that_it_does_not_take_place(places, tell):
    number = (Identifier("appointment_no", "A1", "UH"),)
    known = {"status": "scheduled"}
    tell(Stated(entity="ParticipantVisit", key="r1", fields=known, identifiers=number),
         system="ctms")  # fmt: skip

    found = places(
        ids=number, status="cancelled", on=None, scheduled_at="2026-03-09T17:00Z[-07:00]"
    )

    assert (found.doubt, found.lacks) == ("", "")


def test_what_another_system_has_of_the_same_visit_is_no_other_visit(places, tell):
    code = (Identifier("visit_code", "C2D1", "ONC-101/1"),)
    project = Stated(entity="Study", key="project", fields={}, identifiers=STUDY)
    event = Stated(entity="VisitDef", key="c2d1_arm_1", identifiers=code,
                   fields={"study": Ref("Study", "project"), "name": "C2"})  # fmt: skip
    record = Stated(entity="Participant", key="r", fields={}, identifiers=MRN)
    refers = {"participant": Ref("Participant", "r"), "study": Ref("Study", "project")}
    entered = visit("r|c2d1", called="", visit_def=Ref("VisitDef", "c2d1_arm_1"), **refers)
    tell(project, event, record, entered, system="edc")

    found = places()

    assert (found.doubt, found.lacks) == ("", "")


def test_the_calendar_is_the_newest_unless_the_target_has_planned_by_another(places, context, tell):
    tell(planned("41", "Cycle 2 Day 1", 21, version="2", code="C2D1"), system="ctms")
    tell(planned("51", "Cycle 2 Day 1", 21, version="10", code="C2D1"), system="ctms")
    newest = places()
    tell(row("r1", "41"), system="ctms")

    assert key_of(context, newest, "visit_def") == "51"
    assert key_of(context, places("v2", on="2026-03-05"), "visit_def") == "41"


def test_the_same_doubt_has_the_same_key_and_another_day_another(places):
    first = places(on="2026-03-09")
    again = places(on="2026-03-09", reason="a note")
    later = places(on="2026-03-10")

    assert first.key == again.key != later.key
