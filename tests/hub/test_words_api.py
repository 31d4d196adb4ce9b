"""What people say over the API becomes an order with a reason; questions show values to few."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from hub import decisions, keys
from hub.api.app import mount
from hub.api.deps import Deps
from hub.database import session
from hub.principal import OPERATE, PHI, READ
from hub.statement import Identifier, Stated

NOW = 1_772_000_500_000_000
NOBODY = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
def given() -> list:
    """The orders that were given, and what comes of the next."""
    return []


@pytest.fixture
def came() -> list:
    return [{"id": NOBODY}]


@pytest.fixture
def app(hub_url, keyring, audited, given, came):
    def order(principal, one):
        given.append((principal.name, one))
        return came[0]

    made = FastAPI()
    deps = Deps(
        open_session=lambda: session(hub_url, read_only=True),
        keyring=keyring,
        clock=lambda: NOW,
        saw=lambda *one: audited.append(one),
        order=order,
        embedded=hub_url.startswith("sqlite"),
    )
    sessions = mount(made, deps)
    yield made
    sessions.close()


@pytest.fixture
def client(app, store):
    def make(*scopes):
        made = keys.make("ada", scopes, now=NOW, days=10)
        with store.transaction():
            keys.put(store, made.row)
        return TestClient(app, headers={"Authorization": f"Bearer {made.text}"})

    return make


@pytest.fixture
def two(tell, store) -> list[str]:
    for key, name in (("A", "ZZPHI Anna"), ("B", "ZZPHI Ann")):
        tell(
            Stated(entity="Participant", key=key, fields={"sex": "female"},
                   identifiers=(Identifier("mrn", f"ZZ{key}", "UH"),)),
            Stated(entity="ParticipantPhi", key=key, fields={"given_name": name}),
        )  # fmt: skip
    return [row[0] for row in store.all("select id from participant order by id")]


@pytest.fixture
def asked(store, two) -> list[str]:
    """Three open questions: two about the same pair, of different weight, and one of a delivery."""
    made = []
    for number, (kind, weight) in enumerate((("match", 14.5), ("match", 24.5), ("delivery", 0))):
        with store.transaction():
            one = decisions.propose(
                store, digest=bytes([number] * 16), kind=kind, evidence={"weight": weight},
                proposal={"entity": "Participant", "ids": two}, at=NOW + number * 1000,
            )  # fmt: skip
        made.append(one)
    return made


def test_a_question_shows_its_records_to_those_who_may_read_them(client, asked, two, audited):
    plain, whole = client(READ), client(READ, PHI)
    path = f"/api/v1/decisions/{asked[0]}"

    assert "records" not in plain.get(path).json()
    shown = plain.get(f"{path}?include=records")
    assert [one["id"] for one in shown.json()["records"]] == two
    assert "ZZ" not in shown.text
    assert plain.get(f"{path}?include=phi").status_code == 403
    assert audited == []
    names = [one["phi"]["given_name"] for one in whole.get(f"{path}?include=phi").json()["records"]]
    assert names == ["ZZPHI Anna", "ZZPHI Ann"]
    assert {kind for kind, *_ in audited} == {"ParticipantPhi"}


def test_an_answer_is_an_order_with_its_reason(client, asked, given, came):
    came[0] = {"answered": 1, "left_open": 0}

    said = client(READ, OPERATE).post(
        f"/api/v1/decisions/{asked[1]}", json={"state": "accepted", "reason": " seen both "}
    )

    assert said.json() == {"done": True, "answered": 1, "left_open": 0}
    assert given == [
        (
            "key:ada",
            {"do": "decide", "object": asked[1], "state": "accepted", "reason": "seen both"},
        )
    ]


def test_a_rule_answers_all_that_meet_it(client, asked, given):
    operator = client(READ, OPERATE)
    rule = {"kind": "match", "where": ["weight>=20"], "state": "declined", "reason": "charts"}

    operator.post("/api/v1/decisions", json=rule)
    nothing = operator.post("/api/v1/decisions", json=rule | {"where": ["weight>=99"]})

    assert nothing.json() == {"answered": 0}
    [(_, order)] = given
    assert order["objects"] == [asked[1]]
    assert order["detail"] == {"where": ["weight>=20"]}


@pytest.mark.parametrize(
    ("path", "said", "order"),
    [
        ("merge", {"other": NOBODY.upper()}, {"do": "merge", "ids": ["{0}", NOBODY]}),
        ("unmerge", {}, {"do": "unmerge", "id": "{0}"}),
        (
            "split",
            {"system": "ehr", "key": "ZZA"},
            {"do": "split", "id": "{0}", "system": "ehr", "key": "ZZA"},
        ),
    ],
)
def test_words_about_records_are_orders(client, two, given, path, said, order):
    answer = client(READ, OPERATE).post(
        f"/api/v1/participants/{two[0]}/{path}", json=said | {"reason": "r"}
    )

    assert answer.json() == {"done": True, "id": NOBODY}
    [(_, found)] = given
    filled = {k: str(v).replace("{0}", two[0]) for k, v in order.items()}
    assert filled.items() <= {k: str(v) for k, v in found.items()}.items()
    assert found["entity"] == "Participant"
    assert "ZZ" not in found["object"], "the audit has no patient's number"


def test_what_is_not_done_is_said(client, two, came):
    operator = client(READ, OPERATE)
    path = f"/api/v1/participants/{two[0]}/unmerge"

    came[0] = {"refused": "it is no part of another"}
    refused = operator.post(path, json={"reason": "r"})
    came[0] = None
    waits = operator.post(path, json={"reason": "r"})

    assert (refused.status_code, refused.json()["detail"]) == (409, "it is no part of another")
    assert (waits.status_code, waits.json()) == (202, {"done": False})


@pytest.mark.parametrize(
    ("path", "said", "status"),
    [
        ("decisions/{q}", {"state": "accepted"}, 422),
        ("decisions/{q}", {"state": "maybe", "reason": "r"}, 422),
        ("decisions/" + NOBODY, {"state": "accepted", "reason": "r"}, 404),
        ("decisions", {"kind": "match", "state": "accepted", "reason": "r", "where": ["x"]}, 422),
        ("decisions", {"state": "accepted", "reason": "r"}, 422),
        ("participants/{p}/merge", {"reason": "r"}, 422),
        ("participants/{p}/unmerge", {"reason": "  "}, 422),
        ("patients/{p}/unmerge", {"reason": "r"}, 404),
    ],
)
def test_a_word_that_lacks_something_is_refused(client, asked, two, given, path, said, status):
    path = path.format(q=asked[0], p=two[0])

    assert client(READ, OPERATE).post(f"/api/v1/{path}", json=said).status_code == status
    assert given == []


def test_only_operators_decide(client, asked, given):
    said = {"state": "accepted", "reason": "r"}

    assert client(READ).post(f"/api/v1/decisions/{asked[0]}", json=said).status_code == 403
    assert given == []


def test_an_answered_question_is_answered_no_more(client, store, asked, given):
    with store.transaction():
        decisions.decide(store, asked[0], "declined", by="me", at=NOW, reason="r")
    said = {"state": "accepted", "reason": "r"}

    answer = client(READ, OPERATE).post(f"/api/v1/decisions/{asked[0]}", json=said)

    assert answer.status_code == 409
    assert given == []


def test_the_description_has_what_people_may_say(client):
    paths = client(READ).get("/openapi.json").json()["paths"]

    assert {"get", "post"} == paths["/api/v1/decisions/{id}"].keys()
    assert {"get", "post"} == paths["/api/v1/decisions"].keys()
    body = paths["/api/v1/participants/{id}/split"]["post"]["requestBody"]
    assert body["content"]["application/json"]["schema"]["required"] == ["system", "key", "reason"]


def test_an_override_is_an_order_with_its_end_and_its_value_is_told_to_nobody_else(
    client, two, given, came
):
    came[0] = {"decision": NOBODY}
    path = f"/api/v1/participants/{two[0]}/override"
    said = {
        "field": "phi.birth_date", "value": "1970-01-02", "until": "2100-01-01T00:00:00Z",
        "reason": "the passport says so",
    }  # fmt: skip

    assert client(READ, OPERATE).post(path, json=said).status_code == 403
    answer = client(READ, OPERATE, PHI).post(path, json=said)

    assert answer.json() == {"done": True, "decision": NOBODY}
    [(who, order)] = given
    assert (who, order["do"], order["entity"]) == ("key:ada", "override", "ParticipantPhi")
    assert (order["id"], order["field"], order["value"]) == (two[0], "birth_date", "1970-01-02")
    assert order["until"] == 4_102_444_800_000_000
    assert "1970" not in str(order["detail"])


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"field": "colour", "value": "red"}, "no field 'colour'"),
        ({"field": "sex", "value": "purple"}, "Participant.sex: expected"),
        ({"field": "sex"}, "value: expected what the field is"),
        ({"field": "sex", "value": "male", "until": "2020-01-01T00:00:00Z"}, "an instant to come"),
        ({"field": "sex", "value": "male", "until": "tomorrow"}, "an instant to come"),
    ],
)
def test_an_override_that_cannot_be_is_refused_with_what_would_do(
    client, two, given, said, expected
):
    path = f"/api/v1/participants/{two[0]}/override"
    answer = client(READ, OPERATE).post(path, json={**said, "reason": "a test"})

    assert answer.status_code == 422
    assert expected in answer.json()["detail"]
    assert given == []


def test_an_override_is_lifted_by_its_decision(client, given, came):
    came[0] = {}

    answer = client(READ, OPERATE).post(
        f"/api/v1/decisions/{NOBODY}/lift", json={"reason": "not so"}
    )

    assert answer.json() == {"done": True}
    assert given == [("key:ada", {"do": "lift", "object": NOBODY, "reason": "not so"})]
