"""Records that may be one are found after they were settled, and asked about once."""

from __future__ import annotations

import orjson
import pytest

from hub import decisions
from hub.joining import Word, merge
from hub.matching import search
from hub.matching.search import Search
from hub.matching.settings import Bounds, Matching
from hub.model.spec import entities
from hub.statement import Identifier, Stated

ANNA = {"family_name": "Example", "given_name": "Anna", "birth_date": "1970-03-05"}


def patient(key, mrn="", *, sex="female", **names):
    given = (Identifier("mrn", mrn, "UH"),) if mrn else ()
    return (
        Stated(entity="Participant", key=key, fields={"sex": sex}, identifiers=given),
        Stated(entity="ParticipantPhi", key=key, fields=names),
    )


def staff(key, **fields):
    return Stated(entity="Person", key=key, fields=fields)


@pytest.fixture
def searching(context) -> Search:
    return Search(
        session=context.session, keyring=context.keyring, clock=context.clock, chain="search"
    )


@pytest.fixture
def asked(context, searching):
    """Searches through all that has changed; the questions so far, oldest first."""

    def look() -> list[tuple[str, dict, dict]]:
        while searching.look():
            pass
        rows = context.session.all(
            "select state, evidence, proposal from decision where kind = 'match' order by id"
        )
        return [(row[0], orjson.loads(row[1]), orjson.loads(row[2])) for row in rows]

    return look


def ids(context, entity="participant") -> list[str]:
    return [row[0] for row in context.session.all(f"select id from {entity} order by id")]


def test_two_charts_of_one_person_are_asked_about_without_a_value(context, tell, asked):
    tell(*patient("A", "123456", **ANNA, phone="+1 555 010 2030"))
    tell(*patient("B", "654321", **ANNA | {"given_name": "Ann"}, phone="555-010-2030"))

    [(state, evidence, proposal)] = asked()

    assert state == "open"
    assert proposal == {"entity": "Participant", "ids": ids(context)}
    assert evidence["fields"]["given_name"]["level"] == "nickname"
    assert evidence["fields"]["birth_date"]["level"] == "same"
    assert evidence["fields"]["chart_numbers"]["level"] == "different"
    text = str(context.session.all("select evidence, proposal, ids from decision"))
    for value in ("Example", "Ann", "1970", "2030", "123456"):
        assert value not in text


def test_people_who_share_a_name_alone_are_left_alone(tell, asked):
    tell(*patient("A", **ANNA))
    tell(*patient("B", **ANNA | {"birth_date": "1951-11-20"}))

    assert asked() == []


def test_twins_are_left_alone(tell, asked):
    home = {"phone": "+1 555 010 2030", "postal_code": "12345"}
    tell(*patient("A", **ANNA | home))
    tell(*patient("B", sex="male", **ANNA | home | {"given_name": "Oskar"}))

    assert asked() == []


def test_a_declined_question_comes_again_only_when_more_speaks_for_it(context, tell, asked):
    tell(*patient("A", **ANNA))
    tell(*patient("B", **ANNA))
    [_] = asked()
    one = context.session.one("select id from decision")[0]
    decisions.decide(context.session, one, "declined", by="me", at=1, reason="two people")

    tell(*patient("B", **ANNA, county="North"))
    assert [state for state, *_ in asked()] == ["declined"]
    tell(*patient("B", **ANNA, email="anna@mail.example"))
    assert [state for state, *_ in asked()] == ["declined"], "the other has no e-mail"
    tell(*patient("A", **ANNA, email="anna@mail.example"))
    assert [state for state, *_ in asked()] == ["declined", "open"]


def test_a_question_follows_the_data_while_it_is_open(tell, asked):
    tell(*patient("A", **ANNA))
    tell(*patient("B", **ANNA))
    [_] = asked()

    tell(*patient("B", **ANNA | {"birth_date": "1951-11-20"}))

    assert [state for state, *_ in asked()] == ["moot"]


def test_records_that_became_one_by_themselves_need_nobody(context, tell, asked):
    tell(*patient("A", **ANNA))
    tell(*patient("B", **ANNA))
    [_] = asked()

    with context.session.transaction():
        merge(context, entities()["Participant"], *ids(context), Word(seq=9, at=9))

    assert [state for state, *_ in asked()] == ["moot"]


def test_a_question_of_another_kind_needs_nobody_either_then(context, tell, asked):
    numbers = Identifier("mrn", "1", "UH")
    for year, system in ((1970, "ehr"), (1907, "ctms"), (1970, "ctms")):
        fields = {"year_of_birth": year}
        tell(
            Stated(entity="Participant", key="A", fields=fields, identifiers=(numbers,)),
            system=system,
        )
    asked()

    assert context.session.all("select kind, state from decision") == [("identity", "moot")]


def test_staff_and_organizations_are_searched_too(context, tell, asked):
    tell(staff("1", family_name="Okafor", given_name="William", email="w.okafor@uh.example"))
    tell(staff("2", family_name="Okafor", given_name="Bill", email="w.okafor@uh.example"))
    tell(Stated(entity="Organization", key="1", fields={"name": "Univ. Hospital of Exampleton"}))
    tell(Stated(entity="Organization", key="2", fields={"name": "University Hospital, Exampleton"}))
    tell(Stated(entity="Organization", key="3", fields={"name": "Exampleton Water Works"}))

    found = [proposal for _, _, proposal in asked()]

    assert found == [
        {"entity": "Person", "ids": ids(context, "person")},
        {"entity": "Organization", "ids": ids(context, "organization")[:2]},
    ]


def test_what_records_are_found_by_cannot_be_read_back(context, tell, asked):
    tell(*patient("A", "123456", **ANNA))
    asked()

    kept = context.session.all("select digest from match_key")

    assert len(kept) == 4
    assert all(len(bytes(digest)) == 16 for (digest,) in kept)


def test_a_digest_that_a_crowd_shares_says_nothing(tell, asked, monkeypatch):
    monkeypatch.setattr(search, "CROWD", 2)
    tell(*patient("A", **ANNA))
    tell(*patient("B", **ANNA))
    assert len(asked()) == 1

    tell(*patient("C", **ANNA))

    assert len(asked()) == 1


def test_a_search_that_is_behind_goes_on_where_it_was(context, tell, searching, asked):
    searching.slice = 1
    tell(*patient("A", **ANNA))
    tell(*patient("B", **ANNA))

    assert len(asked()) == 1
    assert not searching.look()


def test_participants_are_never_linked_by_likeness():
    with pytest.raises(ValueError, match="never linked without a strong identifier"):
        Matching(bounds={"Participant": Bounds(review=14, link=40)})
