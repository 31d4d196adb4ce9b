"""A person's own word about a field, and its end."""

from __future__ import annotations

import orjson
import pytest

from hub.joining import CannotDo, Word
from hub.override import Override, lift, override
from hub.statement import Gone, Identifier, SameAs, Stated
from tests.hub.conftest import BASE


def subject(key, number="S-1", **fields):
    ids = (Identifier("subject_number", number, "urn:x:1"),)
    return Stated(entity="Enrollment", key=key, identifiers=ids, fields=fields)


def rows(context, columns="state"):
    found = context.session.all(f"select {columns} from enrollment order by id")
    return [row[0] if len(row) == 1 else row for row in found]


@pytest.fixture
def person(context):
    """Says or takes back, in a transaction, as message 1000 and on."""

    class Person:
        seq = 1000

        def says(self, field, value, entity="Enrollment", one=None):
            one = one or rows(context, "id")[0]
            return self._do(override, Override(entity=entity, id=one, field=field, value=value))

        def lifts(self, seq):
            return self._do(lift, seq)

        def _do(self, what, given):
            self.seq += 1
            with context.session.transaction():
                what(context, given, Word(seq=self.seq, at=BASE + self.seq * 1_000_000))
            return self.seq

    return Person()


def test_a_persons_word_beats_every_system_until_it_is_taken_back(context, tell, person):
    tell(subject("c", state="off_study"), system="ctms")
    tell(subject("e", state="on_treatment"), system="edc")

    said = person.says("state", "withdrawn")
    assert rows(context) == ["withdrawn"]
    tell(subject("c", state="completed"), system="ctms", at=5000)
    assert rows(context) == ["withdrawn"]

    person.lifts(said)
    assert rows(context) == ["completed"]


def test_the_later_of_two_words_counts_and_the_earlier_again_when_it_is_lifted(
    context, tell, person
):
    tell(subject("c", state="off_study"), system="ctms")
    person.says("state", "withdrawn")
    second = person.says("state", "died")
    assert rows(context) == ["died"]

    person.lifts(second)
    assert rows(context) == ["withdrawn"]


def test_a_word_of_no_value_leaves_the_field_empty(context, tell, person):
    tell(subject("c", state="off_study", off_study_on="2026-03-02"), system="ctms")

    person.says("off_study_on", None)

    assert rows(context, "off_study_on") == [None]


def test_a_merge_carries_it_along_and_undoing_gives_it_back(context, tell, person):
    tell(subject("a", "S-1", state="enrolled"), system="ctms")
    tell(subject("b", "S-2", state="off_study"), system="ctms")
    before = rows(context, "id, state, provenance")
    [first, second] = rows(context, "id")
    said = person.says("state", "died", one=second)
    tell(SameAs(entity="Enrollment", kept="a", retired="b"), system="ctms")
    assert rows(context, "id, state, superseded_by") == [
        (first, "died", None), (second, None, first),
    ]  # fmt: skip

    tell(SameAs(entity="Enrollment", kept="a", retired="b", withdrawn=True), system="ctms")
    assert rows(context, "id, state") == [(first, "enrolled"), (second, "died")]
    person.lifts(said)
    assert rows(context, "id, state, provenance") == before


def test_a_record_that_every_system_has_withdrawn_stays_withdrawn(context, tell, person):
    tell(subject("c", state="off_study"), system="ctms")
    person.says("state", "died")
    tell(Gone(entity="Enrollment", key="c"), system="ctms")

    [(state, withdrawn)] = rows(context, "state, withdrawn")
    assert (state, bool(withdrawn)) == ("died", True)


def test_it_may_lead_to_another_record_and_follows_its_merges(context, tell, person):
    for key, number in (("s1", "NCT04280705"), ("s2", "NCT04280706")):
        ids = (Identifier("nct", number),)
        tell(Stated(entity="Study", key=key, identifiers=ids, fields={"title": key}), system="ctms")
    tell(subject("c", state="enrolled"), system="ctms")
    [first, second] = [row[0] for row in context.session.all("select id from study order by id")]

    person.says("study", second)
    assert rows(context, "study_id") == [second]
    tell(SameAs(entity="Study", kept="s1", retired="s2"), system="ctms")
    assert rows(context, "study_id") == [first]


def test_what_is_personal_is_sealed_in_the_assertion_too(context, tell, person):
    ids = (Identifier("mrn", "1001", "NORTH"),)
    tell(
        Stated(entity="Participant", key="p", identifiers=ids, fields={}),
        Stated(entity="ParticipantPhi", key="p", fields={"family_name": "EXAMPLE"}),
    )
    [(one,)] = context.session.all("select id from participant")

    said = person.says("family_name", "OTHER", entity="ParticipantPhi", one=one)

    [(plain, sealed)] = context.session.all(
        "select said, sealed from assertion where seq = ?", (said,)
    )
    assert plain is None
    assert b"OTHER" not in bytes(sealed)
    [(cell,)] = context.session.all("select family_name from participant_phi")
    place = f"participant_phi|{one}|family_name".encode()
    assert orjson.loads(context.keyring.open(bytes(cell), place)) == "OTHER"


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("colour", "red", "no field 'colour'"),
        ("state", "happy", "Enrollment.state: expected"),
        ("enrolled_on", "yesterday", "Enrollment.enrolled_on: expected"),
        ("study", 7, "expected the id of a Study"),
        ("study", "0198-none", "there is no Study"),
    ],
)
def test_what_cannot_be_said_changes_nothing(context, tell, person, field, value, expected):
    tell(subject("c", state="enrolled"), system="ctms")

    with pytest.raises(CannotDo, match=expected):
        person.says(field, value)

    assert rows(context, "state, version") == [("enrolled", 1)]


def test_there_must_be_a_record(person, tell):
    tell(subject("c", state="enrolled"), system="ctms")

    with pytest.raises(CannotDo, match="there is no Enrollment"):
        person.says("state", "died", one="01980000-0000-7000-8000-000000000000")
