"""The sums of institution-wide views: made anew where something changed, and nowhere else."""

from __future__ import annotations

import pytest

from hub.principal import SYSTEM
from hub.statement import Identifier, Ref, Stated
from hub.views import asked, bearing, read, summing
from hub.views.catalogue import named
from hub.views.summing import Summing


def study(key):
    ids = (Identifier("local_protocol_no", key, "ctms"),)
    return Stated(entity="Study", key=key, fields={"title": key}, identifiers=ids)


def subject(key, of, **fields):
    return Stated(entity="Enrollment", key=key, fields={"study": Ref("Study", of)} | fields)


@pytest.fixture
def keeper(store):
    return Summing(session=store, clock=lambda: 1_772_100_000_000_000)


def through(keeper):
    """Until nothing is left to do; how many looks it took."""
    return sum(1 for _ in iter(keeper.look, False))


def sums(store):
    """Title: subjects, enrolled."""
    rows = store.all(
        "select s.title, k.subjects, k.enrolled from study_sum k join study s on s.id = k.study_id"
    )
    return {title: (subjects, enrolled) for title, subjects, enrolled in rows}


def test_sums_follow_what_is_told(tell, store, keeper):
    tell(study("A"), study("B"), subject("1", "A", enrolled_on="2026-03-01"), subject("2", "A"))
    through(keeper)
    assert sums(store) == {"A": (2, 1), "B": (0, 0)}

    tell(subject("2", "A", enrolled_on="2026-04"))
    through(keeper)

    assert sums(store) == {"A": (2, 2), "B": (0, 0)}
    months = store.all("select month, enrolled, enrolled_so_far from enrollment_sum order by month")
    assert months == [("2026-03", 1, 1), ("2026-04", 1, 2)]
    assert store.all("select year, enrolled from accrual_sum") == [("2026", 2)]


def test_a_subject_that_moves_leaves_the_sums_of_its_former_study(tell, store, keeper):
    tell(study("A"), study("B"), subject("1", "A", enrolled_on="2026-03-01"))
    through(keeper)

    tell(subject("1", "B", enrolled_on="2026-03-01"))
    through(keeper)

    assert sums(store) == {"A": (0, 0), "B": (1, 1)}


def test_only_what_changed_is_made_anew(tell, store, keeper):
    tell(study("A"), study("B"), subject("1", "A"))
    through(keeper)
    store.run("update study_sum set subjects = 7")

    tell(subject("2", "A"))
    through(keeper)

    assert sums(store) == {"A": (2, 0), "B": (7, 0)}


def test_the_sums_say_until_when_they_tell_of_everything(tell, store, keeper):
    assert summing.upto(store, 5) is None
    tell(study("A"), subject("1", "A"))
    through(keeper)
    assert summing.upto(store, 5) == 5

    tell(subject("1", "A", enrolled_on="2026-03-01"))

    assert summing.upto(store, 5) == 1_772_100_000_000_000
    through(keeper)
    assert summing.upto(store, 5) == 5


def test_a_page_says_until_when_its_sums_tell_of_everything(tell, store, keeper, reader):
    """Before they have come to the end once, a page is worked out on the spot."""
    tell(study("A"), subject("1", "A", enrolled_on="2026-03-01"))
    view = named("ctms_study_overview")

    def page():
        return read.page(reader, SYSTEM, view, asked.parse(view, ()), now="2026-06-15T12:00:00Z")

    keeper.slice = 1
    keeper.look()
    first = page()
    through(keeper)
    second = page()
    tell(subject("1", "A", enrolled_on=None), subject("2", "A"))
    third = page()

    assert [one.items[0]["enrolled"] for one in (first, second, third)] == [1, 1, 1]
    assert first.summed == ""
    assert second.summed == "2026-06-15T12:00:00.000000Z"
    assert third.summed == "2026-02-26T10:00:00.000000Z"
    through(keeper)
    assert page().items[0]["enrolled"] == 0


def test_what_changes_nothing_that_is_summed_costs_nothing(tell, store, keeper):
    tell(study("A"))
    through(keeper)

    tell(Stated(entity="Person", key="p", fields={"family_name": "Hollis"}))

    through(keeper)
    assert store.all("select * from sum_due") == []
    assert not keeper.look()


def sites(store, *, day="2026-02-26"):
    """Site number: enrolled, as the kept rows say."""
    assert summing.day(store) == day
    return dict(store.all("select site, enrolled from ctms_site_performance"))


def test_rows_of_views_follow_what_is_told_of_all_they_are_made_of(tell, store, keeper):
    north = Stated(entity="Organization", key="n", fields={"name": "North Clinic"})
    at = {"study": Ref("Study", "A"), "organization": Ref("Organization", "n")}
    tell(study("A"), north, Stated(entity="StudySite", key="A-1", fields=at))
    through(keeper)
    before = sites(store)

    tell(subject("1", "A", enrolled_on="2026-03-01", study_site=Ref("StudySite", "A-1")))
    tell(Stated(entity="Organization", key="n", fields={"name": "North Hospital"}))
    through(keeper)

    assert (before, sites(store)) == ({"North Clinic": 0}, {"North Hospital": 1})


def test_on_another_day_rows_are_worked_out_until_all_are_made_anew(tell, store, keeper, reader):
    late = {"study": Ref("Study", "A"), "tmf_artifact": "01.01.01", "due_on": "2026-02-25"}
    tell(study("A"), Stated(entity="ExpectedDocument", key="e", fields=late))
    through(keeper)
    view = named("ctms_reg_documents")

    def overdue(now):
        found = read.page(reader, SYSTEM, view, asked.parse(view, ()), now=now)
        return found.items[0]["days_overdue"], bool(found.summed)

    assert overdue("2026-02-26T12:00:00Z") == (1, True)
    assert overdue("2026-02-28T12:00:00Z") == (3, False)
    keeper.clock = lambda: 1_772_280_000_000_000
    keeper.look()
    assert overdue("2026-02-28T12:00:00Z") == (3, False)  # those that are kept are not all anew
    through(keeper)
    assert overdue("2026-02-28T12:00:00Z") == (3, True)


def test_every_record_that_kept_rows_are_made_of_leads_to_its_studies():
    assert [name for name in summing.read() if not bearing.leads(name)] == []
    assert {"Payment", "DocumentVersion", "Person", "CrfStatus"} <= summing.read()
