"""A study as CDISC ODM 1.3.2: its definitions, who takes part in running it, and where its subjects
stand. Nothing personal of a participant, and never the arm.

Streamed: what is in memory is one page of enrollments, however many there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from typing import Any

from lxml import etree

from connectors.formats.odm_write import NAMESPACE
from crohub.exports.odm_items import BY_ENTITY, OWN, SUBJECT, UNPLANNED, Form
from crohub.exports.odm_metadata import (
    Names,
    below,
    calendars,
    event_oids,
    oids,
    study_element,
    study_oid,
    top,
    version_oid,
)
from crohub.exports.records import Records, number
from hub import dates
from hub.render import Record

_HUB, _SYSTEM = f"{OWN}HUB", f"{OWN}SYSTEM."
_OTHER = "another system"  # a person's word, and systems that are not in service any more
_USERS = {"pi": "Investigator", "site_pi": "Investigator", "sub_i": "Investigator",
          "monitor_cra": "Sponsor"}  # fmt: skip


@dataclass(slots=True)
class _Export:
    """What is known of the whole file while it is written."""

    records: Records
    study: Record
    created: datetime
    visits: list[Record]
    sites: dict[str, Record]
    events: Names  # of planned visits
    places: Names  # of sites
    keys: set[str] = field(default_factory=set)  # of the subjects so far

    @property
    def oid(self) -> str:
        return study_oid(self.study)

    @property
    def version(self) -> str:
        return version_oid((calendars(self.visits) or [""])[-1])


def written(records: Records, study: Record, created: datetime) -> Iterator[bytes]:
    """The document in pieces."""
    visits = records.all("VisitDef", "study", [study["id"]], sort="sequence")
    sites = records.all("StudySite", "study", [study["id"]], sort="site_number")
    export = _Export(
        records, study, created, visits, {one["id"]: one for one in sites},
        event_oids(visits), oids(sites, lambda one: one["site_number"], "SITE"),
    )  # fmt: skip
    buffer = BytesIO()
    with etree.xmlfile(buffer, encoding="UTF-8") as file:
        file.write_declaration()
        with file.element(f"{{{NAMESPACE}}}ODM", _about(export), nsmap={None: NAMESPACE}):
            protocols = records.all("ProtocolVersion", "study", [study["id"]])
            file.write(study_element(study, visits, export.events, protocols))
            file.write(_admin(export))
            about = {"StudyOID": export.oid, "MetaDataVersionOID": export.version}
            with file.element(f"{{{NAMESPACE}}}ClinicalData", about):
                for page in records.pages("Enrollment", "study", [study["id"]]):
                    for element in _subjects(export, page):
                        file.write(element)
                    yield _taken(buffer)
    yield _taken(buffer)


def _taken(buffer: BytesIO) -> bytes:
    piece = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return piece


def _about(export: _Export) -> dict[str, str]:
    moment = export.created.isoformat(timespec="seconds")
    return {
        "FileType": "Snapshot", "FileOID": f"crohub.{export.study['id']}.{moment}",
        "CreationDateTime": moment, "AsOfDateTime": moment, "ODMVersion": "1.3.2",
        "SourceSystem": "crohub", "Description": "operational data; nothing personal, no arm",
    }  # fmt: skip


def _admin(export: _Export) -> etree._Element:
    """People of the study and its sites; what speaks for a system is named as one."""
    made = top("AdminData", StudyOID=export.oid)
    assigned = export.records.all("StaffAssignment", "study", [export.study["id"]])
    roles = {one["person"]["id"]: one["role"] or "" for one in assigned if one["person"]}
    people = export.records.called("Person", sorted(roles))
    for one in people.values():
        _user(made, one, _USERS.get(roles[one["id"]], "Other"))
    for system in (*_systems(export), _OTHER):
        user = below(made, "User", OID=_SYSTEM + system, UserType="Other")
        below(user, "FullName", system)
    _location(export, made, _HUB, "crohub", "Other")
    for site in export.sites.values():
        name = (site["organization"] or site["location"] or {}).get("label")
        oid = export.places[site["id"]]
        _location(export, made, oid, name or oid, "Site")
    return made


def _systems(export: _Export) -> list[str]:
    """Systems that can have said anything: those in force, since no subject is read yet."""
    return sorted(export.records.reader.policy.systems)


def _user(admin: etree._Element, person: Record, kind: str) -> None:
    made = below(admin, "User", OID=f"P.{person['id']}", UserType=kind)
    for name, text in (
        ("LoginName", number(person, "username")), ("FirstName", person["given_name"]),
        ("LastName", person["family_name"]), ("Email", person["email"]),
        ("Phone", person["phone"]),
    ):  # fmt: skip
        if text:
            below(made, name, text)


def _location(export: _Export, admin: etree._Element, oid: str, name: str, kind: str) -> None:
    made = below(admin, "Location", OID=oid, Name=name, LocationType=kind)
    below(made, "MetaDataVersionRef", StudyOID=export.oid, MetaDataVersionOID=export.version,
          EffectiveDate=export.created.date().isoformat())  # fmt: skip


def _subjects(export: _Export, page: Sequence[Record]) -> Iterator[etree._Element]:
    ids = [one["id"] for one in page]
    parts = {
        entity: export.records.grouped(entity, "enrollment", ids)
        for entity in ("EnrollmentState", "Consent", "ParticipantVisit")
    }
    for one in page:
        if one["state"] == "entered_in_error":
            continue
        own = {entity: found.get(one["id"], []) for entity, found in parts.items()}
        yield _subject(export, one, own)


def _subject(export: _Export, record: Record, own: dict[str, list[Record]]) -> etree._Element:
    made = top("SubjectData", SubjectKey=_key(export, record))
    if record["investigator"]:
        below(made, "InvestigatorRef", UserOID=f"P.{record['investigator']['id']}")
    site = export.sites.get((record["study_site"] or {}).get("id", ""))
    if site:
        below(made, "SiteRef", LocationOID=export.places[site["id"]])
    event = below(made, "StudyEventData", StudyEventOID=SUBJECT)
    _form(export, event, BY_ENTITY["Enrollment"], record)
    for entity in ("EnrollmentState", "Consent"):
        for place, one in enumerate(own[entity], 1):
            _form(export, event, BY_ENTITY[entity], one, place)
    counts: dict[str, int] = {}
    for one in sorted(own["ParticipantVisit"], key=lambda one: one["sequence"] or 0):
        _visit(export, made, one, counts)
    return made


def _key(export: _Export, record: Record) -> str:
    """The subject's number; the enrollment's id where it has none or shares it with another."""
    said = record["subject_number"]
    key = said if said and said not in export.keys else f"E.{record['id']}"
    export.keys.add(key)
    return key


def _visit(
    export: _Export, subject: etree._Element, record: Record, counts: dict[str, int]
) -> None:
    """Visits of one kind are told apart by their place, or by their order where they have none."""
    oid = export.events.get((record["visit_def"] or {}).get("id", ""), UNPLANNED)
    counts[oid] = max(counts.get(oid, 0) + 1, record["sequence"] or 0)
    made = below(subject, "StudyEventData", StudyEventOID=oid, StudyEventRepeatKey=counts[oid])
    _form(export, made, BY_ENTITY["ParticipantVisit"], record)


def _form(
    export: _Export, event: etree._Element, form: Form, record: Record, repeat: int | None = None
) -> None:
    said = [(name, record[name]) for name in form.fields if record[name] is not None]
    if not said:
        return
    made = below(event, "FormData", FormOID=form.oid, FormRepeatKey=repeat)
    group = below(made, "ItemGroupData", ItemGroupOID=form.group)
    voices = record.get("provenance", {})
    one = _same([voices.get(name) for name, _ in said])
    if one:
        _audit(export, group, one)
    for name, value in said:
        item = below(group, "ItemData", ItemOID=form.item(name), Value=_text(form, name, value))
        if voices.get(name) and not one:
            _audit(export, item, voices[name])


def _same(voices: list[Record | None]) -> Record | None:
    """The one message that said all of it, if it was one."""
    first = voices[0]
    return first if first and all(one == first for one in voices) else None


def _audit(export: _Export, parent: etree._Element, voice: Record) -> None:
    """Which system said it, when, and in which of the hub's messages."""
    if voice["at"] is None:
        return
    made = below(parent, "AuditRecord")
    known = voice["system"] if voice["system"] in _systems(export) else _OTHER
    below(made, "UserRef", UserOID=_SYSTEM + known)
    below(made, "LocationRef", LocationOID=_HUB)
    below(made, "DateTimeStamp", voice["at"])
    below(made, "SourceID", f"{voice['system']}: message {voice['message']}")


def _text(form: Form, name: str, value: Any) -> str:  # noqa: ANN401 - a canonical value
    kinds = {one.name: one.meta.kind for one in form.items()}
    return dates.to_iso(value) if kinds[name] == "instant" else str(value)
