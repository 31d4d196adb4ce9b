"""Questions are listed and answered, and records merged and parted, at the command line."""

from __future__ import annotations

import sqlite3

import pytest

ANNA = "PID|1||{mrn}^^^NORTH^MR||Example^{name}||{born}|F\r"


def adt(number: int, mrn: str, name: str, born: str = "19700305") -> str:
    head = (
        f"MSH|^~\\&|REG|NORTH|CROHUB|UH|2026030112000{number}||ADT^A04^ADT_A01|{number}|P|2.5.1\r"
    )
    return head + ANNA.format(mrn=mrn, name=name, born=born)


@pytest.fixture
def here(deployment, crohub):
    """A deployment that has read of three patients, two of whom may be one."""
    path = deployment / "connections" / "inbox.yaml"
    path.write_text(path.read_text().replace("settle: 2", "settle: 0"))
    messages = adt(1, "123456", "Anna"), adt(2, "654321", "Ann"), adt(3, "77", "Oskar", "19511120")
    (deployment / "inbox" / "a.hl7").write_text("".join(messages), newline="")
    assert crohub("run", "inbox-messages", "--config", deployment).code == 0
    return ("--config", deployment)


def records(here) -> list[tuple[str, str | None]]:
    with sqlite3.connect(here[1] / "data" / "hub.db") as store:
        rows = store.execute("select id, superseded_by from participant order by id").fetchall()
    store.close()
    return rows


def question(crohub, here) -> dict:
    [one] = crohub("decisions", "--json", *here).json
    return one


def test_a_question_shows_how_far_two_agree_and_nothing_of_them(crohub, here):
    one = question(crohub, here)
    said = crohub("decisions", *here)

    assert (one["kind"], one["state"]) == ("match", "open")
    assert len(one["proposal"]["ids"]) == 2
    assert "given_name nickname, birth_date same" in said.out
    names = [record["name"] for record in one["records"]]
    assert [name[1:7] for name in names] == [each[-6:] for each in one["proposal"]["ids"]]
    assert f"Participant {names[0]} | {names[1]}" in said.out
    assert not any(each in said.out for each in one["proposal"]["ids"])
    for value in ("Example", "Ann", "1970", "123456"):
        assert value not in said.out


def test_a_question_is_answered_by_its_id(crohub, here):
    one = question(crohub, here)

    said = crohub("decide", "accept", one["id"], "--reason", "one person", "--json", *here)

    assert said.json == {"questions": 1, "done": True, "answered": 1, "left_open": 0}
    kept, lost = one["proposal"]["ids"]
    assert dict(records(here))[lost] == kept
    again = crohub("decide", "accept", one["id"], "--reason", "one person", *here)
    assert again.code == 1
    assert "no such open question" in again.err


def test_a_rule_is_shown_before_it_is_applied(crohub, here):
    rule = ("decide", "decline", "--kind", "match", "--reason", "two charts are usual")

    preview = crohub(*rule, "--where", "weight>=20", "--json", *here)
    assert preview.json == {"questions": 1, "done": False}
    assert crohub(*rule, "--where", "weight>=99", "--yes", *here).code == 1
    assert question(crohub, here)["state"] == "open"
    applied = crohub(*rule, "--where", "fields.birth_date.level=same", "--yes", *here)

    assert applied.out == "1 questions declined\n"
    [declined] = crohub("decisions", "--state", "declined", "--json", *here).json
    assert declined["reason"] == "two charts are usual"
    assert all(superseded is None for _, superseded in records(here))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("maybe", "x", "--reason", "r"), "expected accept or decline"),
        (("accept", "--reason", "r"), "say which"),
        (("accept", "x"), "--reason is needed"),
        (("accept", "--kind", "match", "--reason", "r", "--where", "weight>=many"), "a number"),
    ],
)
def test_an_answer_without_all_it_needs_is_refused(crohub, here, words, told):
    said = crohub("decide", *words, *here)

    assert said.code == 2
    assert told in said.err


def test_records_are_merged_unmerged_and_split(crohub, here):
    one, other = question(crohub, here)["proposal"]["ids"]

    merged = crohub("merge", "Participant", other, one, "--reason", "seen at the desk", *here)
    assert merged.out == f"one record now: {one}\n"
    assert dict(records(here))[other] == one
    undone = crohub("unmerge", "Participant", other, "--reason", "a mistake", "--json", *here)
    assert undone.json == {"id": other, "from": one}
    assert [superseded for _, superseded in records(here)] == [None] * 3
    crohub("merge", "Participant", other, one, "--reason", "no mistake", *here)
    key = ("split", "Participant", one, "personnel", "654321^^^NORTH", "--reason", "another's")
    parted = crohub(*key, "--json", *here)

    assert {parted.json["id"], parted.json["from"]} <= {one, other}
    assert [superseded for _, superseded in records(here)] == [None] * 3


def test_what_cannot_be_done_is_said(crohub, here):
    one = records(here)[0][0]

    said = crohub("unmerge", "Participant", one, "--reason", "r", *here)
    wrong = crohub("merge", "Patient", one, one, "--reason", "r", *here)
    silent = crohub("merge", "Participant", one, one, *here)

    assert (said.code, wrong.code, silent.code) == (1, 2, 2)
    assert "is not part of another record; nothing was done" in said.err
    assert "'Patient' is no kind of record" in wrong.err


def test_all_records_are_searched_at_once_when_the_policy_asks_for_less(deployment, crohub):
    policies = deployment / "policies"
    policies.mkdir(exist_ok=True)
    (policies / "identity.yaml").write_text("Participant: {review: 99}\n")
    path = deployment / "connections" / "inbox.yaml"
    path.write_text(path.read_text().replace("settle: 2", "settle: 0"))
    messages = adt(1, "123456", "Anna"), adt(2, "654321", "Ann"), adt(3, "77", "Oskar", "19511120")
    (deployment / "inbox" / "a.hl7").write_text("".join(messages), newline="")
    where = ("--config", deployment)
    assert crohub("run", "inbox-messages", *where).code == 0
    before = crohub("decisions", "--json", *where).json
    (policies / "identity.yaml").write_text("search: [Participant]\n")

    put = crohub("match", "Participant", "--reason", "the bound is lower", "--json", *where)
    again = crohub("match", "Participant", "--reason", "to be sure", *where)
    other = crohub("match", "Person", "--reason", "x", *where)

    told = {"entity": "Participant", "records": 3, "pairs": 1, "done": True, "questions": 1}
    assert (before, put.json) == ([], told)
    [one] = crohub("decisions", "--json", *where).json
    assert "given_name" in one["evidence"]["fields"]
    assert again.out == "3 records, 1 pairs compared, 0 questions put\n"
    assert (other.code, "Participant" in other.err) == (2, True)
    [entry, _] = crohub("audit", "list", "--action", "compare", "--json", *where).json
    assert (entry["object"], entry["reason"]) == ("Participant, part 1 of 1", "to be sure")
