"""Operational data of subjects as a Transactional CDISC ODM 1.3.2 document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from lxml import etree
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connectors.errors import Refused
from connectors.formats import json_text
from connectors.formats.odm import STANDARD

NAMESPACE = f"{STANDARD}v1.3"
_LEVELS = (
    ("StudyEventData", "StudyEventOID", "event", "StudyEventRepeatKey", "event_repeat"),
    ("FormData", "FormOID", "form", "FormRepeatKey", "form_repeat"),
    ("ItemGroupData", "ItemGroupOID", "group", "ItemGroupRepeatKey", "group_repeat"),
)


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True, hide_input_in_errors=True)


class Item(_Said):
    """One value in its place. `value` null: there is none, and that is said."""

    event: str = Field(min_length=1)
    event_repeat: str = ""
    form: str = Field(min_length=1)
    form_repeat: str = ""
    group: str = Field(min_length=1)
    group_repeat: str = ""
    item: str = Field(min_length=1)
    value: str | None = None


class Subject(_Said):
    """What is said of one subject: the body of a delivery, as JSON."""

    study: str = Field(min_length=1)  # StudyOID
    metadata: str = Field(min_length=1)  # MetaDataVersionOID
    subject: str = Field(min_length=1)  # SubjectKey
    site: str = ""  # LocationOID
    change: Literal["Insert", "Update", "Upsert", "Remove"] = "Upsert"
    items: list[Item] = []


def read(body: bytes) -> Subject:
    """Raises Refused naming the members that are missing or wrong, without their values."""
    try:
        return Subject.model_validate(json_text.read(body))
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, one['loc'])) or 'body'}: {one['msg']}" for one in error.errors()
        )
        raise Refused(f"no subject's data for ODM ({wrong})") from None


def written(
    subjects: Iterable[Subject], *, file_oid: str, created: datetime, originator: str = ""
) -> bytes:
    """One document. Subjects come in the order given, and so do their changes: a receiver
    applies them in the order of the document."""
    about = {
        "FileType": "Transactional",
        "FileOID": file_oid,
        "CreationDateTime": created.isoformat(timespec="seconds"),
        "ODMVersion": "1.3.2",
        "SourceSystem": "crohub",
    }
    if originator:
        about["Originator"] = originator
    root = etree.Element(f"{{{NAMESPACE}}}ODM", about, nsmap={None: NAMESPACE})  # type: ignore[dict-item]
    data: etree._Element | None = None
    for subject in subjects:
        named = {"StudyOID": subject.study, "MetaDataVersionOID": subject.metadata}
        if data is None or any(data.get(key) != value for key, value in named.items()):
            data = _below(root, "ClinicalData", named)
        _subject(data, subject)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)


def _subject(data: etree._Element, subject: Subject) -> None:
    place = {"SubjectKey": subject.subject, "TransactionType": subject.change}
    element = _below(data, "SubjectData", place)
    if subject.site:
        _below(element, "SiteRef", {"LocationOID": subject.site})
    known: dict[Sequence[str], etree._Element] = {}
    for item in subject.items if subject.change != "Remove" else ():
        group = _group(element, item, known)
        said = {"ItemOID": item.item, "TransactionType": "Upsert"}
        said |= {"IsNull": "Yes"} if item.value is None else {"Value": item.value}
        _below(group, "ItemData", said)


def _group(
    subject: etree._Element, item: Item, known: dict[Sequence[str], etree._Element]
) -> etree._Element:
    """The item group the value belongs in, made with all above it where it is not there yet."""
    said: Mapping[str, Any] = item.model_dump()
    element = subject
    path: tuple[str, ...] = ()
    for name, oid, of, repeat, again in _LEVELS:
        path = (*path, said[of], said[again])
        found = known.get(path)
        if found is None:
            named = {oid: said[of], "TransactionType": "Upsert"}
            if said[again]:
                named[repeat] = said[again]
            found = known[path] = _below(element, name, named)
        element = found
    return element


def _below(parent: etree._Element, name: str, attributes: dict[str, str]) -> etree._Element:
    try:
        return etree.SubElement(parent, f"{{{NAMESPACE}}}{name}", attributes)
    except ValueError:  # lxml quotes no value
        raise Refused(f"{name}: a value holds a character that XML cannot") from None
