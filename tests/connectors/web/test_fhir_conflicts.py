"""Writing to a FHIR server that others write to as well: conflicts, and all or nothing."""

from __future__ import annotations

import json
from urllib.parse import parse_qs

import pytest

from connectors.errors import TryLater
from connectors.fhir import Fhir
from connectors.record import Delivery

URL = "urn:s"


class Register:
    """Keeps versions, honours If-Match and If-None-Exist, takes transactions whole or not."""

    def __init__(self, reply) -> None:
        self.reply = reply
        self.kept: dict[str, dict] = {}  # Type/id → resource
        self.writes: list = []
        self.before_write = lambda: None  # what somebody else does just before a write lands
        self.after_write = lambda answer: answer  # what happens to the answer
        self.broken: set[str] = set()  # identifiers that no transaction takes

    def put(self, path: str, **members) -> None:
        kind, _, name = path.partition("/")
        number = int(self.kept.get(path, {"meta": {"versionId": "0"}})["meta"]["versionId"]) + 1
        self.kept[path] = {
            "resourceType": kind, "id": name, **members, "meta": {"versionId": str(number)},
        }  # fmt: skip

    def __call__(self, asked):
        path = asked.path.removeprefix("/fhir").strip("/")
        if path.endswith("/_search"):
            number = parse_qs(asked.body.decode())["identifier"][0]
            return self._bundle([self.kept[one] for one in self._matching(path[:-8], number)])
        if asked.method == "GET":
            found = self.kept.get(path)
            return self._say(200, found) if found else self.reply(404)
        self.before_write()
        self.writes.append(asked)
        answer = self._transaction(asked) if not path else self._write(asked, path)
        return self.after_write(answer)

    def _write(self, asked, path):
        match, query = asked.headers.get("if-match", ""), asked.query
        condition = parse_qs(asked.headers.get("if-none-exist", "")) or query
        status, place = self._do(asked.method, path, condition, match, json.loads(asked.body))
        return self.reply(status, b"", {"Location": f"{place}/_history/1"} if place else {})

    def _transaction(self, asked):
        kept, answers = dict(self.kept), []
        for entry in json.loads(asked.body)["entry"]:
            request = entry["request"]
            path, _, query = request["url"].partition("?")
            condition = parse_qs(request.get("ifNoneExist", query))
            match, body = request.get("ifMatch", ""), entry["resource"]
            status, place = self._do(request["method"], path, condition, match, body)
            if body["identifier"][0]["value"] in self.broken:
                status = 422
            if status >= 300:
                self.kept = kept
                return self.reply(status)
            answers.append({"response": {"status": f"{status} Done", "location": place}})
        return self._bundle([], answers)

    def _do(self, method, path, condition, match, body):
        if "/" in path:
            place, found = path, [path] if path in self.kept else []
        else:
            found = self._matching(path, condition["identifier"][0])
            place = found[0] if found else f"{path}/n{len(self.kept) + 1}"
        if len(found) > 1:
            return 412, ""
        if match and (not found or match != f'W/"{self.kept[place]["meta"]["versionId"]}"'):
            return 412, ""
        if method == "PUT" or not found:
            own = {n: v for n, v in body.items() if n not in ("resourceType", "id", "meta")}
            self.put(place, **own)
        return (200 if found else 201), place

    def _matching(self, kind, number):
        system, _, value = number.partition("|")
        wanted = {"system": system, "value": value}
        return [
            path
            for path, one in self.kept.items()
            if path.startswith(kind + "/") and wanted in one.get("identifier", [])
        ]

    def _bundle(self, resources, entries=()):
        found = [{"resource": one, "search": {"mode": "match"}} for one in resources]
        return self._say(200, {"resourceType": "Bundle", "entry": [*found, *entries]})

    def _say(self, status, said):
        return self.reply(status, json.dumps(said).encode())


def _numbered(value):
    return [{"system": URL, "value": value}]


def _delivery(number="1", kind="ResearchSubject", method="update", said=None, **target) -> Delivery:
    body = {"resourceType": kind, "identifier": _numbered(number), **(said or {})}
    body |= {"id": target["id"]} if "id" in target else {}
    if "id" not in target:
        target["identifier"] = f"{URL}|{number}"
    return Delivery(
        id=f"d-{kind}-{number}",
        stream=kind,
        body=json.dumps(body).encode(),
        media="application/fhir+json",
        target={"method": method, "type": kind, **target},
    )


@pytest.fixture
def register(serve, reply):
    made = Register(reply)
    made.url = f"{serve(made).url}/fhir"
    return made


@pytest.fixture
def fhir(register, clock):
    return Fhir(base_url=register.url, http={"attempts": 1}).within(clock.world)


def _push(fhir, *deliveries):
    return list(fhir.push(deliveries))


# -- one that others write, too


@pytest.mark.parametrize("by", [{"id": "7"}, {}])
def test_an_update_over_what_is_read_keeps_what_others_said(fhir, register, by):
    register.put("ResearchSubject/7", identifier=_numbered("1"), status="screening", note="theirs")

    (receipt,) = _push(fhir, _delivery(said={"status": "on-study"}, match="read", **by))

    assert (receipt.outcome, receipt.native_id) == ("delivered", "7")
    assert register.writes[0].headers["if-match"] == 'W/"1"'
    kept = register.kept["ResearchSubject/7"]
    assert (kept["status"], kept["note"]) == ("on-study", "theirs")


def test_what_others_put_into_a_list_of_things_stays(fhir, register):
    who = [
        {"actor": {"reference": "Practitioner/1"}},
        {"actor": {"reference": "Patient/1"}, "x": 1},
    ]
    register.put("Appointment/7", identifier=_numbered("1") + _numbered("theirs"), participant=who)
    ours = [{"actor": {"reference": "Patient/1"}, "status": "accepted"}]
    delivery = _delivery(kind="Appointment", said={"participant": ours}, match="read")

    _push(fhir, delivery)
    _push(fhir, delivery)

    kept = register.kept["Appointment/7"]
    assert kept["participant"] == [who[0], {**who[1], **ours[0]}]
    assert kept["identifier"] == _numbered("1") + _numbered("theirs")
    assert len(register.writes) == 1


def test_what_we_add_to_a_list_of_things_is_added(fhir, register):
    register.put("Appointment/7", supportingInformation=[{"reference": "ResearchStudy/1"}])
    ours = [{"reference": "ResearchStudy/1"}, {"reference": "ResearchSubject/1"}]

    _push(
        fhir,
        _delivery(said={"supportingInformation": ours}, kind="Appointment", match="read", id="7"),
    )

    assert register.kept["Appointment/7"]["supportingInformation"] == ours
    assert register.kept["Appointment/7"]["identifier"] == _numbered("1")


def test_an_artifact_is_known_by_its_label(fhir, register):
    theirs = [{"type": "documentation", "label": "Protocol"},
              {"type": "documentation", "label": "IRB 1", "display": "approved"}]  # fmt: skip
    register.put("ResearchStudy/7", relatedArtifact=theirs)
    ours = [{"type": "documentation", "label": "IRB 1", "display": "suspended"}]

    said = {"relatedArtifact": ours}
    _push(fhir, _delivery(said=said, kind="ResearchStudy", match="read", id="7"))

    assert register.kept["ResearchStudy/7"]["relatedArtifact"] == [theirs[0], *ours]


def test_any_other_list_is_one_value_of_ours(fhir, register):
    register.put("Appointment/7", identifier=_numbered("1"), serviceType=[{"text": "old"}])

    _push(
        fhir, _delivery(kind="Appointment", said={"serviceType": [{"text": "new"}]}, match="read")
    )

    assert register.kept["Appointment/7"]["serviceType"] == [{"text": "new"}]


def test_an_update_over_nothing_makes_it(fhir, register):
    (receipt,) = _push(fhir, _delivery(said={"status": "on-study"}, match="read"))

    assert receipt.outcome == "delivered"
    assert len(register.kept) == 1
    assert "if-match" not in register.writes[0].headers


def test_what_the_server_says_already_is_not_written_again(fhir, register):
    once = _delivery(said={"status": "on-study"}, match="read")
    _push(fhir, once)

    (receipt,) = _push(fhir, once)

    assert (receipt.outcome, len(register.writes)) == ("delivered", 1)


def test_a_number_is_never_searched_in_an_address(fhir, register):
    _push(fhir, _delivery(match="read"))

    assert not [asked for asked in register.writes if "identifier" in asked.path]


def test_digits_survive_being_laid_over(fhir, register, serve, reply, clock):
    text = b'{"resourceType": "A", "id": "7", "meta": {"versionId": "1"}, "dose": 1.10}'
    sent = []

    def answer(asked):
        sent.append(asked)
        return reply(200, text)

    other = Fhir(base_url=f"{serve(answer).url}/fhir").within(clock.world)
    _push(other, _delivery(kind="Appointment", said={"x": 1}, match="read", id="7"))

    assert b'"dose":1.10' in sent[-1].body


# -- conflicts


def test_somebody_who_is_faster_sends_us_back_to_read_again(fhir, register):
    register.put("ResearchSubject/7", identifier=_numbered("1"), status="screening")
    delivery = _delivery(said={"status": "on-study"}, match="read")

    def other():
        register.before_write = lambda: None
        register.put("ResearchSubject/7", identifier=_numbered("1"), status="screening", note="n")

    register.before_write = other
    (first,) = _push(fhir, delivery)
    (second,) = _push(fhir, delivery)

    assert (first.outcome, second.outcome) == ("later", "delivered")
    assert "read again: version 2" in first.detail
    assert [asked.headers["if-match"] for asked in register.writes] == ['W/"1"', 'W/"2"']
    assert register.kept["ResearchSubject/7"]["note"] == "n"


def test_a_stale_version_is_told_later_and_then_laid_over_what_is_there(fhir, register):
    for note in ("a", "b", "c"):
        register.put("ResearchSubject/7", identifier=_numbered("1"), note=note)
    delivery = _delivery(said={"status": "on-study"}, id="7", version="1")

    (first,) = _push(fhir, delivery)
    sent = len(register.writes)
    (second,) = _push(fhir, delivery)

    assert (first.outcome, sent) == ("later", 1)
    assert second.outcome == "delivered"
    assert register.kept["ResearchSubject/7"]["note"] == "c"


def test_a_write_whose_answer_was_lost_is_known_again(fhir, register):
    register.put("ResearchSubject/7", identifier=_numbered("1"), status="screening")
    delivery = _delivery(said={"status": "on-study"}, id="7", version="1")
    register.after_write = lambda _: None
    (lost,) = _push(fhir, delivery)
    register.after_write = lambda answer: answer

    (receipt,) = _push(fhir, delivery)

    assert (lost.outcome, receipt.outcome) == ("unknown", "delivered")
    assert receipt.native_id == "7"
    assert register.kept["ResearchSubject/7"]["meta"]["versionId"] == "2"


@pytest.mark.parametrize("status", [409, 412])
def test_after_a_conflict_nothing_is_sent_before_it_was_read(serve, reply, clock, status):
    asked_for = []

    def answer(asked):
        asked_for.append(asked.method)
        meta = {"versionId": "5"}
        if asked.method == "GET":
            return reply(200, json.dumps({"id": "7", "meta": meta}).encode())
        return reply(status)

    other = Fhir(base_url=f"{serve(answer).url}/fhir").within(clock.world)
    receipts = _push(other, _delivery(id="7", version="3"), _delivery("2", id="8"))

    assert [receipt.outcome for receipt in receipts] == ["later", "later"]
    assert asked_for == ["PUT", "GET"]


@pytest.mark.parametrize("method", ["create", "update"])
def test_a_number_that_two_have_is_for_a_person(fhir, register, method):
    for name in ("7", "8"):
        register.put(f"ResearchSubject/{name}", identifier=_numbered("1"))

    receipts = _push(fhir, _delivery(method=method), _delivery("2", method=method))

    assert [receipt.outcome for receipt in receipts] == ["refused", "delivered"]
    assert "2 match the identifier" in receipts[0].detail


def test_a_look_that_fails_after_a_conflict_leaves_it_for_later(serve, reply, clock):
    web = serve(lambda asked: None if asked.method == "GET" else reply(412))
    other = Fhir(base_url=f"{web.url}/fhir", http={"attempts": 1}).within(clock.world)

    with pytest.raises(TryLater):
        _push(other, _delivery(id="7", version="3"))


# -- all or nothing


def _together(*numbers, **more):
    kinds = ("ResearchStudy", "ResearchSubject", "Appointment")
    return [
        _delivery(number, kind, together="visit", **more)
        for number, kind in zip(numbers, kinds, strict=False)
    ]


def test_what_belongs_together_is_one_request_with_a_receipt_each(fhir, register):
    receipts = _push(fhir, *_together("s", "r", "a"), _delivery("alone"))

    whole, alone = register.writes
    entries = json.loads(whole.body)["entry"]
    assert [receipt.outcome for receipt in receipts] == ["delivered"] * 4
    assert {f"ResearchStudy/{receipts[0].native_id}"} < set(register.kept)
    assert (whole.method, whole.path, alone.path) == ("POST", "/fhir", "/fhir/ResearchSubject")
    assert [entry["request"]["url"] for entry in entries] == [
        "ResearchStudy?identifier=urn%3As%7Cs",
        "ResearchSubject?identifier=urn%3As%7Cr",
        "Appointment?identifier=urn%3As%7Ca",
    ]
    assert len({entry["fullUrl"] for entry in entries}) == 3


def test_saying_a_transaction_twice_leaves_one_of_each(fhir, register):
    for _ in range(2):
        receipts = _push(fhir, *_together("s", "r", "a", method="create"))

    assert [receipt.outcome for receipt in receipts] == ["delivered"] * 3
    assert len(register.kept) == 3
    assert register.writes[0].body == register.writes[1].body


def test_one_that_is_refused_leaves_none_of_them(fhir, register):
    register.broken = {"a"}

    receipts = _push(fhir, *_together("s", "r", "a"), _delivery("next"))

    assert [receipt.outcome for receipt in receipts] == ["refused"] * 3 + ["delivered"]
    assert "the transaction of 3" in receipts[0].detail
    assert len(register.kept) == 1


def test_one_that_has_changed_sends_all_of_them_back(fhir, register):
    register.put("Appointment/9", identifier=_numbered("a"), note="theirs")
    register.put("Appointment/9", identifier=_numbered("a"), note="theirs again")
    group = _together("s", "r")
    group.append(_delivery("a", "Appointment", said={"x": 1}, version="1", together="visit"))

    first = _push(fhir, *group)
    between = len(register.kept)
    second = _push(fhir, *group)

    assert [receipt.outcome for receipt in first] == ["later"] * 3
    assert between == 1
    assert [receipt.outcome for receipt in second] == ["delivered"] * 3
    assert register.kept["Appointment/9"]["note"] == "theirs again"
    assert register.kept["Appointment/9"]["x"] == 1


def test_a_transaction_without_an_answer_is_unknown_as_a_whole(fhir, register):
    register.after_write = lambda _: None

    receipts = _push(fhir, *_together("s", "r"), _delivery("next"))

    assert [receipt.outcome for receipt in receipts] == ["unknown", "unknown", "later"]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"resourceType": "Bundle", "entry": []}'])
def test_an_answer_that_does_not_tell_of_each_is_unknown(fhir, register, reply, body):
    register.after_write = lambda _: reply(200, body)

    receipts = _push(fhir, *_together("s", "r"))

    assert [receipt.outcome for receipt in receipts] == ["unknown", "unknown"]


@pytest.mark.parametrize(
    ("status", "became"), [("400 Bad Request", "refused"), ("412", "later"), ("503", "later")]
)
def test_a_server_that_is_not_all_or_nothing_is_believed_entry_by_entry(
    fhir, register, reply, status, became
):
    entries = [{"response": {"status": one}} for one in ("201 Created", status)]
    said = json.dumps({"resourceType": "Bundle", "entry": entries}).encode()
    register.after_write = lambda _: reply(200, said)

    receipts = _push(fhir, *_together("s", "r"), _delivery("next"))

    assert [receipt.outcome for receipt in receipts][:2] == ["delivered", became]
    assert (receipts[2].outcome == "later") is (became == "later")


def test_a_target_that_could_make_two_things_stops_its_transaction_unsent(fhir, register):
    group = _together("s", "r")
    group[1].target.pop("identifier")

    receipts = _push(fhir, *group)

    assert [receipt.outcome for receipt in receipts] == ["refused", "refused"]
    assert register.writes == []


def test_the_digits_of_a_body_are_those_of_its_delivery(fhir, register):
    one, two = _together("s", "r")
    body = one.body[:-1] + b', "dose": 1.10}'

    _push(fhir, Delivery(**{**_as_dict(one), "body": body}), two)

    assert b'"dose": 1.10' in register.writes[0].body


def _as_dict(one: Delivery) -> dict:
    return {n: getattr(one, n) for n in ("id", "stream", "body", "media", "target")}
