"""What settling cannot know of two records is put to a person, once."""

from __future__ import annotations

import orjson
import pytest

from hub.statement import Identifier, SameAs, Stated

WORLDWIDE = ("nct", "eudract")


def said(key, *, entity="Participant", fields=None, **identifiers):
    given = tuple(
        Identifier(type_, value, "" if type_ in WORLDWIDE else "UH")
        for type_, value in identifiers.items()
    )
    return Stated(entity=entity, key=key, fields=fields or {}, identifiers=given)


def same(**how):
    return SameAs(entity="Participant", kept="A", retired="B", **how)


@pytest.fixture
def questions(context):
    def read() -> list[tuple[str, str, dict, dict]]:
        rows = context.session.all(
            "select kind, state, evidence, proposal from decision order by id"
        )
        return [(kind, state, orjson.loads(e), orjson.loads(p)) for kind, state, e, p in rows]

    return read


def standing(context, table="participant") -> list[str]:
    rows = context.session.all(f"select id from {table} where superseded_by is null order by id")
    return [one for (one,) in rows]


def test_an_nct_number_identifies_a_study_unless_it_is_a_placeholder(context, tell, questions):
    tell(said("A", entity="Study", nct="NCT04184067"))
    tell(said("1", entity="Study", nct="NCT04184067"), system="ctms")
    tell(said("C", entity="Study", nct="NCT12345678"))
    tell(said("2", entity="Study", nct="NCT12345678"), system="ctms")

    assert len(standing(context, "study")) == 3
    assert questions() == []


def test_another_strong_identifier_against_it_is_a_question(context, tell, questions):
    other = said("1", entity="Study", nct="NCT04184067", eudract="2005-999999-11")
    tell(said("A", entity="Study", nct="NCT04184067", eudract="2004-000123-45"))
    tell(other, system="ctms")
    tell(other, system="ctms")

    both = standing(context, "study")
    assert len(both) == 2, "however often it is said"
    assert questions() == [
        (
            "identity",
            "open",
            {"question": "contradicted", "system": "ctms", "against": "eudract"},
            {"entity": "Study", "ids": both},
        )
    ]


def test_what_is_not_believed_is_not_believed_the_second_time(context, tell):
    tell(said("A", mrn="1"), said("B", mrn="2"))
    for _ in range(3):
        tell(said("A", mrn="2"))

    assert len(standing(context)) == 2


def test_a_record_number_with_another_year_of_birth_is_a_question(context, tell, questions):
    tell(said("A", mrn="1", fields={"year_of_birth": 1970}))
    tell(said("1", mrn="1", fields={"year_of_birth": 1951}), system="ctms")

    assert len(standing(context)) == 2
    [(_, _, evidence, _)] = questions()
    assert evidence["against"] == "year_of_birth"


def test_a_year_of_birth_that_was_put_right_speaks_against_nothing(context, tell):
    tell(said("A", mrn="1", fields={"year_of_birth": 1970}))
    tell(said("1", mrn="1", fields={"year_of_birth": 1907}), system="ctms")
    assert len(standing(context)) == 2

    tell(said("1", mrn="1", fields={"year_of_birth": 1970}), system="ctms")

    assert len(standing(context)) == 1


def test_a_record_number_ties_where_a_year_is_not_known(context, tell, questions):
    tell(said("A", mrn="1", fields={"year_of_birth": 1970}))
    tell(said("1", mrn="1"), system="ctms")

    assert len(standing(context)) == 1
    assert questions() == []


def test_a_link_ties_nothing_and_asks(context, tell, questions):
    tell(said("A"), said("B"))
    tell(same(linked=True))
    tell(same(linked=True))

    both = standing(context)
    assert len(both) == 2
    [(kind, state, evidence, proposal)] = questions()
    assert (kind, state, evidence["question"]) == ("identity", "open", "linked")
    assert proposal["ids"] == both


def test_an_unlink_takes_the_question_back_and_a_new_link_asks_again(tell, questions):
    tell(said("A"), said("B"))
    tell(same(linked=True))
    tell(same(linked=True, withdrawn=True))
    assert [state for _, state, *_ in questions()] == ["moot"]

    tell(same(linked=True))

    assert [state for _, state, *_ in questions()] == ["moot", "open"]


def test_an_unlink_of_two_that_were_merged_asks_whether_to_undo_it(context, tell, questions):
    tell(said("A"), said("B"))
    one, other = standing(context)
    tell(same())

    tell(same(linked=True, withdrawn=True))

    assert standing(context) == [one], "nothing is undone by itself"
    [(kind, state, evidence, proposal)] = questions()
    assert (kind, state, evidence["question"]) == ("separation", "open", "unlinked")
    assert proposal == {"entity": "Participant", "ids": [one], "part": other}
