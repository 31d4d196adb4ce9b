"""The facade of a running hub: what it serves without a key, and what a message becomes there."""

import hl7.client
import httpx2


def test_a_running_hub_serves_the_facade(hub, adt, crohub):
    def seen(one):
        said = crohub("audit", "list", "--about", one, "--config", hub.config, "--json")
        return next((entry for entry in said.json if entry["action"] == "saw"), None)

    with hl7.client.MLLPClient(*hub.mllp) as client:
        client.send_message(adt("990001", "FHIR-1", name="LINDQVIST^EVA"))

    def look():
        return hub.get("/fhir/R4/Patient", identifier="990001").get("entry")

    [found] = hub.until(look)
    stated = httpx2.get(f"{hub.address}/fhir/R5/metadata")

    assert found["resource"]["name"][0] == {
        "use": "official", "family": "LINDQVIST", "given": ["EVA"],
    }  # fmt: skip
    assert found["fullUrl"].startswith(f"{hub.address}/fhir/R4/Patient/")
    assert stated.json()["implementation"]["url"] == f"{hub.address}/fhir/R5"
    assert httpx2.get(f"{hub.address}/fhir/R4/Patient").status_code == 401
    one = found["resource"]["id"]
    told = hub.until(lambda: seen(one))
    assert told["object"] == "ParticipantPhi"
