"""What ODM documents say in places that no single path names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from mappings.calls import function
from mappings.media.odm import REMOVED

_REPEAT = re.compile(r"(\d{1,9})\]?$")  # "2", and Rave's "SCREEN[2]" and "FOLDER[1]/V[2]"
_LEVELS = ("StudyEventData", "FormData", "ItemGroupData")


@function(
    "odm.item",
    says="the value of an item, by its OID; the last one said, in the event, form and group named",
    reads=("ItemData", "ItemOID", "Value", "IsNull", "TransactionType", "StudyEventOID",
           "FormOID", "ItemGroupOID"),
    arguments="item event form group",
)  # fmt: skip
def item(
    source: etree._Element, item: str, event: str = "", form: str = "", group: str = ""
) -> str | None:
    """Which items hold a consent date or a randomisation is each sponsor's own. A value that is
    removed, null, or overwritten with nothing has been taken back."""
    wanted = dict(zip(_LEVELS, (event, form, group), strict=True))
    found: str | None = None
    for element in _items(source):
        if element.get("ItemOID") == item and _is_within(element, wanted):
            found = _value(element)
    return found


def _items(source: etree._Element) -> Iterator[etree._Element]:
    """ItemData and its typed kin (ItemDataDate …), in the order of the document."""
    for element in source.iter(etree.Element):
        if str(element.tag).startswith("ItemData"):
            yield element


def _is_within(element: etree._Element, wanted: dict[str, str]) -> bool:
    for holder in element.iterancestors(*_LEVELS):
        name = str(holder.tag)
        oid = holder.get(name.removesuffix("Data") + "OID")
        if wanted[name] and oid != wanted[name]:
            return False
    return True


def _value(element: etree._Element) -> str | None:
    holders = [element, *element.iterancestors(*_LEVELS, "SubjectData")]
    if any(one.get("TransactionType") == "Remove" for one in holders):
        return REMOVED
    if element.get("IsNull", "").lower() == "yes":
        return REMOVED
    typed = (element.text or "").strip() or (element.findtext("Value") or "").strip()
    said = element.get("Value", typed)
    if not said and element.get("TransactionType") in ("Update", "Upsert"):
        return REMOVED
    return said or None


@function(
    "odm.repeat",
    says="which repetition of an event it is: 2 of `2` and of Rave's `SCREEN[2]`",
    reads=("StudyEventRepeatKey",),
    gives="integer",
)
def repeat(source: etree._Element) -> int | None:
    found = _REPEAT.search(source.get("StudyEventRepeatKey", ""))
    return int(found[1]) if found else None


@function(
    "odm.order",
    says="an event's place in the protocol: OrderNumber of its reference, else its place there",
    reads=("Protocol", "StudyEventRef", "OrderNumber", "StudyEventOID"),
    gives="integer",
)
def order(source: etree._Element) -> int | None:
    definitions = source.getparent()
    if definitions is None:
        return None
    for place, reference in enumerate(definitions.iterfind("Protocol//StudyEventRef"), 1):
        if reference.get("StudyEventOID") == source.get("OID"):
            said = reference.get("OrderNumber", "")
            return int(said) if said.isdecimal() and len(said) < 10 else place
    return None
