"""The sums of institution-wide views: made anew where something changed, and nowhere else."""

from __future__ import annotations

import pytest

from hub.principal import SYSTEM
from hub.statement import Identifier, Ref, Stated
from hub.views import asked, read, summing
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

    assert through(keeper) == 1
    assert store.all("select * from sum_due") == []
    assert not keeper.look()
