"""What is remembered of how records are written never shows what is no longer so."""

from __future__ import annotations

import orjson
import pytest

from hub import repository
from hub.model.spec import entities
from hub.principal import READ, Principal
from hub.query import Query
from hub.rendered import Rendered
from hub.statement import Gone, Identifier, SameAs, Stated

READER = Principal(name="reader", scopes=frozenset({READ}))
PERSON = entities()["Participant"]


def patient(key, mrn, **fields):
    given = (Identifier("mrn", mrn, "UH"),)
    return Stated(entity="Participant", key=key, fields=fields, identifiers=given)


def whole(reader, query=Query()):  # noqa: B008 - frozen
    found = repository.page(reader, READER, PERSON, query)
    return {"items": found.items, "next": found.next}


@pytest.mark.parametrize("most", [1, 2, 100])
def test_a_remembered_page_is_the_page_after_every_change(reader, tell, most):
    rendered = Rendered(most=most)
    stories = [
        (patient("A", "1", sex="female"), patient("B", "2", sex="male", race=["asian"])),
        (patient("A", "1", sex="male"),),
        (patient("A7", "1", sex="male"),),
        (Gone(entity="Participant", key="B"),),
        (SameAs(entity="Participant", kept="A", retired="B"),),
        (SameAs(entity="Participant", kept="A", retired="B", withdrawn=True),),
    ]

    for story in stories:
        tell(*story)
        for _ in range(2):
            shown = rendered.page(reader, READER, PERSON, Query())
            assert orjson.loads(shown) == whole(reader)


def test_remembered_pages_follow_each_other(reader, tell):
    tell(*(patient(f"p{n}", str(n), sex="female") for n in range(3)))
    rendered = Rendered()

    first = orjson.loads(rendered.page(reader, READER, PERSON, Query(limit=2)))

    assert first == whole(reader, Query(limit=2))
    assert first["next"]


def test_what_was_remembered_for_one_is_not_shown_to_another(reader, tell):
    tell(patient("p", "1", sex="female"))
    rendered = Rendered()
    rendered.page(reader, READER, PERSON, Query())
    confined = Principal(name="x", scopes=frozenset({READ}), studies=frozenset({"none"}))

    shown = rendered.page(reader, confined, PERSON, Query())

    assert orjson.loads(shown) == {"items": [], "next": None}
