"""What the HL7 v2 standard calls things: message structures, segments, fields, components.

The dictionary is hl7apy's, and is loaded when first asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from connectors.formats import er7_path

# HL7 table 0354: events that share the structure of another. Where MSH-9 does not say.
_SHARED = {
    "ADT_A01": "A04 A08 A13",
    "ADT_A05": "A14 A28 A31",
    "ADT_A06": "A07",
    "ADT_A09": "A10 A11",
    "ADT_A21": "A22 A23 A25 A26 A27 A29 A32 A33",
    "ADT_A39": "A40 A41 A42",
    "CRM_C01": "C02 C03 C04 C05 C06 C07 C08",
    "CSU_C09": "C10 C11 C12",
    "MDM_T01": "T03 T05 T07 T09 T11",
    "MDM_T02": "T04 T06 T08 T10",
    "PMU_B01": "B02",
    "PMU_B04": "B05 B06",
    "PPR_PC1": "PC2 PC3",
    "RDE_O11": "O25",
    "SIU_S12": "S13 S14 S15 S16 S17 S18 S19 S20 S21 S22 S23 S24 S26",
}
_STRUCTURES = {
    f"{shape[:3]}_{event}": shape for shape, events in _SHARED.items() for event in events.split()
}


@dataclass(frozen=True, slots=True)
class Group:
    """Segments and groups of segments in the order in which a message holds them."""

    name: str
    members: tuple[str | Group, ...]
    needs: frozenset[str] = frozenset()  # members that must be there

    def segments(self) -> tuple[str, ...]:
        """The names of all segments in it, in order; one that has two places comes twice."""
        found: list[str] = []
        for member in self.members:
            found += [member] if isinstance(member, str) else member.segments()
        return tuple(found)

    def required(self) -> tuple[str, ...]:
        """The segments without which no message of this structure is whole, in order."""
        found: list[str] = []
        for member in self.members:
            name = member if isinstance(member, str) else member.name
            if name in self.needs:
                found += [name] if isinstance(member, str) else member.required()
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Place:
    """One element of the standard: a field, or a component or subcomponent of one."""

    path: str  # PID-5.1
    name: str  # PATIENT_NAME / FAMILY_NAME
    datatype: str
    repeats: bool  # the field may come more than once
    required: bool  # the field must be there


def versions() -> tuple[str, ...]:
    """The versions that can be built and described, oldest first."""
    from hl7apy import SUPPORTED_LIBRARIES

    return tuple(sorted(SUPPORTED_LIBRARIES, key=lambda v: [int(part) for part in v.split(".")]))


@lru_cache(maxsize=256)
def structure(type_: str, version: str) -> Group:
    """The structure of messages of `type_` (`CRM^C01^CRM_C01`; without the third part, the one
    its event has). Raises ValueError when the version has no such structure."""
    code, _, rest = type_.partition("^")
    event, _, name = rest.partition("^")
    messages = _library(version).MESSAGES
    name = name or (f"{code}_{event}" if event else code)
    if name not in messages:
        name = _STRUCTURES.get(name, name)
    if name not in messages:
        raise ValueError(
            f"HL7 v{version} has no message structure {name!r}; expected type^event^structure "
            "such as ADT^A04^ADT_A01"
        )
    return _group(name, messages[name])


@lru_cache(maxsize=4096)
def place(path: str, version: str) -> Place:
    """What the standard says stands at `path` (`PID-5.1`). Raises ValueError when it has nothing
    there, naming what it lacks. A site's own Z-segments have no description."""
    at = er7_path.parse(path)
    segments = _library(version).SEGMENTS
    if at.segment not in segments:
        raise ValueError(f"HL7 v{version} has no segment {at.segment} (path {path!r})")
    fields = _children(segments[at.segment])
    if at.field > len(fields):
        raise ValueError(
            f"segment {at.segment} of HL7 v{version} ends at field {len(fields)} (path {path!r})"
        )
    _, node, (least, most), _ = fields[at.field - 1]
    names = [node[3]]
    for number in _below(at):
        node = _step(node, number, path, version)
        names.append(node[3])
    return Place(
        path=".".join([at.reads, *map(str, _below(at))]),
        name=" / ".join(names),
        datatype=node[2],
        repeats=most != 1,
        required=least > 0,
    )


def describe(path: str, version: str = "2.5.1") -> str:
    """`PID-5.1` in words: `Patient name / Family name`."""
    return " / ".join(
        part.replace("_", " ").capitalize() for part in place(path, version).name.split(" / ")
    )


def _below(at: er7_path.Path) -> tuple[int, ...]:
    if not at.component:
        return ()
    return (at.component,) if at.subcomponent == 1 else (at.component, at.subcomponent)


def _step(node: Any, number: int, path: str, version: str) -> Any:  # noqa: ANN401 - hl7apy's tuples
    parts = _children(node)
    if not parts and number == 1:
        return node  # the first component of a field that has none is the field
    if number > len(parts):
        raise ValueError(
            f"{node[3]} ({node[2]}) of HL7 v{version} has no part {number}, at most "
            f"{len(parts) or 1} (path {path!r})"
        )
    return parts[number - 1][1]


def _children(node: Any) -> Any:  # noqa: ANN401 - hl7apy's tuples
    return node[1] if node[0] in ("sequence", "choice") else ()


def _group(name: str, node: Any) -> Group:  # noqa: ANN401 - hl7apy's tuples
    members: list[str | Group] = []
    needs: set[str] = set()
    for child, inner, (least, _), kind in _children(node):
        members.append(child if kind == "SEG" else _group(child, inner))
        if least > 0 and node[0] != "choice":
            needs.add(child)
    return Group(name, tuple(members), frozenset(needs))


@lru_cache(maxsize=16)
def _library(version: str) -> Any:  # noqa: ANN401 - hl7apy's module
    import hl7apy

    if version not in hl7apy.SUPPORTED_LIBRARIES:
        raise ValueError(f"HL7 v{version} is not known, expected one of {', '.join(versions())}")
    return hl7apy.load_library(version)
