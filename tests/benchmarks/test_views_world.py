"""The made-up institution agrees with itself, and each view has something to show of it."""

from __future__ import annotations

import pytest

from benchmarks import views_world as world
from hub import schema, seal
from hub.database import session
from hub.model.spec import entities
from hub.policy import Policy
from hub.principal import SYSTEM
from hub.reader import Reader
from hub.views.asked import Asked, parse
from hub.views.catalogue import named, views
from hub.views.read import page

STUDIES = 8


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A store with eight studies, for reading."""
    folder = tmp_path_factory.mktemp("views")
    address = f"sqlite:///{folder / 'hub.db'}"
    schema.upgrade(address, [schema.HUB])
    store = session(address)
    world.fill(store, STUDIES)
    world.tell(store, STUDIES, [1])
    yield Reader(store, seal.load(folder / "keys.json"), lambda *_: None, Policy())
    store.close()


def test_every_reference_leads_to_a_record(filled):
    lost = [
        f"{spec.name}.{field.name}"
        for spec in entities().values()
        for field in spec.fields.values()
        if field.meta.kind == "ref"
        and filled.session.one(
            f"select 1 from {spec.table.name} where {field.column} is not null "
            f"and {field.column} not in (select id from {entities()[field.meta.of].table.name})"
        )
    ]

    assert lost == []


def test_a_visit_is_of_the_study_of_its_enrollment_and_of_its_calendar(filled):
    visits = filled.session.all(
        "select v.study_id, n.study_id, d.study_id from participant_visit v "
        "join enrollment n on n.id = v.enrollment_id join visit_def d on d.id = v.visit_def_id"
    )

    assert len(visits) == world.count("ParticipantVisit", STUDIES)
    assert {len(set(studies)) for studies in visits} == {1}


def test_every_view_has_rows(filled):
    empty = [one.name for one in views().values() if not page(filled, SYSTEM, one, Asked()).items]

    assert empty == []


def test_a_study_of_which_something_was_said_has_the_same_past(filled):
    view, study = named("ctms_participant_tracker"), ("study", world.protocol(1))
    today = page(filled, SYSTEM, view, parse(view, [study])).items
    then = page(filled, SYSTEM, view, parse(view, [study, ("as_of", "2026-06-01")])).items

    assert len(today) > 30
    assert [one["id"] for one in then] == [one["id"] for one in today]
    assert [one["subject_no"] for one in then] == [one["subject_no"] for one in today]
