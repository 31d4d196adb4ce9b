"""A study's definition as CDISC USDM 4.0: identifiers, titles, organizations, amendments, and the
design of each version of its calendar, the present one first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version as release

import orjson

from crohub.exports.odm_metadata import calendars, study_oid
from crohub.exports.records import Records
from crohub.exports.usdm_timeline import schedule
from crohub.exports.usdm_words import Json, Words, linked
from crohub.fhir.codes import Codes
from hub.render import Record

_REGISTERS = {
    "nct": ("ClinicalTrials.gov", "Study Registry"), "eudract": ("EMA", "Study Registry"),
    "ctis": ("EMA", "Study Registry"), "ind": ("FDA", "Regulatory Agency"),
    "ide": ("FDA", "Regulatory Agency"),
}  # fmt: skip
_GOALS = {
    "primary": ("Trial Primary Objective", "Primary Endpoint"),
    "secondary": ("Trial Secondary Objective", "Secondary Endpoint"),
}  # fmt: skip
_OTHER_GOAL = ("Trial Exploratory Objective", "Exploratory Endpoint")
_NOT_SAID = "not stated in the hub"


@dataclass(slots=True)
class _Document:
    """What one document is written from."""

    records: Records
    study: Record
    words: Words

    def of(self, entity: str, sort: str = "id") -> list[Record]:
        return self.records.all(entity, "study", [self.study["id"]], sort=sort)


def document(records: Records, study: Record, codes: Codes) -> Json:
    """The whole definition, in the shape of a USDM file."""
    doc = _Document(records, study, Words(codes))
    visits = doc.of("VisitDef", "sequence")
    versions = [_version(doc, calendar, visits) for calendar in reversed(calendars(visits) or [""])]
    return {
        "study": {
            "id": study["id"], "name": study_oid(study), "description": study["description"],
            "label": study["title"], "versions": versions, "documentedBy": [],
            "instanceType": "Study",
        },
        "usdmVersion": "4.0.0", "systemName": "crohub", "systemVersion": release("crohub"),
    }  # fmt: skip


def written(records: Records, study: Record, codes: Codes) -> Iterator[bytes]:
    """The same as text, in one piece: a definition is small."""
    yield orjson.dumps(document(records, study, codes), option=orjson.OPT_INDENT_2)


def _version(doc: _Document, calendar: str, visits: Sequence[Record]) -> Json:
    words = doc.words
    organizations = _Organizations(doc)
    identifiers = list(organizations.identifiers())
    own = [one for one in visits if (one["calendar_version"] or "") == calendar]
    criteria = doc.of("EligibilityCriterion", "sequence")
    items = [_item(words, one) for one in criteria]
    made = words.made(
        "StudyVersion", versionIdentifier=calendar or "1", rationale=_NOT_SAID,
        titles=list(_titles(doc)), studyIdentifiers=identifiers, amendments=_amendments(doc),
        eligibilityCriterionItems=items,
        studyDesigns=[_design(doc, own, criteria, items)],
    )  # fmt: skip
    made["roles"] = organizations.roles(made["id"])
    return made | {"organizations": organizations.all()}


def _titles(doc: _Document) -> Iterator[Json]:
    kinds = (("title", "Brief Study Title"), ("official_title", "Official Study Title"),
             ("acronym", "Study Acronym"))  # fmt: skip
    for field, kind in kinds:
        if doc.study[field]:
            yield doc.words.made("StudyTitle", text=doc.study[field], type=doc.words.code(kind))


class _Organizations:
    """Who gave the study its numbers, who sponsors it, and where it is carried out."""

    def __init__(self, doc: _Document) -> None:
        self.doc, self.words = doc, doc.words
        self._made: dict[str, Json] = {}
        self._sponsor = self._sponsored()

    def all(self) -> list[Json]:
        """Every organization, with the sites that each manages."""
        for site in self.doc.of("StudySite", "site_number"):
            self._site(site)
        return list(self._made.values())

    def identifiers(self) -> Iterator[Json]:
        """The study's numbers, each with whoever gave it. The sponsor's is the sponsor's, whoever
        the hub heard it from."""
        for one in self.doc.study["identifiers"]:
            name, kind = _REGISTERS.get(one["type"], (one["assigner"] or _NOT_SAID, "Other"))
            scope = self._named(name, kind)
            if one["type"] == "sponsor_protocol_no" and self._sponsor:
                scope = self._sponsor
            elif one["type"] == "sponsor_protocol_no":
                scope = self._named(name, "Clinical Study Sponsor")
            yield self.words.made("StudyIdentifier", text=one["value"], scopeId=scope["id"])

    def roles(self, version: str) -> list[Json]:
        """The sponsor's part in it."""
        if not self._sponsor:
            return []
        code = self.words.code("Clinical Study Sponsor")
        return [
            self.words.named(
                "StudyRole", "Sponsor", code=code, appliesToIds=[version], assignedPersons=[],
                organizationIds=[self._sponsor["id"]], masking=None,
            )
        ]  # fmt: skip

    def _sponsored(self) -> Json | None:
        to = self.doc.study["sponsor"]
        known = self.doc.records.one("Organization", to["id"]) if to else None
        if known is None:
            return None
        return self._named(known["name"] or _NOT_SAID, "Clinical Study Sponsor", known)

    def _named(self, name: str, kind: str, known: Record | None = None) -> Json:
        if name not in self._made:
            scheme, number = _numbered(known, name)
            self._made[name] = self.words.named(
                "Organization", name, type=self.words.code(kind), identifierScheme=scheme,
                identifier=number, legalAddress=self._address(known), managedSites=[],
            )  # fmt: skip
        return self._made[name]

    def _address(self, known: Record | None) -> Json | None:
        if known is None or not (known["city"] or known["country"] or known["address_lines"]):
            return None
        return self.words.made(
            "Address", text=None, lines=known["address_lines"] or [], city=known["city"],
            district=None, state=known["state"], postalCode=known["postal_code"],
            country=self.words.country(known["country"]),
        )  # fmt: skip

    def _site(self, site: Record) -> None:
        at = (site["organization"] or site["location"] or {}).get("label") or _NOT_SAID
        holder = self._named(at, "Healthcare Facility")
        name = site["site_number"] or site["id"]
        made = self.words.made("StudySite", name=name, label=at, description=None,
                               country=self.words.country(site["country"]))  # fmt: skip
        holder["managedSites"].append(made)


def _numbered(known: Record | None, name: str) -> tuple[str, str]:
    """The scheme and number an organization is known by; its name where it has none."""
    for one in known["identifiers"] if known else ():
        return one["type"].upper(), one["value"]
    return "name", name


def _amendments(doc: _Document) -> list[Json]:
    words, made = doc.words, {}
    amended = [one for one in doc.of("ProtocolVersion") if one["kind"] == "amendment"]
    for one in amended:
        name = one["amendment_no"] or one["version_no"] or one["id"]
        reason = words.made(
            "StudyAmendmentReason", code=words.code("Other"), otherReason=one["primary_reason"]
        )
        made[one["id"]] = words.named(
            "StudyAmendment", f"Amendment {name}", number=name, summary=one["summary"] or "",
            primaryReason=reason, secondaryReasons=[], impacts=_impacts(words, one), changes=[],
            geographicScopes=[words.scope()], enrollments=[], dateValues=_dates(words, one),
            previousId=None,
        )  # fmt: skip
    for one in amended:
        before = made.get((one["supersedes"] or {}).get("id", ""))
        made[one["id"]]["previousId"] = before["id"] if before else None
    return list(made.values())


def _impacts(words: Words, record: Record) -> list[Json]:
    if record["substantial"] is None:
        return []
    return [
        words.made("StudyAmendmentImpact", type=words.code("Other"), text=_NOT_SAID,
                   isSubstantial=record["substantial"])
    ]  # fmt: skip


def _dates(words: Words, record: Record) -> list[Json]:
    """Days only: USDM has no date that is a month."""
    kinds = (("sponsor_approved_on", "Approval Date"), ("effective_on", "Effective Date"))
    return [
        words.named("GovernanceDate", kind, type=words.code(kind), dateValue=record[field],
                    geographicScopes=[words.scope()])
        for field, kind in kinds
        if record[field] and len(record[field]) == 10
    ]  # fmt: skip


def _item(words: Words, criterion: Record) -> Json:
    name = criterion["criterion_no"] or criterion["id"]
    return words.named("EligibilityCriterionItem", f"Item {name}", text=criterion["wording"] or "",
                       dictionaryId=None)  # fmt: skip


def _design(
    doc: _Document, visits: Sequence[Record], criteria: Sequence[Record], items: list[Json]
) -> Json:
    words, study = doc.words, doc.study
    arms = [_arm(words, one) for one in doc.of("StudyArm", "sequence")]
    epochs = {one["id"]: _epoch(words, one) for one in doc.of("StudyEpoch", "sequence")}
    planned: defaultdict[str, list[str]] = defaultdict(list)
    for one in doc.of("CoverageDesignation"):
        if one["visit_def"] and one["procedure_def"]:
            planned[one["visit_def"]["id"]].append(one["procedure_def"]["id"])
    ids = {known: one["id"] for known, one in epochs.items()}
    times = schedule(words, visits, doc.of("ProcedureDef", "sequence"), planned, ids)
    observed = study["study_type"] == "observational"
    made = words.named(
        "ObservationalStudyDesign" if observed else "InterventionalStudyDesign", "Study design",
        studyType=words.of("usdm-study-type", study["study_type"]),
        studyPhase=words.alias(words.of("usdm-phase", study["phase"])), rationale=_NOT_SAID,
        arms=arms, epochs=linked(list(epochs.values())), elements=[], estimands=[],
        studyCells=[_cell(words, arm, epoch) for arm in arms for epoch in epochs.values()],
        encounters=times.encounters, activities=times.activities,
        scheduleTimelines=times.timelines, objectives=_objectives(doc),
        indications=[_indication(words, one) for one in study["conditions"] or ()],
        eligibilityCriteria=_criteria(words, criteria, items), population=_population(doc),
        model=words.code("Unknown"), subTypes=[],
    )  # fmt: skip
    if observed:
        return made | {"timePerspective": words.code("Unknown")}
    return made | {"blindingSchema": words.alias(words.of("usdm-blinding", study["blinding"]))}


def _arm(words: Words, record: Record) -> Json:
    return words.named(
        "StudyArm", record["name"] or record["id"], description=record["description"],
        type=words.known("usdm-arm-type", record["arm_type"]), populationIds=[],
        dataOriginDescription="Data collected in the study",
        dataOriginType=words.code("Data Generated Within Study"),
    )  # fmt: skip


def _epoch(words: Words, record: Record) -> Json:
    kind = words.known("usdm-epoch-type", record["epoch_type"])
    return words.named("StudyEpoch", record["name"] or record["id"], type=kind,
                       description=record["description"])  # fmt: skip


def _cell(words: Words, arm: Json, epoch: Json) -> Json:
    return words.made("StudyCell", armId=arm["id"], epochId=epoch["id"], elementIds=[])


def _objectives(doc: _Document) -> list[Json]:
    words = doc.words
    made = []
    for place, one in enumerate(doc.of("StudyObjective", "sequence"), 1):
        level, measured = _GOALS.get(one["level"] or "", _OTHER_GOAL)
        ends = []
        if one["endpoint"]:
            ends.append(words.named("Endpoint", f"Endpoint {place}", text=one["endpoint"],
                                    purpose=one["time_frame"] or "", level=words.code(measured),
                                    dictionaryId=None))  # fmt: skip
        made.append(
            words.named(
                "Objective", f"Objective {place}", text=one["objective"] or "",
                level=words.code(level), endpoints=ends, dictionaryId=None,
            )
        )  # fmt: skip
    return made


def _indication(words: Words, text: str) -> Json:
    return words.named("Indication", text, codes=[], isRareDisease=False)


def _criteria(words: Words, criteria: Sequence[Record], items: list[Json]) -> list[Json]:
    made = []
    for one, item in zip(criteria, items, strict=True):
        number = one["criterion_no"] or one["id"]
        category = words.known("usdm-criterion-category", one["category"])
        made.append(words.named("EligibilityCriterion", number, identifier=number,
                                category=category, criterionItemId=item["id"]))  # fmt: skip
    return linked(made)


def _population(doc: _Document) -> Json:
    target = doc.study["target_enrolment"]
    planned = doc.words.made("Quantity", value=target, unit=None) if target is not None else None
    return doc.words.named(
        "StudyDesignPopulation", "Study population",
        description="whether healthy people take part is not stated in the hub",
        includesHealthySubjects=False, plannedEnrollmentNumber=planned,
        plannedCompletionNumber=None, plannedSex=[], plannedAge=None, criterionIds=[], cohorts=[],
    )  # fmt: skip
