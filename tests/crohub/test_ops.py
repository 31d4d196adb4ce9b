"""Operations over HTTP: what is shown, what is ordered, who may."""

import contextlib
import http.client
import json
import socket

import hl7.client
import httpx2
import pytest


@pytest.fixture
def send(hub):
    """Sends HL7 messages; the answers' codes."""

    def send(*messages):
        host, port = hub.mllp
        with hl7.client.MLLPClient(host, port) as client:
            answers = [client.send_message(message) for message in messages]
        return [answer.split(b"MSA|")[1][:2].decode() for answer in answers]

    return send


@pytest.fixture
def narrow(hub, crohub):
    """A client whose key may only look at records."""
    said = crohub("key", "create", "narrow", "--reason", "a test", "--config", hub.config, "--json")
    assert said.code == 0, said.err
    key = {"Authorization": f"Bearer {said.json['key']}"}
    with httpx2.Client(base_url=hub.address, headers=key, timeout=30) as client:
        yield client


def settled(hub, control_id):
    """The message with this control id, once it does not wait any more."""

    def look():
        found = hub.get("/ops/messages", control_id=control_id)["items"]
        return found[0] if found and found[0]["state"] != "waiting" else None

    return hub.until(look)


@pytest.mark.parametrize(
    "path",
    ["/ops/connections", "/ops/pipelines", "/ops/messages", "/ops/messages/1", "/ops/arrivals",
     "/ops/decisions", "/ops/feeds", "/ops/overview", "/metrics", "/api/v1/participants", "/docs"],
)  # fmt: skip
def test_nothing_but_health_and_the_page_is_shown_without_a_key(hub, path):
    answer = httpx2.get(hub.address + path)

    assert answer.status_code == 401
    assert "WWW-Authenticate" in answer.headers


def test_what_is_no_http_gets_a_problem_too(hub):
    host, port = hub.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as client:
        client.sendall(b"GET /api/v1/studies?x=" + b"y" * 120_000 + b" HTTP/1.1\r\n\r\n")
        answer = http.client.HTTPResponse(client)
        answer.begin()
        said = json.loads(answer.read())

    assert (answer.status, said["status"], said["code"]) == (400, 400, "CROHUB-NO-HTTP")
    assert answer.headers["content-type"] == "application/problem+json"


def test_health_needs_no_key(hub):
    assert httpx2.get(hub.address + "/healthz").json()["durability"] == "full"
    assert httpx2.get(hub.address + "/readyz").json()["listeners"] == ["hospital"]


def test_a_key_to_read_looks_but_changes_nothing(narrow):
    assert narrow.get("/ops/connections").status_code == 200
    refused = narrow.post("/ops/connections/hospital/pause")
    assert refused.status_code == 403
    assert "ops.write" in refused.json()["detail"]
    assert narrow.post("/ops/replay", json={"ids": [1]}).status_code == 403
    assert narrow.get("/ops/messages/1", params={"body": "true"}).status_code == 403


def test_connections_tell_how_they_are(hub, send, adt):
    before = {one["name"]: one for one in hub.get("/ops/connections")["items"]}

    send(adt("560001", "OPS-1"))

    settled(hub, "OPS-1")
    after = {one["name"]: one for one in hub.get("/ops/connections")["items"]}
    assert list(after) == ["hospital", "inbox"]
    assert after["hospital"]["received"] == before["hospital"]["received"] + 1
    assert after["hospital"]["state"] == "running"
    assert after["hospital"]["heard_at"] is not None
    assert after["inbox"]["connector"] == "files"


def test_a_patient_is_looked_for_in_the_body_and_found_by_a_blind_index(hub, send, adt):
    send(adt("560002", "OPS-2"), adt("560003", "OPS-3"), adt("560002", "OPS-4", event="A08"))

    found = hub.post("/ops/messages/search", {"patient": "560002"}).json()["items"]

    assert [one["key"].rpartition("|")[2] for one in found] == ["OPS-4", "OPS-2"]
    assert hub.client.get("/ops/messages", params={"patient": "560002"}).status_code == 400


def test_pages_of_messages_follow_each_other_without_gap_or_overlap(hub, send, adt):
    send(*(adt("560004", f"PAGE-{n}") for n in range(5)))

    first = hub.post("/ops/messages/search", {"patient": "560004", "limit": 2}).json()
    second = hub.post(
        "/ops/messages/search", {"patient": "560004", "limit": 2, "cursor": first["next"]}
    ).json()

    keys = [one["key"][-1] for one in first["items"] + second["items"]]
    assert keys == ["4", "3", "2", "1"]


def test_a_message_shows_what_it_asserted_and_its_body_only_when_asked(hub, send, adt):
    send(adt("560005", "OPS-5", name="ZZPHI^ANNA"))
    seq = settled(hub, "OPS-5")["seq"]

    plain = hub.client.get(f"/ops/messages/{seq}")
    whole = hub.client.get(
        f"/ops/messages/{seq}", params={"body": "true"}, headers={"X-Purpose": "looks odd"}
    )

    assert {one["entity"] for one in plain.json()["asserted"]} == {"Participant", "ParticipantPhi"}
    assert "ZZPHI" not in plain.text
    assert "ZZPHI" in whole.json()["body"]
    assert whole.headers["cache-control"] == "no-store"


def test_a_look_at_a_body_is_in_the_audit(hub, send, adt, crohub):
    send(adt("560006", "OPS-6"))
    seq = settled(hub, "OPS-6")["seq"]

    said = crohub("message", seq, "--body", "--reason", "a call", "--config", hub.config, "--json")
    trail = crohub("audit", "verify", "--config", hub.config, "--json")

    assert "560006" in said.json["body"]
    assert trail.json["broken"] == []
    assert audited(hub, "saw", f"message/{seq}") == ["a call"]


def audited(hub, action, what):
    import sqlite3

    with sqlite3.connect(f"file:{hub.config / 'data' / 'hub.db'}?mode=ro", uri=True) as store:
        rows = store.execute(
            "select reason from audit where action = ? and object = ?", (action, what)
        ).fetchall()
    store.close()
    return [row[0] for row in rows]


def test_what_cannot_be_settled_is_parked_replayed_and_set_aside(hub, send, adt):
    assert send(adt("560007", "", event="A04")) == ["AR"]
    [parked] = hub.until(
        lambda: [
            one
            for one in hub.get("/ops/messages", state="parked")["items"]
            if "MSH-10" in one["reason"]
        ]
    )

    preview = hub.post("/ops/replay", {"ids": [parked["seq"]]}).json()
    again = hub.post("/ops/replay", {"ids": [parked["seq"]], "do": True, "reason": "try"})
    still = hub.until(lambda: _parked(hub, parked["seq"]))
    aside = hub.post("/ops/discard", {"ids": [parked["seq"]], "reason": "a test"})

    assert (preview["messages"], preview["states"], preview["done"]) == (1, {"parked": 1}, False)
    assert (again.status_code, again.json()["done"]) == (200, True)
    assert again.json()["now"] == {"parked": 1}
    assert still["state"] == "parked"
    assert aside.status_code == 200
    assert aside.json() == {"messages": [parked["seq"]], "set_aside": 1, "done": True}
    assert hub.get(f"/ops/messages/{parked['seq']}")["state"] == "aside"


def test_only_what_is_parked_can_be_set_aside_and_else_nothing_is(hub, send, adt):
    send(adt("560011", "", event="A04"), adt("560012", "OPS-12"))
    done = settled(hub, "OPS-12")["seq"]
    [parked] = hub.until(
        lambda: [one for one in hub.get("/ops/messages", state="parked")["items"]
                 if "MSH-10" in one["reason"]]
    )  # fmt: skip

    answer = hub.post("/ops/discard", {"ids": [99999999, done, parked["seq"]], "reason": "x"})

    assert answer.status_code == 409
    assert "there is no message 99999999" in answer.json()["detail"]
    assert f"message {done} is done, not parked" in answer.json()["detail"]
    assert hub.get(f"/ops/messages/{parked['seq']}")["state"] == "parked"


def test_a_replay_names_what_it_cannot_settle_again(hub):
    answer = hub.post("/ops/replay", {"ids": [99999999]}).json()

    assert (answer["messages"], answer["left_out"]) == (0, ["there is no message 99999999"])


def _parked(hub, seq):
    one = hub.get(f"/ops/messages/{seq}")
    return one if one["state"] == "parked" else None


def test_a_replay_of_everything_must_be_asked_for_by_name(hub):
    answer = hub.post("/ops/replay", {"do": True})

    assert answer.status_code == 422


def test_a_replay_under_the_present_configuration_changes_nothing_that_was_right(hub, send, adt):
    send(adt("560008", "OPS-8"))
    seq = settled(hub, "OPS-8")["seq"]
    before = hub.get("/api/v1/participants", identifier="MRN|560008")["items"]

    done = hub.post("/ops/replay", {"ids": [seq], "do": True, "present": True, "reason": "a test"})

    assert done.json()["done"] is True
    hub.until(lambda: hub.get(f"/ops/messages/{seq}")["state"] == "done")
    after = hub.get("/api/v1/participants", identifier="MRN|560008")["items"]
    assert [one["sex"] for one in after] == [one["sex"] for one in before]
    assert [one["id"] for one in after] == [one["id"] for one in before]


def test_a_paused_connection_takes_nothing_until_it_is_resumed(hub):
    paused = hub.post("/ops/connections/hospital/pause", {"reason": "a test"})
    try:
        hub.until(lambda: _state(hub, "hospital") == ("paused", None))
    finally:
        resumed = hub.post("/ops/connections/hospital/resume", {"reason": "a test"})

    assert paused.json() == {"connection": "hospital", "state": "paused", "done": True}
    assert resumed.status_code == 200
    hub.until(lambda: _state(hub, "hospital")[1])
    assert audited(hub, "pause", "hospital")[-1:] == ["a test"]


def _state(hub, name):
    [one] = [one for one in hub.get("/ops/connections")["items"] if one["name"] == name]
    return one["state"], one["address"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/ops/connections/nobody/pause", None, 404),
        ("/ops/connections/hospital/explode", None, 404),
        ("/ops/connections/hospital/pause", {"why": "wrong name"}, 422),
        ("/ops/decisions/none", {"state": "accepted", "reason": "x"}, 404),
        ("/ops/decisions/none", {"state": "perhaps", "reason": "x"}, 422),
        ("/ops/messages/search", {"state": "odd"}, 400),
        ("/ops/messages/search", {"mrn": "1"}, 422),
        ("/ops/replay", {"ids": ["1"]}, 422),
        ("/ops/discard", {"ids": [1]}, 422),
        ("/ops/discard", {"ids": [1 << 63], "reason": "x"}, 422),
        ("/ops/replay", {"ids": [0]}, 422),
    ],
)
def test_what_is_wrong_is_a_problem_that_says_what_was_expected(hub, path, body, status):
    answer = hub.post(path, body)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


def test_transfers_are_reconciled(hub):
    (hub.config / "inbox" / "roster_reconciled.csv").write_text(
        "employee_id,employer,family_name\r\n7101,North,Ek\r\n7102,North,Ask\r\n", newline=""
    )

    def look():
        items = hub.get("/ops/arrivals", limit="100")["items"]
        found = [one for one in items if one["stream"] == "roster" and one["new"] == 2]
        return found[0] if found and not found[0]["outcomes"]["waiting"] else None

    arrival = hub.until(look)
    assert (arrival["read"], arrival["known"]) == (2, 0)
    assert arrival["outcomes"] == {"applied": 2, "waiting": 0, "unchanged": 0}


def test_pipelines_and_feeds_say_what_ran(hub):
    pipelines = {one["name"]: one for one in hub.get("/ops/pipelines")["items"]}

    assert pipelines["hospital"]["schedule"] is None
    assert pipelines["inbox-roster"]["schedule"] == "5s"
    assert (
        hub.until(lambda: hub.get("/ops/pipelines")["items"][-1]["last_run"])["outcome"] == "done"
    )
    assert isinstance(hub.get("/ops/feeds")["items"], list)


def test_all_messages_are_accounted_for(hub, send, adt):
    send(adt("560009", "OPS-9"))
    settled(hub, "OPS-9")

    counts = hub.get("/ops/overview")["messages"]

    assert counts["accepted"] == sum(n for name, n in counts.items() if name != "accepted")


def test_metrics_count_by_connection_and_hold_no_patient(hub, send, adt):
    send(adt("ZZPHI9", "ZZPHI-CONTROL", name="ZZPHI^ANNA"))
    settled(hub, "ZZPHI-CONTROL")

    answer = hub.client.get("/metrics")

    assert answer.headers["content-type"].startswith("text/plain")
    assert 'crohub_messages_received_total{connection="hospital"}' in answer.text
    assert "crohub_durability_full 1.0" in answer.text
    assert "crohub_settling_lag_seconds" in answer.text
    assert "ZZPHI" not in answer.text


def test_senders_that_are_turned_away_are_counted(hub):
    def counts():
        rows = hub.get("/ops/connections")["items"]
        return next(one for one in rows if one["name"] == "hospital")["counts"]

    before = counts()["tls_reject"]
    with socket.create_connection(hub.mllp, timeout=10) as client:
        client.sendall(b"\x16\x03\x01\x02\x00")
        with contextlib.suppress(ConnectionError):
            client.recv(1)

    assert counts()["tls_reject"] == before + 1
    line = (
        f'crohub_connection_events_total{{connection="hospital",event="tls_reject"}} {before + 1}'
    )
    assert line in hub.client.get("/metrics").text
    assert {len(one["counts"]) for one in hub.get("/ops/connections")["items"]} >= {0}


def test_the_log_holds_no_patient(hub, send, adt):
    send(adt("ZZPHI8", "LOG-1", name="ZZPHI^ANNA"), adt("ZZPHI8", "", name="ZZPHI^ANNA"))
    settled(hub, "LOG-1")

    log = (hub.config.parent / "log").read_text()

    assert "ZZPHI" not in log
    assert "Traceback" not in log


def test_the_page_shows_only_health_without_a_key(hub):
    answer = httpx2.get(hub.address + "/")

    assert answer.status_code == 200
    assert "listening and settling" in answer.text
    assert "hospital</td>" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "//" not in answer.text.replace("<!doctype html>", "")


def test_a_key_signs_in_and_is_kept_where_no_script_reads_it(hub):
    with httpx2.Client(base_url=hub.address, timeout=30) as browser:
        wrong = browser.post("/sign-in", content="key=crohub_x_y")
        signed = browser.post("/sign-in", content=f"key={hub.key}")
        page = browser.get("/")
        browser.post("/sign-out")
        out = browser.get("/")

    assert wrong.status_code == 403
    assert "set-cookie" not in wrong.headers
    assert signed.status_code == 303
    cookie = signed.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "hospital" in page.text
    assert hub.key not in page.text
    assert "hospital" not in out.text


def test_the_cookie_opens_no_interface_of_programs(hub):
    answer = httpx2.get(hub.address + "/ops/connections", cookies={"crohub_key": hub.key})

    assert answer.status_code == 401
