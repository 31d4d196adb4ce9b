"""The definitions of an ODM export: a MetaDataVersion for each version of the calendar, with its
visits, and the operational forms."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from lxml import etree

from connectors.formats.odm_write import NAMESPACE
from crohub.exports.odm_items import (
    FORMS,
    SUBJECT,
    UNPLANNED,
    VISIT,
    Form,
    data_type,
    length,
)
from crohub.exports.records import number
from hub.model.spec import FieldSpec
from hub.render import Record

Names = Mapping[str, str]  # id → what the file calls it
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LIST = "CL."  # no two definitions of a version may have one OID
_TYPES = {"scheduled": "Scheduled", "unscheduled": "Unscheduled", "common": "Common"}


def top(name: str, **said: str) -> etree._Element:
    """An element that stands below none yet."""
    names, kept = {None: NAMESPACE}, {key: _xml(value) for key, value in said.items()}
    return etree.Element(f"{{{NAMESPACE}}}{name}", kept, nsmap=names)  # type: ignore[arg-type]


def below(
    parent: etree._Element, name: str, text: str | None = None, **said: object
) -> etree._Element:
    """A child element; what is None is not said."""
    attributes = {key: _xml(str(one)) for key, one in said.items() if one not in (None, "")}
    child = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}", attributes)
    child.text = text and _xml(text)
    return child


def _xml(text: str) -> str:
    """A character that XML cannot say stands as the one for that."""
    return _NO_XML.sub("\ufffd", text)


def study_oid(study: Record) -> str:
    """How the file calls the study: as its EDC does, else by a number that people know."""
    known = number(study, "edc_oid", "sponsor_protocol_no", "local_protocol_no", "nct")
    return known or f"S.{study['id']}"


def oids(records: Sequence[Record], known: Callable[[Record], str | None], own: str) -> Names:
    """How the file calls each record: as people know it, where no other has that name already;
    else `own` and its id."""
    made: dict[str, str] = {}
    taken: set[str] = set()
    for one in records:
        said = known(one)
        made[one["id"]] = said if said and said not in taken else f"{own}.{one['id']}"
        taken.add(made[one["id"]])
    return made


def event_oids(visits: Sequence[Record]) -> Names:
    """The planned visits: two systems may give one name to two of them."""
    return oids(visits, lambda one: number(one, "visit_oid"), "V")


def calendars(visits: Sequence[Record]) -> list[str]:
    """The versions of the calendar, the present one last."""
    found = {one["calendar_version"] or "" for one in visits}
    return sorted(found, key=lambda one: [(not p.isdigit(), p.zfill(9)) for p in one.split(".")])


def version_oid(calendar: str) -> str:
    return f"MDV.{calendar or '1'}"


def study_element(
    study: Record, visits: Sequence[Record], events: Names, protocols: Sequence[Record]
) -> etree._Element:
    """The study with its definitions; `events`: what the file calls each visit. What is not known
    stands as the number or name that is."""
    made = top("Study", OID=study_oid(study))
    names = below(made, "GlobalVariables")
    title = study["title"] or study_oid(study)
    below(names, "StudyName", title)
    below(names, "StudyDescription", study["description"] or study["official_title"] or title)
    below(names, "ProtocolName", number(study, "sponsor_protocol_no") or study_oid(study))
    before = ""
    for calendar in calendars(visits) or [""]:
        own = [one for one in visits if (one["calendar_version"] or "") == calendar]
        version = _version(made, calendar, before, protocols)
        _visits(version, own, events)
        _forms(version)
        before = version_oid(calendar)
    return made


def _version(
    study: etree._Element, calendar: str, before: str, protocols: Sequence[Record]
) -> etree._Element:
    """A version includes the one before it, with its visits, and defines the forms anew."""
    told = "; ".join(filter(None, (_protocol(one) for one in protocols)))
    made = below(study, "MetaDataVersion", OID=version_oid(calendar),
                 Name=f"calendar {calendar}" if calendar else "calendar",
                 Description=told or None)  # fmt: skip
    if before:
        below(made, "Include", StudyOID=study.get("OID"), MetaDataVersionOID=before)
    return made


def _visits(version: etree._Element, visits: Sequence[Record], events: Names) -> None:
    protocol = below(version, "Protocol")
    below(protocol, "StudyEventRef", StudyEventOID=SUBJECT, Mandatory="Yes")
    for place, one in enumerate(visits, 1):
        below(protocol, "StudyEventRef", StudyEventOID=events[one["id"]], Mandatory="No",
              OrderNumber=one["sequence"] or place)  # fmt: skip
    common = [form for form in FORMS if form.oid != VISIT]
    _event(version, SUBJECT, "Enrolment", "Common", common)
    own = [form for form in FORMS if form.oid == VISIT]
    for one in visits:
        kind = _TYPES.get(one["visit_type"] or "", "Scheduled")
        oid = events[one["id"]]
        _event(version, oid, one["name"] or oid, kind, own, one["description"])
    _event(version, UNPLANNED, "Visit that no calendar plans", "Unscheduled", own)


def _protocol(record: Record) -> str:
    named = [record["kind"], record["version_no"] or record["amendment_no"]]
    since = record["effective_on"] or record["irb_approved_on"] or record["sponsor_approved_on"]
    said = " ".join(one for one in named if one)
    return f"{said} of {since}" if said and since else said


def _event(
    version: etree._Element, oid: str, name: str, kind: str, forms: Sequence[Form],
    description: str | None = None,
) -> None:  # fmt: skip
    repeats = "No" if oid == SUBJECT else "Yes"
    made = below(version, "StudyEventDef", OID=oid, Name=name, Repeating=repeats, Type=kind)
    if description:
        below(below(made, "Description"), "TranslatedText", description)
    for form in forms:
        below(made, "FormRef", FormOID=form.oid, Mandatory="No")


def _forms(version: etree._Element) -> None:
    for form in FORMS:
        again = "Yes" if form.repeats else "No"
        made = below(version, "FormDef", OID=form.oid, Name=form.name, Repeating=again)
        below(made, "ItemGroupRef", ItemGroupOID=form.group, Mandatory="Yes")
    for form in FORMS:
        made = below(version, "ItemGroupDef", OID=form.group, Name=form.name, Repeating="No")
        for field in form.items():
            below(made, "ItemRef", ItemOID=form.item(field.name), Mandatory="No")
    for form, field in _fields():
        made = below(version, "ItemDef", OID=form.item(field.name), Name=field.name,
                     DataType=data_type(field), Length=length(field))  # fmt: skip
        below(below(made, "Description"), "TranslatedText", field.meta.says)
        if field.meta.codes:
            below(made, "CodeListRef", CodeListOID=_LIST + form.item(field.name))
    for form, field in _fields():
        if field.meta.codes:
            _codes(version, _LIST + form.item(field.name), field)


def _fields() -> Iterator[tuple[Form, FieldSpec]]:
    for form in FORMS:
        for field in form.items():
            yield form, field


def _codes(version: etree._Element, oid: str, field: FieldSpec) -> None:
    made = below(version, "CodeList", OID=oid, Name=field.name, DataType="text")
    for code in field.meta.codes:
        item = below(made, "CodeListItem", CodedValue=code)
        below(below(item, "Decode"), "TranslatedText", code.replace("_", " "))
