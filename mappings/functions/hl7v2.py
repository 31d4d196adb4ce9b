"""Which number an HL7 v2 sender knows a patient by, which it retired, and what an event decides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from connectors.formats import er7_path
from hub import identifiers
from mappings.calls import function
from mappings.media.hl7_sheet import Sheet
from mappings.values import BadValue

_NUMBERS = frozenset(
    ("MR", "MRN", "MRT")
)  # medical record numbers, HL7 0203 and what is sent instead
# Numbers of something else than a patient record: many share them (a family's policy), or one
# person has a new one at each visit, or a clerk types nines where none is known.
_OTHERS = frozenset(
    {
        "SS", "SB", "AN", "ANC", "AND", "ANT", "VN", "MA", "MC", "MB", "MCN", "MS", "HC", "JHN",
        "NH", "PNT", "DL", "PPN", "BC", "BR", "BA", "CC", "TAX", "DN",
    }
)  # fmt: skip


class _Id(NamedTuple):
    """One CX: a number, who assigned it, and its type; "" where not said."""

    value: str
    assigner: str
    type: str

    @property
    def key(self) -> str:
        """As CX writes it, for the same number of two authorities is two people."""
        return f"{self.value}^^^{self.assigner}" if self.assigner else self.value

    def is_of_kind(self, other: _Id) -> bool:
        """Same assigner and type, as far as both are said (v2.5.1 §3.6.2.1, MRG-1)."""
        return _agree(self.assigner, other.assigner) and _agree(self.type, other.type)


@function(
    "hl7v2.patient_key",
    says="the number the sender knows the patient by, with its assigning authority: of PID-3 the "
    "first medical record number, else the first that numbers a patient; else PID-2, PID-4",
    reads=("PID-3", "PID-2", "PID-4"),
)
def patient_key(message: Sheet) -> str | None:
    """`12345^^^BCBS`, or `12345` where no authority is said and the connection has none. None
    where there is no such number: a placeholder ("UNKNOWN", 00000) would make one person of all
    who have it."""
    known = message.parts.get(_KEY)  # several statements of one message ask for it
    if known is None:
        known = message.parts[_KEY] = _patient_key(message)
    return known[0] if known else None


_KEY = "hl7v2.patient_key"


@function(
    "hl7v2.other_patient_key",
    says="the number as `patient_key` chooses it, of the second PID of a message about two records",
    reads=("PID-3", "PID-2", "PID-4"),
)
def other_patient_key(message: Sheet) -> str | None:
    """None where there is no second PID, or no number of a patient in it."""
    known = _patient_key(message, 1)
    return known[0] if known else None


def _patient_key(message: Sheet, which: int = 0) -> tuple[str, ...]:
    for field in (3, 2, 4):
        other = ""
        for one in _ids(message, "PID", field, which):
            if one.type in _NUMBERS:
                if _is_key(one):
                    return (one.key,)
            elif not other and _is_key(one):
                other = one.key
        if other:
            return (other,)
    return ()


@function(
    "hl7v2.retired",
    says="the number that MRG-1 retires; what it leaves unsaid is as its counterpart in PID-3",
    reads=("MRG-1", "PID-3"),
    arguments="part",
)
def retired(group: Sheet, part: str = "key") -> str | None:
    """Its `key`, `value`, `assigner` or `type`. Raises BadValue where no number in PID-3
    is of its assigner and type (the sender then did not say which took its place), and where it
    is no patient's number (an account, a social security number) or a placeholder."""
    one = _retired(group)
    found = {"key": one.key, "value": one.value, "assigner": one.assigner, "type": one.type}
    return found[part] or None


@function("hl7v2.birth_time", says="PID-7 where it says a time of day", reads=("PID-7",))
def birth_time(message: Sheet) -> str | None:
    """The time of birth; of a date alone nothing."""
    said = _part(message, "PID", 7)
    return said if len(said) > len("YYYYMMDD") else None


@function(
    "hl7v2.telephone",
    says="a patient's number at home or mobile (PID-13) or at work (PID-14), written in one or "
    "in parts",
    reads=("PID-13", "PID-14"),
    arguments="of",
)
def telephone(message: Sheet, of: str) -> str | None:
    """The first of its kind (HL7 0201, 0202); one that says no kind counts as a landline."""
    place, field = ("PID-14", 14) if of == "work" else ("PID-13", 13)
    found = message.first_row(place, "PID", field)
    if len(found) == 1 and found[0].removed:
        return found[0].raw
    wanted = _EQUIPMENT[of]
    for one in found:
        parts = one.parts
        more = len(parts)
        if (parts[2] if more > 2 else "") not in wanted:
            continue
        if of == "work" or more < 2 or parts[1] in _PRIVATE:
            number = _number(parts)
            if number:
                return number
    return None


_PRIVATE = frozenset(("", "PRN", "PRS", "ORN"))
_EQUIPMENT = {"home": ("", "PH"), "mobile": ("CP",), "work": ("", "PH", "CP")}


def _number(parts: Sequence[str]) -> str:
    """XTN-1 or 12 as they stand; else country, area and local number and extension (5 to 8)."""
    whole = parts[0] or (parts[11] if len(parts) > 11 else "")
    if whole:
        return whole
    extension = f"x{parts[7]}" if len(parts) > 7 and parts[7] else ""
    return "-".join(part for part in parts[4:7] if part) + extension


@function(
    "hl7v2.appointment_status",
    says="SCH-25, unless the event itself decides: S15, S16, S17 and S26 end an appointment",
    reads=("SCH-25", "MSH-9.2"),
)
def appointment_status(message: Sheet) -> str | None:
    """Senders cancel without changing SCH-25, and send S12 to S14 without SCH-25."""
    event = _part(message, "MSH", 9, 2)
    if event in _ENDS:
        return event
    return _part(message, "SCH", 25) or event or None


_ENDS = frozenset(("S15", "S16", "S17", "S26"))


@function(
    "hl7v2.document_status",
    says="what MDM^T11 or TXA-19 decides (cancelled, deleted, obsolete), else TXA-17",
    reads=("MSH-9.2", "TXA-19", "TXA-17"),
)
def document_status(message: Sheet) -> str | None:
    """A document that is not available any more was completed all the same."""
    event, available = _part(message, "MSH", 9, 2), _part(message, "TXA", 19)
    if event == "T11":
        return event
    return available if available in ("CA", "OB") else _part(message, "TXA", 17) or None


@function(
    "hl7v2.staff_in_use",
    says="whether staff may be given work: what MFE-1 or the PMU event decides, else STF-7",
    reads=("MFE-1", "MSH-9.2", "STF-7"),
)
def staff_in_use(message: Sheet) -> str | None:
    """The master file's MDC and MAC (HL7 0180), and B04, B05, B06, decide whatever STF-7 says."""
    act = _part(message, "MFE", 1) or _part(message, "MSH", 9, 2)
    said = _ACTS.get(act) or _part(message, "STF", 7)
    return _IN_USE.get(said, said) or None


_ACTS = {"MDC": "I", "MAC": "A", "B04": "A", "B05": "I", "B06": "I"}
_IN_USE = {"A": "Y", "I": "N"}  # HL7 0183


@function(
    "hl7v2.employment",
    says="STF-20, unless the event itself decides: B06 ends an employment",
    reads=("STF-20", "MSH-9.2"),
)
def employment(message: Sheet) -> str | None:
    """B06 comes with the status the person had, as often as with the one they have now."""
    event = _part(message, "MSH", 9, 2)
    return event if event == "B06" else _part(message, "STF", 20) or None


def _retired(group: Sheet) -> _Id:
    """The one number in MRG-1, completed from its counterpart."""
    found = next(_ids(group, "MRG", 1), _Id("", "", ""))
    if not _is_key(found):
        raise BadValue("no-retired-number", "a patient's number in MRG-1, no placeholder")
    for one in _ids(group, "PID", 3):
        if _is_key(one) and found.is_of_kind(one):
            return _Id(found.value, found.assigner or one.assigner, found.type or one.type or "PI")
    raise BadValue("unpaired-merge", "a number in PID-3 of the same assigner and type as MRG-1")


def _is_key(one: _Id) -> bool:
    return one.type not in _OTHERS and identifiers.is_usable("Participant", "mrn", one.value)


def _agree(one: str, other: str) -> bool:
    return not one or not other or one == other


# -- reading


def _ids(sheet: Sheet, segment: str, field: int, which: int = 0) -> Iterator[_Id]:
    """Every identifier of a field that has a value, in order, of the segment so far down."""
    place = f"{segment}-{field}"
    if which:
        rows = sheet.every_row(place, segment, field)
        found = rows[which] if which < len(rows) else ()
    else:
        found = sheet.first_row(place, segment, field)
    for one in found:
        parts = one.parts
        if one.removed or not parts[0]:
            continue
        more = len(parts)
        assigner = parts[3] if more > 3 else ""
        if not assigner and more > 3:
            assigner = _UNIVERSAL_ID(sheet, one.raw) or ""
        kind = parts[4] if more > 4 else ""
        if not assigner and kind != _NATIONAL:
            assigner = sheet.authority
        yield _Id(parts[0], assigner, kind)


_NATIONAL = "NI"  # a country's number: the sender's own authority did not assign it
_UNIVERSAL_ID = er7_path.compile_part(".4.2")  # HD: where no namespace is said


def _part(sheet: Sheet, segment: str, field: int, component: int = 1) -> str:
    found = sheet.first_row(f"{segment}-{field}", segment, field)
    parts = found[0].parts if found and not found[0].removed else ()
    return parts[component - 1] if len(parts) >= component else ""
