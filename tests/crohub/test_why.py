"""A field's story as people and others read it: sentences, FHIR, W3C PROV, one call."""

from __future__ import annotations

import contextlib
import json
import sqlite3

import hl7.client
import pytest
from fhir.resources.bundle import Bundle
from fhir.resources.R4B.bundle import Bundle as BundleR4B
from prov.model import ProvDocument

from crohub.provenance import FORMS
from crohub.why import lines
from hub.provenance import Story

ONE = "01a20aea-bf12-7045-b155-0f2ee3572132"
SOURCE = {
    "connection": "ctms", "stream": "subjects", "pipeline": "ctms-subjects", "revision": 3,
    "received_at": "2026-03-02T07:00:01.000000Z",
}  # fmt: skip


def voice(system, role, value, message, because=""):
    made = {
        "system": system, "role": role, "value": value, "at": "2026-03-02T07:00:00.000000Z",
        "message": message, "assertion": message + 1000, "source": SOURCE,
    }  # fmt: skip
    return made | ({"because": because} if because else {})


@pytest.fixture
def story():
    rule = {"entry": "Enrollment.*", "by": "authority", "order": ["CTMS", "EDC"],
            "because": "CTMS counts before EDC"}  # fmt: skip
    study = {"entity": "Study", "id": ONE, "label": "A trial"}
    since = {"since": "2026-03-02T07:00:02.000000Z", "version": 4}
    fields = [
        {"field": "state", "value": "off_study", **since, "rule": rule,
         "said_by": voice("ctms", "CTMS", "off_study", 250),
         "others": [voice("edc", "EDC", "on_treatment", 311, "EDC counts behind CTMS"),
                    voice("ehr", "EHR", "off_study", 312, "it says the same")]},
        {"field": "study", "value": study, **since, "rule": rule,
         "said_by": voice("ctms", "CTMS", study, 250), "others": []},
        {"field": "evaluable", "value": True, **since, "rule": rule | {"because": "a person"},
         "said_by": voice("a person", "", True, 400) | {"source": None}, "others": []},
        {"field": "stratum", "value": None, "since": None, "version": None, "rule": rule,
         "said_by": None, "others": []},
    ]  # fmt: skip
    return Story(entity="Enrollment", id=ONE, name="S-0012", fields=fields)


def test_the_sentences_name_systems_rules_and_messages(story):
    said = "\n".join(lines(story))

    assert said.startswith("Enrollment S-0012\n\nstate is off_study since 2 March 2026, 07:00 UTC")
    assert (
        "said by   ctms (CTMS), 2 March 2026, 07:00 UTC, in message 250 of ctms, read by "
        "ctms-subjects under revision 3" in said
    )
    assert "because   CTMS counts before EDC" in said
    assert "  but       edc (EDC)" in said
    assert "says on_treatment: EDC counts behind CTMS" in said
    assert "  so also   ehr (EHR)" in said
    assert "study is Study A trial" in said
    assert "stratum has no value" in said
    assert ONE not in said


@pytest.mark.parametrize("kind", [Bundle, BundleR4B])
def test_as_fhir_it_is_valid_and_says_who_said_what(story, kind):
    media, write = FORMS["fhir"]
    bundle = kind.model_validate_json(json.dumps(write(story)))

    assert media == "application/fhir+json"
    assert len(bundle.entry) == 2  # one for each statement that gives fields values
    first = bundle.entry[0].resource
    paths = [one.extension[0].valueString for one in first.target]
    assert paths == ["Enrollment.state", "Enrollment.study"]
    assert first.agent[0].who.display == "ctms (CTMS)"
    assert [one.what.identifier.value for one in first.entity] == ["250", "ctms-subjects/3"]
    assert "CTMS counts before EDC" in first.activity.text


def test_as_prov_it_is_read_by_others_and_leads_from_value_to_system(story):
    made = ProvDocument.deserialize(content=json.dumps(FORMS["prov"][1](story)), format="json")

    pairs = {}
    for record in made.get_records():
        named = tuple(str(one) for one in record.args[:2])
        pairs.setdefault(type(record).__name__, set()).add(named)
    value, winner = f"crohub:Enrollment/{ONE}/state", "crohub:statement/1250/state"
    assert (value, winner) in pairs["ProvDerivation"]
    assert (winner, "crohub:message/250") in pairs["ProvDerivation"]
    assert ("crohub:message/250", "crohub:system/ctms") in pairs["ProvAttribution"]
    used = {entity for _, entity in pairs["ProvUsage"]}
    assert "crohub:statement/1311/state" in used  # what did not win was looked at, too
    again = ProvDocument.deserialize(content=made.serialize(format="json"), format="json")
    assert again == made


# -- one command and one call

ROSTER = (
    "employee_id,employer,family_name,given_name\r\n1,North,Ek,Ida\r\n2,North,Ask,Bo\r\n"
    "3,South,Ask,Eva\r\n"
)


@pytest.fixture
def filled(crohub, deployment):
    """A hub that has heard of a person."""
    (deployment / "inbox" / "roster.csv").write_text(ROSTER, newline="")
    path = deployment / "connections" / "inbox.yaml"
    path.write_text(path.read_text().replace("settle: 2", "settle: 0"))
    ran = crohub("run", "inbox-roster", "--config", deployment, "--json")
    assert ran.json["new"] == 3, ran.err
    return deployment


def test_a_field_is_asked_for_by_the_name_people_know(crohub, filled):
    said = crohub("why", "Person", "Ek", "family_name", "--config", filled)
    as_json = crohub("why", "person", "Ek", "family_name", "--config", filled, "--json")
    prov = crohub("why", "persons", "Ek", "--as", "prov", "--config", filled)

    assert said.code == 0, said.err
    assert said.out.startswith("Person Ek\n\nfamily_name is Ek since ")
    assert "in message 1 of inbox, read by inbox-roster under revision 1" in said.out
    [field] = as_json.json["fields"]
    assert field["said_by"]["source"]["pipeline"] == "inbox-roster"
    assert ProvDocument.deserialize(content=prov.out, format="json").get_records()


def test_where_several_are_meant_their_ids_tell_them_apart(crohub, filled):
    several = crohub("why", "Person", "Ask", "given_name", "--config", filled)
    ids = [line.split()[0] for line in several.err.splitlines()[:2]]
    each = [crohub("why", "Person", one, "given_name", "--config", filled).out for one in ids]

    assert (several.code, "2 records are meant" in several.err) == (1, True)
    assert {out.splitlines()[2].split()[2] for out in each} == {"Bo", "Eva"}


@pytest.mark.parametrize(
    ("words", "code", "word"),
    [
        (("why", "Persona", "Ek"), 2, "no kind of record"),
        (("why", "Person", "Nobody"), 1, "known by that name"),
        (("why", "Person", "Ek", "surname"), 2, "Person has the fields"),
        (("why", "Person", "Ek", "--as", "rdf"), 2, "fhir or prov"),
    ],
)
def test_what_is_asked_for_wrongly_is_told(crohub, filled, words, code, word):
    said = crohub(*words, "--config", filled)

    assert (said.code, word in said.err) == (code, True), said.err


@pytest.fixture
def patient(hub, adt):
    """The id of the participant that a message makes."""

    def made(mrn, control_id):
        with hl7.client.MLLPClient(*hub.mllp) as client:
            client.send_message(adt(mrn, control_id))
        found = hub.until(lambda: hub.get("/api/v1/participants", identifier=f"MRN|{mrn}")["items"])
        return found[0]["id"]

    return made


def test_one_call_tells_a_field_in_each_form(hub, patient):
    address = f"/api/v1/participants/{patient('880001', 'WHY-1')}/provenance"

    told = hub.get(address, fields="sex")
    fhir = hub.client.get(address, params={"fields": "sex", "format": "fhir"})
    wrong = hub.client.get(address, params={"format": "rdf"})

    [field] = told["fields"]
    assert (field["value"], field["said_by"]["source"]["connection"]) == ("female", "hospital")
    assert fhir.headers["content-type"] == "application/fhir+json"
    assert Bundle.model_validate_json(fhir.text).entry
    assert wrong.status_code == 400


def test_a_personal_field_is_told_to_whoever_may_and_enters_the_audit(hub, patient):
    one = patient("880002", "WHY-2")

    told = hub.client.get(
        f"/api/v1/participants/{one}/provenance", params={"fields": "phi.family_name"},
        headers={"X-Purpose": "a call from the ward"},
    )  # fmt: skip

    assert told.json()["fields"][0]["value"] == "EXAMPLE"
    assert told.headers["cache-control"] == "no-store"
    hub.until(lambda: ("a call from the ward", "127.0.0.1") in _reads(hub, one))


def _reads(hub, one):
    with contextlib.closing(sqlite3.connect(hub.config / "data" / "hub.db")) as store:
        rows = store.execute(
            "select reason, origin, detail from audit where action = 'saw' and object = ?",
            ("ParticipantPhi",),
        ).fetchall()
    return [(reason, origin) for reason, origin, detail in rows if one in detail]
