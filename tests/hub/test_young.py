"""Keys that came lately are found like any other: before they are brought into order, after, and
when who settles begins anew."""

from __future__ import annotations

import pytest

from hub import young
from hub.identity import key_digest
from hub.settle import forget
from hub.statement import Stated


def person(key, **fields):
    return Stated(entity="Participant", key=key, fields=fields)


def digest(context, key):
    return key_digest(context.keyring, "Participant", "ehr", key)


def waiting(context):
    return context.session.one("select count(*) from xref where young")[0]


@pytest.fixture
def few(monkeypatch):
    """Three keys are many."""
    monkeypatch.setattr(young, "MOST", 3)


@pytest.mark.usefixtures("few")
def test_keys_wait_until_they_are_many_and_are_found_all_the_time(context, tell):
    seen = []
    for key in "ABCD":
        tell(person(key, sex="female"))
        seen.append(waiting(context))

    assert seen == ([1, 2, 0, 1] if context.session.dialect == "sqlite" else [0, 0, 0, 0])
    found = [young.entity_of(context.session, digest(context, key)) for key in "ABCD"]
    records = context.session.all("select id from participant order by id")
    assert sorted(found) == [one for (one,) in records]
    assert young.entity_of(context.session, digest(context, "E")) is None


@pytest.mark.usefixtures("few")
def test_who_begins_anew_knows_young_keys_and_old_ones(context, tell):
    for key in "ABCD":
        tell(person(key, sex="female"))
    forget(context)

    for key in "ABCD":
        tell(person(key, sex="male"))

    assert context.session.all("select sex, version from participant") == [("male", 2)] * 4
    assert context.session.one("select count(*) from xref") == (4,)


def test_a_key_of_a_batch_that_failed_is_none(context, tell, monkeypatch):
    def fails(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr("hub.settle.trail", fails)
        with pytest.raises(ZeroDivisionError):
            tell(person("A", sex="female"))
    forget(context)

    assert young.numbers(context) == {}
    tell(person("B", sex="female"))
    tell(person("A", sex="male"))

    told = context.session.all("select sex from participant order by id")
    assert told == [("female",), ("male",)]


def test_a_key_is_changed_and_stays_young(context, tell):
    tell(person("A", sex="female"))
    before = waiting(context)

    tell(person("A", sex="male"))

    assert waiting(context) == before
    assert context.session.one("select sex, version from participant") == ("male", 2)
