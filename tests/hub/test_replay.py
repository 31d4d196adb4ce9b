"""Settling messages again replaces what they said, and never what later messages said."""

from __future__ import annotations

from hub.said import Said
from hub.settle import settle
from hub.statement import Meaning, SameAs, Stated

BASE = 1_772_000_000_000_000


def said(seq, *statements, again=False):
    return Said(
        seq=seq, system="ehr", at=BASE + seq, meaning=Meaning(statements=statements), again=again
    )


def batch(context, *messages):
    with context.session.transaction():
        settle(context, messages)


def patient(key, **fields):
    return Stated(entity="Participant", key=key, fields=fields)


def same(withdrawn=False):
    return SameAs(entity="Participant", kept="A", retired="B", withdrawn=withdrawn)


def living(context):
    sql = "select count(*) from participant where superseded_by is null"
    return context.session.one(sql)[0]


def test_two_messages_of_one_person_are_settled_again_in_one_batch(context):
    batch(context, said(1, patient("A", sex="male", language="fr")))
    batch(context, said(2, patient("A", ethnicity="x")))

    batch(
        context,
        said(1, patient("A", sex="female"), again=True),
        said(2, patient("A", ethnicity="y"), again=True),
    )

    row = context.session.one("select sex, language, ethnicity from participant")
    assert row == ("female", None, "y")


def test_a_merge_that_was_taken_back_is_not_made_by_its_replay(context):
    batch(context, said(1, patient("A", sex="male")), said(2, patient("B", sex="female")))
    batch(context, said(3, same()))
    batch(context, said(4, same(withdrawn=True)))

    batch(context, said(3, same(), again=True))

    assert living(context) == 2


def test_a_merge_that_was_made_again_is_not_taken_back_by_a_replay(context):
    batch(context, said(1, patient("A", sex="male")), said(2, patient("B", sex="female")))
    batch(context, said(3, same(withdrawn=True)))
    batch(context, said(4, same()))

    batch(context, said(3, same(withdrawn=True), again=True))

    assert living(context) == 1
