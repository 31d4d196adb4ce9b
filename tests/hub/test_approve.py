"""What a role says of a field waits for a person; nothing canonical changes before."""

from __future__ import annotations

import orjson
import pytest

from hub import decisions
from hub.approved import accept
from hub.authority import DEFAULT_RULES
from hub.joining import Word
from hub.lapsing import DAY, Lapsing
from hub.policy import Policy
from hub.rules import Rule
from hub.said import Said
from hub.settle import settle
from hub.statement import Identifier, Meaning, SameAs, Stated
from tests.hub.conftest import BASE, SYSTEMS

ASKED = Rule(order=("CTMS", "EDC"), approve=("EDC",))


@pytest.fixture
def context(context):
    rules = {
        **DEFAULT_RULES,
        "Enrollment": {"*": Rule(order=("CTMS", "EDC")), "off_study_on": ASKED, "state": ASKED},
        "ParticipantPhi": {"birth_date": Rule(order=("EHR", "EDC"), approve=("EDC",))},
    }
    context.policy = Policy(systems=SYSTEMS, rules=rules)
    return context


def subject(key="e", complete=False, **fields):
    ids = (Identifier("subject_number", "S-1", "urn:x:1"),)
    return Stated(entity="Enrollment", key=key, identifiers=ids, fields=fields, complete=complete)


def rows(context, columns="state, off_study_on, screening_no"):
    return context.session.all(f"select {columns} from enrollment order by id")


def questions(context, state="open"):
    found = context.session.all(
        "select id, evidence, proposal from decision where kind = 'approve' and state = ? "
        "order by id",
        (state,),
    )
    return [(one, orjson.loads(evidence), orjson.loads(said)) for one, evidence, said in found]


def answer(context, one, state="accepted", seq=900):
    word = Word(seq=seq, at=BASE + seq * 1_000_000)
    with context.session.transaction():
        if state == "accepted":
            accept(context, one, word)
        decisions.decide(context.session, one, state, by="ada", at=word.at, reason="seen")


def test_what_nobody_approves_of_in_time_is_not_believed_and_asked_about_when_said_again(
    context, tell
):
    context.lapsing = Lapsing({"approve": 1})
    tell(subject(state="enrolled", screening_no="7"), system="edc")
    [(at, until)] = context.session.all("select opened_at, expires_at from decision")
    with context.session.transaction():
        [lapsed] = decisions.lapse(context.session, before=until, by="crohub:janitor")
    after = rows(context)
    tell(subject(state="enrolled", screening_no="7"), system="edc")

    assert (until - at, lapsed.kind, after) == (DAY, "approve", [(None, None, "7")])
    assert len(questions(context)) == len(questions(context, "expired")) == 1


def test_nothing_changes_before_a_person_has_decided_and_the_rest_goes_on(context, tell):
    tell(subject(state="enrolled", screening_no="7"), system="edc")
    assert rows(context) == [(None, None, "7")]

    [(one, evidence, proposal)] = questions(context)
    assert evidence == {"system": "edc", "message": 1, "says": "enrolled"}
    assert (proposal["entity"], proposal["field"]) == ("Enrollment", "state")

    answer(context, one)
    assert rows(context) == [("enrolled", None, "7")]
    [(seq,)] = context.session.all(
        "select seq from assertion where said like '%enrolled%' order by a"
    )
    assert seq == 1  # what it came from is the message that said it


def test_a_declined_word_is_never_believed_and_never_asked_about_again(context, tell):
    tell(subject(state="enrolled"), system="edc")
    [(one, _, _)] = questions(context)
    answer(context, one, "declined")

    with context.session.transaction():
        again = Said(
            seq=1, system="edc", at=BASE + 1_000_000, again=True,
            meaning=Meaning(statements=(subject(state="enrolled"),)),
        )  # fmt: skip
        settle(context, [again])

    assert rows(context) == [(None, None, None)]
    assert questions(context) == []


def test_a_message_that_is_settled_again_is_what_was_decided(context, tell):
    tell(subject(state="enrolled"), system="edc")
    answer(context, questions(context)[0][0])

    with context.session.transaction():
        settle(
            context,
            [
                Said(
                    seq=1, system="edc", at=BASE + 1_000_000, again=True,
                    meaning=Meaning(statements=(subject(state="enrolled"),)),
                )
            ],
        )  # fmt: skip

    assert rows(context)[0][0] == "enrolled"
    assert questions(context) == []


def test_saying_again_what_was_approved_asks_nobody(context, tell):
    tell(subject(state="enrolled"), system="edc")
    answer(context, questions(context)[0][0])
    tell(subject(state="enrolled", screening_no="8"), system="edc", at=950)

    assert rows(context)[0][0] == "enrolled"
    assert questions(context) == []


def test_a_newer_word_takes_the_place_of_an_open_question(context, tell):
    tell(subject(state="enrolled"), system="edc")
    tell(subject(state="off_study"), system="edc")

    [(_, evidence, _)] = questions(context)
    assert evidence["says"] == "off_study"
    assert len(questions(context, "moot")) == 1


def test_another_role_is_not_asked_about(context, tell):
    tell(subject("c", state="enrolled"), system="ctms")

    assert rows(context)[0][0] == "enrolled"
    assert questions(context) == []


def test_a_complete_statement_takes_away_only_what_needs_no_approval(context, tell):
    tell(subject(state="enrolled", screening_no="7"), system="edc")
    answer(context, questions(context)[0][0])

    tell(subject(complete=True, enrolled_on="2026-03-01"), system="edc", at=950)

    assert rows(context) == [("enrolled", None, None)]
    [(_, evidence, _)] = questions(context)
    assert evidence["says"] == {"removed": True}


def test_a_personal_value_waits_sealed(context, tell):
    tell(subject("c", state="enrolled"), system="ctms")
    tell(
        Stated(entity="Participant", key="p", fields={}),
        Stated(entity="ParticipantPhi", key="p", fields={"birth_date": "1970-01-02"}),
        system="edc",
    )

    [(one, evidence, proposal)] = questions(context)
    assert "1970" not in orjson.dumps([evidence, proposal]).decode()
    answer(context, one)
    [(cell, own)] = context.session.all("select birth_date, id from participant_phi")
    place = f"participant_phi|{own}|birth_date".encode()
    assert context.keyring.open(bytes(cell), place) == b'"1970-01-02"'


def test_the_answer_finds_the_record_that_a_merge_has_moved(context, tell):
    tell(Stated(entity="Enrollment", key="a", fields={"screening_no": "1"}), system="ctms")
    tell(subject("b", state="enrolled"), system="edc")
    tell(Stated(entity="Enrollment", key="b", fields={"screening_no": "1"}), system="ctms")
    tell(SameAs(entity="Enrollment", kept="a", retired="b"), system="ctms")
    answer(context, questions(context)[0][0])

    live = context.session.all("select state from enrollment where superseded_by is null")
    assert ("enrolled",) in live
