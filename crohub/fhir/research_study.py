"""A study as ResearchStudy. In R5 its `status` is that of the publication; how far the study has
come is `progressStatus`."""

from __future__ import annotations

from crohub.fhir.kind import Kind, Param, Part
from crohub.fhir.scene import (
    CANONICAL,
    NATIVE,
    Json,
    Scene,
    concept,
    own,
    period,
    reference,
    status,
    texts,
)
from hub.render import Record

_TABLE = "study-state-to-fhir"
_STATES = "http://hl7.org/fhir/research-study-status"
_ROLES = "http://hl7.org/fhir/research-study-party-role"
_TITLES = "http://hl7.org/fhir/title-type"
_PHASES = "http://terminology.hl7.org/CodeSystem/research-study-phase"
_ARMS = ("http://terminology.hl7.org/CodeSystem/research-study-arm-type",
         "http://hl7.org/fhir/research-study-arm-type")  # fmt: skip
_GOALS = ("http://terminology.hl7.org/CodeSystem/research-study-objective-type",
          "http://hl7.org/fhir/research-study-objective-type")  # fmt: skip


def write(record: Record, scene: Scene) -> Json:
    """Arms and objectives come in the order of the protocol."""
    phase = scene.codes.native("fhir-phase", record["phase"])
    made: Json = {
        "identifier": scene.identifiers(record),
        "title": record["title"],
        "phase": concept(record["phase_native"], (_PHASES, phase)),
        "condition": texts(record["conditions"]),
        "keyword": texts(record["keywords"]),
        "description": record["description"],
        "period": period(record["start_on"], record["end_on"]),
        "site": [_site(one, scene) for one in scene.children("sites", record)],
        "objective": [_objective(one, scene) for one in scene.children("objectives", record)],
    }
    arms = [_arm(one, scene) for one in scene.children("arms", record) if one["name"]]
    return made | (_r5(record, scene, arms) if scene.r5 else _r4(record, scene, arms))


def _r4(record: Record, scene: Scene, arms: list[Json]) -> Json:
    made: Json = {
        "sponsor": reference(record["sponsor"]),
        "principalInvestigator": reference(record["principal_investigator"]),
        "reasonStopped": concept(record["why_stopped"]),
        "arm": arms,
    }
    said = scene.codes.says(_TABLE, record["status"])
    status(made, "status", said, record["status"], record["status_native"])
    return made


def _r5(record: Record, scene: Scene, arms: list[Json]) -> Json:
    parties = (("lead-sponsor", "sponsor"), ("primary-investigator", "principal_investigator"))
    titles = (("official", "official_title"), ("acronym", "acronym"))
    return {
        "status": "active",
        "label": [
            {"type": concept(None, (_TITLES, kind)), "value": record[field]}
            for kind, field in titles
            if record[field]
        ],
        "progressStatus": _progress(record, scene),
        "associatedParty": [
            {"role": concept(None, (_ROLES, role)), "party": reference(record[field])}
            for role, field in parties
            if record[field]
        ],
        "recruitment": {
            "targetNumber": record["target_enrolment"],
            "actualNumber": record["actual_enrolment"],
        },
        "whyStopped": concept(record["why_stopped"]),
        "comparisonGroup": arms,
    }


def _progress(record: Record, scene: Scene) -> list[Json]:
    """Each period in one state; where nobody said any, the state there is now."""
    periods = [one for one in scene.children("states", record) if one["state"]]
    if periods:
        return [
            _state(scene, one["state"], one["state_native"])
            | {"actual": one["actual"], "period": period(one["started_on"], one["ended_on"])}
            for one in periods
        ]
    return [_state(scene, record["status"], record["status_native"])] if record["status"] else []


def _state(scene: Scene, state: str, native: str | None) -> Json:
    said = (_STATES, scene.codes.says(_TABLE, state))
    return {"state": concept(native or state, said, own("Study.status", state))}


def _arm(record: Record, scene: Scene) -> Json:
    code = scene.codes.native("fhir-arm-type", record["arm_type"])
    made = {
        "name": record["name"],
        "type": concept(record["arm_type_native"], (_ARMS[scene.r5], code)),
        "description": record["description"],
    }
    return made | ({"linkId": record["id"]} if scene.r5 else {})


def _site(record: Record, scene: Scene) -> Json:
    """R4 knows places only: of an institution it gets the name."""
    place = reference(record["location"])
    if place is None:
        place = reference(record["organization"]) or {}
        place = place if scene.r5 else {"display": place.get("display")}
    number = [{"url": "urn:crohub:site-number", "valueString": record["site_number"]}]
    state = [{"url": CANONICAL, "valueCode": record["status"]}]
    native = [{"url": NATIVE, "valueString": record["status_native"]}]
    beside = [*(number if record["site_number"] else []), *(state if record["status"] else []),
              *(native if record["status_native"] else [])]  # fmt: skip
    return place | {"extension": beside}


def _objective(record: Record, scene: Scene) -> Json:
    level = record["level"] if record["level"] != "other" else None
    kind = concept(record["level_native"], (_GOALS[scene.r5], level))
    return {"name": record["objective"], "type": kind}


KIND = Kind(
    type="ResearchStudy",
    entity="Study",
    says="a study: one protocol, however many systems know it",
    write=write,
    params=(
        Param(name="identifier", search="identifier", says="any number of the study"),
        Param(name="status", search="token", field="status", table=_TABLE, versions=("R4",),
              says="how far the study has come"),
        Param(name="progress-status-state", search="token", field="status", table=_TABLE,
              versions=("R5",), says="how far the study has come"),
        Param(name="title", search="string", field="title", says="words of the title"),
        Param(name="date", search="date", field="start_on", says="when the study starts"),
        Param(name="phase", search="token", field="phase", inbound="fhir-phase",
              versions=("R5",), says="phase of the trial"),
        Param(name="sponsor", search="reference", field="sponsor", target="Organization",
              says="the sponsor", versions=("R4",)),
        Param(name="principalinvestigator", search="reference", field="principal_investigator",
              target="Practitioner", says="the principal investigator", versions=("R4",)),
    ),
    parts=(
        Part(name="sites", entity="StudySite", by="study", sort="site_number"),
        Part(name="arms", entity="StudyArm", by="study", sort="sequence"),
        Part(name="objectives", entity="StudyObjective", by="study", sort="sequence"),
        Part(name="states", entity="StudyState", by="study", sort="started_on", versions=("R5",)),
    ),
    dates=("start_on",),
)  # fmt: skip
