"""What is told to other systems, shown over HTTP and on the command line; and switched on."""

import csv

import hl7.client
import pytest

ADMITTED = """\
when: {entity: Participant, sex: {known: true}}
writes: text/csv;row
stream: people
columns: {mrn: "identifier(mrn)", sex: sex}
"""
PIPELINE = "feed: versions\nmapping: admitted\nto: outbox\nflow: who is here\n"


@pytest.fixture
def telling(deployment, tmp_path):
    """The starter configuration, and a table of patients that is told in shadow."""
    (tmp_path / "outbox").mkdir()
    for name, text in {
        "mappings/outbound/admitted.yaml": ADMITTED,
        "pipelines/admitted.yaml": PIPELINE,
        "connections/outbox.yaml": (
            f"connector: files\nsystem: outbox\nsettings:\n  path: {tmp_path / 'outbox'}\n"
            "  out:\n    people: {columns: [mrn, sex], per: delivery}\n"
        ),
    }.items():
        path = deployment / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return deployment


def admit(hub, adt, mrn):
    host, port = hub.mllp
    with hl7.client.MLLPClient(host, port) as client:
        client.send_message(adt(mrn, f"ADM-{mrn}"))


def pipeline(hub):
    [found] = [p for p in hub.get("/ops/pipelines")["items"] if p["name"] == "admitted"]
    return found


def rows(tmp_path):
    found = []
    for path in sorted((tmp_path / "outbox").glob("*.csv")):
        with path.open(newline="") as file:
            found += [row["mrn"] for row in csv.DictReader(file)]
    return sorted(found)


def test_shadow_is_shown_and_switched_on_with_what_a_person_asks_for(
    telling, serve, adt, crohub, tmp_path
):
    with serve(telling) as hub:
        admit(hub, adt, "880001")
        # taken in and not looked at yet it is held, too
        hub.until(lambda: pipeline(hub)["deliveries"] == {"shadow": 1})
        shown, flows = pipeline(hub), hub.get("/ops/pipelines")["flows"]
        [would_be] = hub.get("/ops/deliveries", state="shadow")["items"]
        body = hub.get(f"/ops/deliveries/{would_be['id']}", body="true")["body"]
    in_shadow = rows(tmp_path)
    listed = crohub("deliveries", "--config", telling, "--json")
    words = ("delivery", would_be["id"], "--body", "--reason", "a look", "--config", telling)
    looked = crohub(*words)
    (telling / "pipelines/admitted.yaml").write_text(PIPELINE + "mode: on\n")
    with serve(telling) as hub:
        admit(hub, adt, "880002")
        hub.until(lambda: pipeline(hub)["counts"]["confirmed"] == 1)
        news_only = rows(tmp_path)
        asked = hub.post("/ops/pipelines/admitted/backfill", {"reason": "from the start"})
        hub.until(lambda: pipeline(hub)["counts"]["confirmed"] == 2)
        nobody = hub.post("/ops/pipelines/hospital/backfill")

    counts = {"triggered": 1, "delivered": 0, "confirmed": 0, "held": 1, "refused": 0}
    assert (shown["mode"], shown["deliveries"], shown["counts"]) == (
        "shadow",
        {"shadow": 1},
        counts,
    )
    assert flows == {"who is here": counts}
    assert would_be["detail"] == "would be sent"
    assert body.splitlines() == ["mrn,sex", "880001,female"]
    assert "880001" not in listed.out
    assert [one["id"] for one in listed.json] == [would_be["id"]]
    assert "880001,female" in looked.out
    assert (in_shadow, news_only) == ([], ["880002"])
    assert (asked.status_code, asked.json()["deliveries"]) == (200, 1)
    assert rows(tmp_path) == ["880001", "880002"]
    assert nobody.status_code == 404


def test_check_names_what_is_in_shadow(telling, crohub):
    said = crohub("check", "--config", telling, "--json")
    (telling / "pipelines/admitted.yaml").write_text(PIPELINE + "mode: on\n")
    after = crohub("check", "--config", telling, "--json")

    shadows = [[w for w in one.json["warnings"] if "in shadow" in w] for one in (said, after)]
    assert shadows[0] == [
        "in shadow, nothing is sent: admitted; `crohub deliveries` shows what would be, "
        "`mode: on` sends it"
    ]
    assert shadows[1] == []


def test_check_knows_what_a_pipeline_may_need(telling, crohub):
    (telling / "pipelines/admitted.yaml").write_text(PIPELINE + "needs: [study]\nmode: maybe\n")
    wrong_mode = crohub("check", "--config", telling, "--json")
    (telling / "pipelines/admitted.yaml").write_text(PIPELINE + "needs: [study]\n")
    wrong_need = crohub("check", "--config", telling, "--json")

    [mode], [need] = wrong_mode.json["mistakes"], wrong_need.json["mistakes"]
    assert (mode["file"], mode["line"]) == ("pipelines/admitted.yaml", 6)
    assert (need["file"], need["line"]) == ("pipelines/admitted.yaml", 5)
    assert "'study' from Participant" in need["found"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--state", "lost"), "is no state"),
        (("--pipeline", "hospital"), "no outbound pipeline is called 'hospital'"),
    ],
)
def test_what_is_asked_for_wrongly_is_told(telling, crohub, words, expected):
    crohub(
        "key", "create", "somebody", "--reason", "a test", "--config", telling
    )  # the hub has been at work here
    said = crohub("deliveries", *words, "--config", telling)

    assert said.code == 2
    assert expected in said.err
