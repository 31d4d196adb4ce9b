"""What is said in canonical words: of a record by our own id, of another by its, and of the version
that was seen."""

from __future__ import annotations

import itertools

import orjson
import pytest

from hub import spoken
from hub.said import Said
from hub.settle import settle
from hub.statement import REMOVED, Gone, Identifier, Meaning, Ref, SameAs, Seen, Stated
from tests.hub.conftest import BASE

NOBODY = "00000000-0000-7000-8000-000000000000"
_seqs = itertools.count(1000)


@pytest.fixture
def speak(context):
    """Settles one message in canonical words; which of those there were came too late."""

    def say(*statements, seen=None, system="ctms", again=None):
        seq = again or next(_seqs)
        body = spoken.written("key:ada", "lane", Meaning(statements=statements, seen=seen))
        said = Said(seq=seq, system=system, at=BASE + seq * 1_000_000, again=bool(again),
                    meaning=spoken.meaning(body))  # fmt: skip
        with context.session.transaction():
            return settle(context, [said]).late

    return say


def study(key, **fields):
    return Stated(entity="Study", key=key, fields=fields)


def rows(store, columns="id, title, version", of="study"):
    sql = f"select {columns} from {of} where superseded_by is null order by id"
    return store.all(sql)


def test_a_message_means_what_was_written():
    meaning = Meaning(
        statements=(
            Stated(
                entity="StudySite", key="k", of=NOBODY, at="2026-03-01T08:30Z", complete=True,
                fields={
                    "site_number": "7", "country": REMOVED, "study": Ref("Study", id=NOBODY),
                    "organization": Ref("Organization", "o"),
                    "principal_investigator": Ref(
                        "Person", identifiers=(Identifier("npi", "1", ""),)
                    ),
                },
                identifiers=(Identifier("site_number", "7", "CM"),),
            ),
            Gone(entity="Study", key="g"),
        ),
        seen=Seen("StudySite", NOBODY, 3),
    )  # fmt: skip

    body = spoken.written("key:ada", "lane", meaning)

    assert spoken.meaning(body) == meaning
    assert spoken.lane(body, spoken.MEDIA) == "lane"
    assert spoken.lane(body, "application/json") is None


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"statements": [1], "seen": null}'])
def test_what_is_no_such_message_is_not_understood(body):
    with pytest.raises(ValueError, match=r"canonical words|line 1|unexpected|invalid|JSON|empty"):
        spoken.meaning(body)


def test_a_field_that_its_entity_does_not_take_is_left_out_and_told_of():
    body = spoken.written("a", "l", Meaning(statements=(study("k", wards="x", title="A trial"),)))

    meaning = spoken.meaning(body)

    assert meaning.statements[0].fields == {"title": "A trial"}
    assert [(one.rule, one.field) for one in meaning.complaints] == [("unknown-field", "wards")]


def test_a_key_is_of_the_record_that_is_named(store, tell, speak):
    tell(study("e", title="From the EDC"), system="edc")
    [(one, _, _)] = rows(store)

    speak(Stated(entity="Study", key=one, of=one, fields={"title": "From the CTMS", "phase": "2"}))
    speak(study(one, acronym="T"))

    assert rows(store, "id, title, phase, acronym") == [(one, "From the CTMS", "2", "T")]


def test_a_key_of_a_record_that_is_no_more_is_of_what_it_became(store, tell, speak):
    tell(study("a", title="A"), system="edc")
    tell(study("b", title="B"), system="edc")
    (kept, _, _), (lost, _, _) = rows(store)
    tell(SameAs(entity="Study", kept="a", retired="b"), system="edc")

    speak(Stated(entity="Study", key="c", of=lost, fields={"phase": "3"}))
    speak(Stated(entity="Study", key="d", of=NOBODY, fields={"title": "Of nobody's"}))

    assert rows(store, "id, phase")[0] == (kept, "3")
    assert len(rows(store)) == 2


def test_a_reference_by_id_leads_to_what_the_record_became(store, tell, speak):
    tell(study("a", title="A"), study("b", title="B"), system="edc")
    (kept, _, _), (lost, _, _) = rows(store)
    site = {"study": Ref("Study", id=lost), "site_number": "1"}
    speak(Stated(entity="StudySite", key="s", fields=site))
    speak(Stated(entity="StudySite", key="n", fields={"study": Ref("Study", id=NOBODY)}))

    before = rows(store, "study_id", "study_site")
    tell(SameAs(entity="Study", kept="a", retired="b"), system="edc")

    assert before == [(lost,), (None,)]
    assert rows(store, "study_id", "study_site") == [(kept,), (None,)]


def test_what_was_said_of_another_version_changes_nothing(store, tell, speak):
    tell(study("a", title="A"), system="edc")
    [(one, _, _)] = rows(store)
    seen = Seen("Study", one, 1)

    late = [
        speak(study("x", title="First"), seen=Seen("Study", one, 9)),
        speak(Stated(entity="Study", key="x", of=one, fields={"title": "Second"}), seen=seen),
        speak(Stated(entity="Study", key="x", of=one, fields={"title": "Third"}), seen=seen),
        speak(study("y", title="Of nobody's"), seen=Seen("Study", NOBODY, 0)),
    ]

    assert [bool(one) for one in late] == [True, False, True, True]
    assert rows(store) == [(one, "Second", 2)]


def test_of_two_messages_of_a_batch_with_one_version_the_second_is_late(store, tell, context):
    tell(study("a", title="A"), system="edc")
    [(one, _, _)] = rows(store)
    batch = [
        Said(
            seq=seq, system="ctms", at=BASE + seq,
            meaning=Meaning(
                statements=(Stated(entity="Study", key=one, of=one, fields={"title": title}),),
                seen=Seen("Study", one, 1),
            ),
        )
        for seq, title in ((50, "First"), (51, "Second"))
    ]  # fmt: skip

    with context.session.transaction():
        settled = settle(context, batch)

    assert (settled.done, settled.late) == ([50], [51])
    assert rows(store) == [(one, "First", 2)]


def test_a_message_that_is_settled_again_counts_whatever_the_record_has_become(
    store, tell, speak, context
):
    tell(study("a", title="A"), system="edc")
    [(one, _, _)] = rows(store)
    said = Stated(entity="Study", key=one, of=one, fields={"title": "B"})
    speak(said, seen=Seen("Study", one, 1))
    seq = store.one("select max(seq) from assertion")[0]

    late = speak(said, seen=Seen("Study", one, 1), again=seq)

    assert late == []
    assert rows(store, "id, title") == [(one, "B")]
    sql = "select said from assertion where seq = ? and kind = 'stated' order by a desc"
    assert orjson.loads(store.one(sql, (seq,))[0]) == {"title": "B"}
