"""What was believed when: versions of a record, and the record as of another day."""

from __future__ import annotations

import orjson
import pytest

from hub.history import Asked, history, rebuilt
from hub.model.spec import entities
from hub.principal import READ, SYSTEM, Forbidden, Principal
from hub.query import BadQuery, View
from hub.render import moment
from hub.statement import REMOVED, Identifier, Ref, SameAs, Stated
from hub.worklists import decisions, findings

READER = Principal(name="reader", scopes=frozenset({READ}))
PERSON = entities()["Participant"]
BASE = 1_772_000_000_000_000


def patient(key, mrn, **fields):
    given = (Identifier("mrn", mrn, "UH"),)
    return Stated(entity="Participant", key=key, fields=fields, identifiers=given)


def phi(key, **fields):
    return Stated(entity="ParticipantPhi", key=key, fields=fields)


def ids(store):
    return [row[0] for row in store.all("select id from participant order by id")]


def versions(reader, one, principal=READER, **view):
    return history(reader, principal, PERSON, one, view=View(**view)).items


def then(reader, one, principal=READER, as_of=None, known_at=None, **view):
    return rebuilt(reader, principal, PERSON, one, View(**view), Asked(as_of, known_at))


def test_each_version_shows_what_it_changed_and_who_said_it(reader, store, tell):
    first = tell(patient("p", "1", sex="female", language="no"))
    second = tell(patient("p", "1", language=REMOVED))
    [one] = ids(store)

    told = versions(reader, one, provenance=True)

    assert [item["version"] for item in told] == [1, 2]
    assert [item["changed"] for item in told] == [
        {"sex": "female", "language": "no"},
        {"language": None},
    ]
    assert told[0]["provenance"]["sex"]["message"] == first
    assert told[1]["provenance"] == {}
    assert second > first


def test_pages_of_a_history_follow_each_other(reader, store, tell):
    for number in range(5):
        tell(patient("p", "1", sex_native=str(number)))
    [one] = ids(store)
    found, cursor = [], ""
    while cursor is not None:
        part = history(reader, READER, PERSON, one, view=View(), after=cursor, limit=2)
        found += [item["version"] for item in part.items]
        cursor = part.next

    assert found == [1, 2, 3, 4, 5]


def test_a_history_goes_on_only_behind_its_own_cursor(reader, store, tell):
    tell(patient("p", "1"))

    with pytest.raises(BadQuery, match="cursor"):
        history(reader, READER, PERSON, ids(store)[0], view=View(), after="ZZPHI")


def test_a_merge_and_a_reference_stand_in_the_history_as_in_answers(reader, store, tell):
    tell(patient("A", "1", sex="female"))
    tell(patient("B", "2", sex="male"))
    tell(Stated(entity="Enrollment", key="e", fields={"participant": Ref("Participant", "B")}))
    tell(SameAs(entity="Participant", kept="A", retired="B"))
    kept, lost = ids(store)
    [[enrollment]] = store.all("select id from enrollment")

    told = history(reader, READER, entities()["Enrollment"], enrollment, view=View()).items
    ended = versions(reader, lost)[-1]["changed"]

    assert [item["changed"]["participant"]["id"] for item in told] == [lost, kept]
    assert ended["superseded_by"] == kept


def test_sealed_versions_are_shown_only_when_asked_and_allowed_and_reported(
    reader, store, tell, audited
):
    tell(patient("p", "1", sex="female"), phi("p", city="Oslo"))
    tell(phi("p", city="Bergen"))
    [one] = ids(store)

    plain = versions(reader, one)
    with pytest.raises(Forbidden):
        versions(reader, one, include=frozenset({"phi"}))
    before = list(audited)
    whole = versions(reader, one, SYSTEM, include=frozenset({"phi"}))

    assert [item["changed"] for item in plain] == [{"sex": "female"}]
    assert before == []
    assert [i["changed"]["city"] for i in whole if i.get("part") == "phi"] == ["Oslo", "Bergen"]
    assert audited == [("ParticipantPhi", [one], SYSTEM)]


def test_a_record_is_rebuilt_as_it_was_in_the_world(reader, store, tell):
    tell(patient("p", "1", sex="female", language="no"), at=10)
    tell(patient("p", "1", language="en", deceased=True), at=20)
    [one] = ids(store)

    before = then(reader, one, as_of=BASE + 15_000_000)
    after = then(reader, one, as_of=BASE + 20_000_000)

    assert (before["language"], before["deceased"], before["version"]) == ("no", None, 1)
    assert (after["language"], after["deceased"], after["version"]) == ("en", True, 2)
    assert set(after) == set(before)


def test_what_came_to_be_known_later_was_not_known_before(reader, store, tell, context):
    tell(patient("p", "1", sex="female"), at=10)
    between = context.clock()
    tell(patient("p", "1", language="no"), at=5)
    [one] = ids(store)

    assert then(reader, one, known_at=between)["language"] is None
    assert then(reader, one, as_of=BASE + 7_000_000)["language"] == "no"
    assert then(reader, one, as_of=BASE + 7_000_000, known_at=between) is None


def test_a_clock_that_was_set_back_leaves_no_version_before_the_one_it_builds_on(
    reader, store, tell, context
):
    moments = iter((50, 20, 30))
    context.clock = lambda: BASE + next(moments) * 1_000_000
    tell(patient("p", "1", sex="female", language="no"))
    tell(patient("p", "1", language="en"))
    context.world.clear()  # as after a restart
    tell(patient("p", "1", language="de"))
    [one] = ids(store)

    assert then(reader, one, known_at=BASE + 40_000_000) is None
    assert [i["recorded_at"] for i in versions(reader, one)] == [moment(BASE + 50_000_000)] * 3
    found = then(reader, one, known_at=BASE + 50_000_000)
    assert (found["sex"], found["language"]) == ("female", "de")


def test_nothing_is_rebuilt_before_its_first_version(reader, store, tell):
    tell(patient("p", "1", sex="female"))

    assert then(reader, ids(store)[0], as_of=BASE - 1) is None


def test_a_rebuilt_record_knows_who_said_it_and_opens_its_sealed_part(reader, store, tell, audited):
    first = tell(patient("p", "1", sex="female"), phi("p", city="Oslo"), at=1)
    tell(patient("p", "1", sex="male"), phi("p", city="Bergen"), at=9)
    [one] = ids(store)

    with pytest.raises(Forbidden):
        then(reader, one, as_of=BASE + 5_000_000, include=frozenset({"phi"}))
    found = then(
        reader, one, SYSTEM, as_of=BASE + 5_000_000, include=frozenset({"phi"}), provenance=True
    )

    assert (found["sex"], found["phi"]["city"]) == ("female", "Oslo")
    assert {n: p["message"] for n, p in found["provenance"].items()} == {
        "sex": first, "phi.city": first,
    }  # fmt: skip
    assert audited == [("ParticipantPhi", [one], SYSTEM)]


def test_the_newest_rebuilt_record_is_the_current_one(reader, store, tell):
    from hub.repository import get

    tell(patient("p", "1", sex="female", race=["asian"], deceased=False))
    tell(patient("q", "1", sex="male", language="no", race=REMOVED), system="ctms")
    tell(patient("p", "1", deceased=True))
    [one] = ids(store)

    assert then(reader, one, as_of=BASE * 2) == get(reader, READER, PERSON, one, View())


def test_a_record_of_another_study_has_no_history_either(reader, store, tell):
    tell(patient("p", "1", sex="female"))
    [one] = ids(store)
    other = Principal(name="x", scopes=frozenset({READ}), studies=frozenset({"none"}))

    assert history(reader, other, PERSON, one, view=View()) is None
    assert then(reader, one, other, as_of=BASE * 2) is None


def test_findings_are_listed_open_closed_and_within_the_grants(reader, store, tell):
    from hub.statement import Complaint

    fault = Complaint(
        rule="unmapped-code", place="PID-8", expected="a known sex", found="Q",
        entity="Participant", key="p", field="sex",
    )  # fmt: skip
    tell(patient("p", "1"), complaints=(fault,))
    loose = Complaint(rule="unknown-reference", place="PV1-3", expected="a location")
    tell(patient("q", "2"), complaints=(loose,))
    other = Principal(name="x", scopes=frozenset({READ}), studies=frozenset({"none"}))

    found = findings(reader, READER)
    first = findings(reader, READER, limit=1)
    rest = findings(reader, READER, limit=1, after=first.next)

    assert [item["rule"] for item in found.items] == ["unmapped-code", "unknown-reference"]
    assert found.items[0]["entity_id"] == ids(store)[0]
    assert first.items + rest.items == found.items
    assert rest.next is None
    assert findings(reader, other).items == []
    assert len(findings(reader, READER, rule="unmapped-code", entity="Participant").items) == 1
    assert findings(reader, READER, state="closed").items == []

    tell(patient("p", "1", sex="female"))

    assert [i["rule"] for i in findings(reader, READER, state="closed").items] == ["unmapped-code"]
    assert len(findings(reader, READER, state="").items) == 2


def test_decisions_are_for_those_who_may_see_all_studies(reader, store):
    from hub.decisions import decide, propose

    for number in (1, 2):
        propose(
            store, digest=bytes([number]), kind="match", evidence={"score": number},
            proposal={"tie": True}, at=BASE + number * 1000,
        )  # fmt: skip
    first = decisions(reader, READER, limit=1)
    decide(store, first.items[0]["id"], "accepted", by="key:me", at=BASE, reason="same person")

    accepted = decisions(reader, READER, state="accepted", kind="match").items

    assert orjson.dumps(accepted[0]["evidence"]) == b'{"score":1}'
    assert accepted[0]["decided_by"] == "key:me"
    assert len(decisions(reader, READER, after=first.next).items) == 1
    with pytest.raises(Forbidden):
        decisions(reader, Principal(name="x", scopes=frozenset({READ}), studies=frozenset()))
