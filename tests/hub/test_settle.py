"""Assertions become one truth: stories told to the store, on both databases."""

from __future__ import annotations

import orjson

from hub.said import Said
from hub.settle import settle
from hub.statement import REMOVED, Gone, Identifier, Meaning, Ref, SameAs, Stated

BASE = 1_772_000_000_000_000


def say(context, seq, *statements, system="ehr", at=None, admission="all", again=False):
    said = Said(
        seq=seq,
        system=system,
        at=BASE + (seq if at is None else at) * 1_000_000,
        meaning=Meaning(statements=tuple(statements)),
        admission=admission,
        again=again,
    )
    with context.session.transaction():
        return settle(context, [said])


def patient(key, mrn=None, **fields):
    ids = (Identifier("mrn", mrn, "UH"),) if mrn else ()
    return Stated(entity="Participant", key=key, fields=fields, identifiers=ids)


def participants(context):
    return context.session.all(
        "select id, sex, version, superseded_by, withdrawn, quality from participant order by id"
    )


def test_a_new_person_becomes_one_record_with_one_version(context):
    say(context, 1, patient("A", "1", sex="female"))

    [(_, sex, version, superseded, withdrawn, quality)] = participants(context)
    assert (sex, version, superseded, bool(withdrawn), quality) == ("female", 1, None, False, "ok")


def test_saying_the_same_again_makes_no_version(context):
    say(context, 1, patient("A", "1", sex="female"))
    settled = say(context, 2, patient("A", "1", sex="female"))

    assert settled.unchanged == 1
    assert participants(context)[0][2] == 1


def test_an_older_message_that_comes_late_does_not_overwrite(context):
    say(context, 1, patient("A", "1", sex="female"), at=50)
    say(context, 2, patient("A", "1", sex="male", deceased=True), at=10)

    row = context.session.one("select sex, deceased from participant")
    assert (row[0], bool(row[1])) == ("female", True)


def test_two_systems_that_share_an_identifier_speak_of_one_thing(context):
    say(context, 1, patient("A", "1", sex="female"), system="ehr")
    say(context, 2, patient("77", "1", sex="male", race=["asian"]), system="ctms")

    [(_, sex, *_)] = participants(context)
    assert sex == "female"


def test_a_contradicting_identifier_ties_nothing_and_opens_a_finding(context):
    social = Identifier("ssn", "536-22-1234")
    one = Stated(
        entity="Participant",
        key="A",
        fields={"sex": "female"},
        identifiers=(Identifier("mrn", "1", "UH"), social),
    )
    other = Stated(
        entity="Participant",
        key="B",
        fields={"sex": "male"},
        identifiers=(Identifier("mrn", "2", "UH"), social),
    )

    say(context, 1, one)
    say(context, 2, other)

    assert len(participants(context)) == 2
    [(rule,)] = context.session.all("select rule from finding where closed_at is null")
    assert rule == "identity-contradicted"


def test_removed_takes_the_value_away_and_absent_leaves_it(context):
    say(context, 1, patient("A", "1", sex="female", race=["asian"]))
    say(context, 2, patient("A", "1", race=REMOVED))

    row = context.session.one("select sex, race from participant")
    assert (row[0], row[1]) == ("female", None)


def test_a_complete_statement_removes_what_it_leaves_out(context):
    say(context, 1, patient("A", "1", sex="female", race=["asian"]))
    say(context, 2, Stated(entity="Participant", key="A", fields={"sex": "male"}, complete=True))

    row = context.session.one("select sex, race from participant")
    assert (row[0], row[1]) == ("male", None)


def test_a_merge_leads_to_the_older_id_and_later_traffic_lands_there(context):
    say(context, 1, patient("12345", "12345", sex="female"))
    say(context, 2, patient("56789", "56789", sex="male"))
    say(context, 3, SameAs(entity="Participant", kept="12345", retired="56789"))
    say(context, 4, patient("56789", "56789", deceased=True))

    rows = participants(context)
    assert rows[1][3] == rows[0][0]
    kept = context.session.one("select deceased from participant where id = ?", (rows[0][0],))
    assert bool(kept[0])


def test_an_unmerge_gives_both_records_back_as_they_were(context):
    say(context, 1, patient("A", "1", sex="female"))
    say(context, 2, patient("B", "2", sex="male"))
    before = context.session.all("select id, sex, provenance from participant order by id")
    say(context, 3, SameAs(entity="Participant", kept="A", retired="B"))
    say(context, 4, SameAs(entity="Participant", kept="A", retired="B", withdrawn=True))

    after = context.session.all("select id, sex, provenance from participant order by id")
    assert after == before
    assert all(row[3] is None for row in participants(context))


def test_whoever_refers_to_a_merged_record_follows_it(context):
    enrol = Stated(
        entity="Enrollment",
        key="e1",
        fields={"participant": Ref("Participant", "B"), "subject_number": "S-1"},
    )
    say(context, 1, patient("A", "1", sex="female"))
    say(context, 2, patient("B", "2", sex="male"), enrol)
    say(context, 3, SameAs(entity="Participant", kept="A", retired="B"))

    kept = participants(context)[0][0]
    [(participant,)] = context.session.all("select participant_id from enrollment")
    assert participant == kept


def test_a_late_parent_begins_as_a_stub_and_resolves(context):
    enrol = Stated(entity="Enrollment", key="e1", fields={"study": Ref("Study", "onc")})
    say(context, 1, enrol)
    stub = context.session.one("select id, quality from study")
    say(context, 2, Stated(entity="Study", key="onc", fields={"title": "ONC-101"}))

    study = context.session.one("select id, quality, title from study")
    assert (stub[1], study[1], study[2]) == ("stub", "ok", "ONC-101")
    assert stub[0] == study[0]


def test_gone_keeps_the_last_values_and_marks_the_record_withdrawn(context):
    say(context, 1, patient("A", "1", sex="female"))
    say(context, 2, Gone(entity="Participant", key="A"))

    [(_, sex, version, _, withdrawn, _)] = participants(context)
    assert (sex, version, bool(withdrawn)) == ("female", 2, True)


def test_a_delete_without_a_version_withdraws_a_versioned_record_until_it_is_said_again(context):
    def versioned(number):
        return Stated(entity="Study", key="s", fields={"title": f"v{number}"}, version=str(number))

    say(context, 1, versioned(1))
    say(context, 2, versioned(2))
    say(context, 3, Gone(entity="Study", key="s"))
    withdrawn = context.session.one("select title, withdrawn from study")
    say(context, 4, versioned(3))

    assert (withdrawn[0], bool(withdrawn[1])) == ("v2", True)
    again = context.session.one("select title, withdrawn from study")
    assert (again[0], bool(again[1])) == ("v3", False)


def test_a_person_in_no_study_is_held_until_a_link_appears(context):
    held = say(context, 1, patient("A", "1", sex="female"), admission="known_only")
    link = Stated(
        entity="Enrollment",
        key="e1",
        fields={"participant": Ref("Participant", "A"), "subject_number": "S-1"},
    )
    linked = say(context, 2, link, admission="known_only")

    assert held.done == []
    assert {seq for _, seq in held.held} == {1}
    assert {digest for digest, _ in held.held} & set(linked.born)
    say(context, 1, patient("A", "1", sex="female"), admission="known_only")
    assert participants(context)[0][1] == "female"


def test_whom_another_system_knows_by_number_is_known_in_all_that_is_said_of_them(context):
    say(context, 1, patient("C", "1", sex="female"), system="ctms")
    secret = Stated(entity="ParticipantPhi", key="A", fields={"family_name": "Example"})
    visit = Stated(
        entity="ParticipantVisit", key="v1", fields={"participant": Ref("Participant", "A")}
    )

    known = say(context, 2, patient("A", "1"), secret, visit, admission="known_only")
    other = say(context, 3, patient("B", "2"), visit, admission="known_only")

    assert (known.done, known.held) == ([2], [])
    assert other.done == []
    assert len(participants(context)) == 1


def test_somebody_who_is_said_to_be_a_person_known_by_number_is_known(context):
    say(context, 1, patient("77", "1", sex="female"), system="ctms")

    told = say(
        context, 2, patient("M", "2", sex="male"), patient("R", "1"),
        SameAs(entity="Participant", kept="M", retired="R"), admission="known_only",
    )  # fmt: skip
    apart = say(context, 3, patient("X", "3"), patient("R", "1"), admission="known_only")

    assert told.held == []
    assert [row[1] for row in participants(context) if row[3] is None] == ["male"]
    assert {seq for _, seq in apart.held} == {3}


def test_settling_a_message_again_replaces_what_it_said_before(context):
    say(context, 1, patient("A", "1", sex="male", deceased=True), at=1)
    say(context, 2, patient("A", "1", sex="female"), at=2)
    say(context, 1, patient("A", "1", sex="male"), at=1, again=True)

    row = context.session.one("select sex, deceased from participant")
    assert row == ("female", None)


def test_what_a_replay_no_longer_says_gives_way_to_what_it_had_hidden(context):
    say(context, 1, patient("A", "1", sex="male"), at=1)
    say(context, 2, patient("A", "1", sex="female"), at=2)
    say(context, 2, patient("A", "1", deceased=False), at=2, again=True)

    row = context.session.one("select sex, deceased from participant")
    assert (row[0], bool(row[1])) == ("male", False)


def test_personal_data_is_sealed_in_every_table(context):
    phi = Stated(entity="ParticipantPhi", key="ZZPHI-KEY", fields={"family_name": "ZZPHI-NAME"})
    say(context, 1, patient("ZZPHI-KEY", "ZZPHI-MRN", sex="female"), phi)

    for table in (
        "xref",
        "assertion",
        "identifier",
        "version",
        "participant",
        "participant_phi",
        "audit",
        "finding",
    ):
        for row in context.session.all(f"select * from {table}"):
            assert (
                b"ZZPHI"
                not in repr([bytes(c) if isinstance(c, memoryview) else c for c in row]).encode()
            )


def test_the_sealed_part_shares_its_owners_id_and_opens_in_its_place(context):
    phi = Stated(entity="ParticipantPhi", key="A", fields={"family_name": "Okafor"})
    say(context, 1, patient("A", "1", sex="female"), phi)

    [(owner,)] = context.session.all("select id from participant")
    [(one, cell)] = context.session.all("select id, family_name from participant_phi")
    place = f"participant_phi|{one}|family_name".encode()
    assert (one, orjson.loads(context.keyring.open(bytes(cell), place))) == (owner, "Okafor")


def past_the_guard(session):
    if session.dialect == "sqlite":
        session.run("drop trigger audit_refuses_update")
    else:
        session.run("drop trigger audit_is_append_only on audit")


def test_the_audit_chain_breaks_where_an_entry_is_altered(context):
    from hub.audit import broken

    say(context, 1, patient("A", "1", sex="female"))
    say(context, 2, patient("A", "1", sex="male"))
    assert list(broken(context.session)) == []

    past_the_guard(context.session)  # as somebody who owns the database could
    context.session.run("update audit set reason = 'x' where n = 1")
    assert "test/1" in broken(context.session)
