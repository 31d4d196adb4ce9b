"""A person's word on records: they are one, they are not; and taken back without a trace."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.joining import CannotDo, Word, merge, split, unmerge
from hub.model.spec import entities
from hub.statement import Identifier, SameAs, Stated
from hub.write import cell_place

PARTICIPANT = entities()["Participant"]


def patient(key, mrn=None, **fields):
    given = (Identifier("mrn", mrn, "UH"),) if mrn else ()
    return Stated(entity="Participant", key=key, fields=fields, identifiers=given)


def named(key, **fields):
    return Stated(entity="ParticipantPhi", key=key, fields=fields)


@pytest.fixture
def word(context):
    """Says something in the name of a person, in a transaction of its own."""
    numbers = itertools.count(1000)

    def say(do, *arguments):
        number = next(numbers)
        with context.session.transaction():
            return do(context, PARTICIPANT, *arguments, Word(seq=number, at=number))

    return say


def everything(context) -> dict:
    """Each record and sealed part by id: business fields and provenance, as they are stored but
    for the sealing, which is never the same twice."""
    found = {}
    for name in ("Participant", "ParticipantPhi"):
        spec = entities()[name]
        columns = [str(field.column) for field in spec.fields.values()]
        for one, *cells in context.session.all(
            f"select id, superseded_by, withdrawn, quality, provenance, {', '.join(columns)} "
            f"from {spec.table.name} order by id"
        ):
            plain = [
                context.keyring.open(bytes(cell), cell_place(name, one, column))
                if isinstance(cell, bytes)
                else cell
                for column, cell in zip([""] * 4 + columns, cells, strict=True)
            ]
            found[name, one] = plain
    return found


def standing(context) -> list[str]:
    rows = context.session.all("select id from participant where superseded_by is null order by id")
    return [row[0] for row in rows]


def languages(context) -> list[str | None]:
    return [row[0] for row in context.session.all("select language from participant order by id")]


def test_a_merge_of_two_records_is_undone_byte_for_byte(context, tell, word):
    tell(patient("A", sex="female", year_of_birth=1970), named("A", family_name="Example"))
    tell(patient("B", sex="male", language="en"), named("B", given_name="Anna"), system="ctms")
    before = everything(context)
    one, other = standing(context)

    assert word(merge, other, one) == one
    merged = everything(context)
    assert standing(context) == [one]
    assert merged["ParticipantPhi", one][4:6] == [b'"Example"', b'"Anna"']
    assert word(unmerge, other) == one

    assert everything(context) == before


def test_what_is_said_while_they_are_one_goes_with_its_key(context, tell, word):
    tell(patient("A", sex="female"))
    tell(patient("B", language="en"))
    one, other = standing(context)
    word(merge, one, other)
    tell(patient("B", language="fr"))
    assert languages(context) == ["fr", None]

    word(unmerge, other)

    assert languages(context) == [None, "fr"]


def test_a_record_that_is_no_part_of_another_cannot_be_taken_out(context, tell, word):
    tell(patient("A", sex="female"))
    [one] = standing(context)

    with pytest.raises(CannotDo, match="not part of another record"):
        word(unmerge, one)
    with pytest.raises(CannotDo, match="there is no Participant"):
        word(merge, one, "00000000-0000-7000-8000-000000000000")


def test_equal_identifiers_are_nobodys_word_and_a_split_parts_them_for_good(context, tell, word):
    tell(patient("A", mrn="1", sex="female"))
    tell(patient("B", language="en"), system="ctms")
    one, other = standing(context)
    tell(patient("B", mrn="1"), system="ctms")
    assert standing(context) == [one]
    with pytest.raises(CannotDo, match="equal identifiers"):
        word(unmerge, other)

    assert word(split, one, "ctms", "B") == other
    assert standing(context) == [one, other]
    tell(patient("B", mrn="1", language="fr"), system="ctms")
    tell(patient("C", mrn="1"), system="edc")
    assert standing(context) == [one, other], "no identifier brings it back"
    assert word(merge, one, other) == one
    assert standing(context) == [one]


def test_a_key_that_is_not_of_the_record_is_not_split_from_it(context, tell, word):
    tell(patient("A", sex="female"))
    [one] = standing(context)

    with pytest.raises(CannotDo, match="no such key of 'ctms'"):
        word(split, one, "ctms", "B")
    with pytest.raises(CannotDo, match="nothing to part"):
        word(split, one, "ehr", "A")


def test_a_source_that_says_they_are_one_after_a_split_is_a_question(context, tell, word):
    tell(patient("A"), patient("B"), SameAs(entity="Participant", kept="A", retired="B"))
    [one] = standing(context)
    word(split, one, "ehr", "B")

    tell(SameAs(entity="Participant", kept="A", retired="B"))

    assert len(standing(context)) == 2
    [(kind, evidence, ids)] = context.session.all("select kind, evidence, ids from decision")
    assert kind == "identity"
    assert '"question":"apart"' in evidence
    assert one in ids


def test_only_the_latest_word_that_holds_them_together_is_taken_back(context, tell, word):
    tell(patient("A"), patient("B"), patient("C"))
    one, two, three = standing(context)
    word(merge, two, three)
    word(merge, one, two)

    word(unmerge, two)

    assert standing(context) == [one, two]
    assert everything(context)["Participant", three][0] == two


KEYS = st.sampled_from("ABCD")
SAID = st.builds(
    lambda key, mrn, sex, name: (patient(key, mrn=mrn, sex=sex), named(key, family_name=name)),
    KEYS,
    st.sampled_from([None, "1", "2"]),
    st.sampled_from(["female", "male"]),
    st.sampled_from(["Example", "Sample"]),
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(SAID, min_size=2, max_size=6), st.data())
def test_whatever_was_said_merge_and_unmerge_change_nothing(context, tell, word, said, data):
    _forget_all(context)
    for statements in said:
        tell(*statements, system=data.draw(st.sampled_from(["ehr", "ctms"])))
    records = standing(context)
    if len(records) < 2:
        return
    before = everything(context)
    one, other = sorted(data.draw(st.permutations(records))[:2])

    word(merge, one, other)
    word(unmerge, other)

    assert everything(context) == before


def _forget_all(context) -> None:
    session = context.session
    context.world.clear()
    with session.transaction():
        for table in ("participant", "participant_phi", "xref", "identifier", "same_as", "finding",
                      "relation", "decision"):  # fmt: skip
            session.run(f"delete from {table}")
