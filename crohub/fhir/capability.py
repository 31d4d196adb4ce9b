"""The CapabilityStatement, made of the same table as routes and searches: it cannot say another
thing than the facade does."""

from __future__ import annotations

from importlib.metadata import version as release

from crohub.fhir import provenance
from crohub.fhir.asking import Asking
from crohub.fhir.codes import Codes
from crohub.fhir.kind import Kind
from crohub.fhir.kinds import KINDS
from crohub.fhir.scene import Json, Version
from mappings.code_tables import CodeTables

_NUMBERS: dict[Version, str] = {"R4": "4.0.1", "R5": "5.0.0"}
_TYPES = {"identifier": "token", "flag": "token"}
_COMMON = (
    ("_id", "token", "the id"),
    ("_lastUpdated", "date", "when the hub last came to believe something else of the record"),
)
_SECURITY = (
    "an API key as a bearer token. Every read needs records.read; Patient and searches by personal "
    "numbers need phi.read, and enter the audit; a key that is confined to studies or sites sees "
    "what belongs to them."
)
_INTERACTIONS = [{"code": "read"}, {"code": "search-type"}]


def statement(version: Version, base: str, date: str) -> Json:
    """What the facade at `base` does in one version of FHIR, since `date`."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": date,
        "kind": "instance",
        "software": {"name": "crohub", "version": release("crohub")},
        "implementation": {"description": "the canonical records of this hub", "url": base},
        "fhirVersion": _NUMBERS[version],
        "format": ["application/fhir+json"],
        "rest": [
            {
                "mode": "server",
                "security": {"description": _SECURITY},
                "resource": [*(_resource(version, kind) for kind in KINDS.values()), _told()],
            }
        ],
    }


def _resource(version: Version, kind: Kind) -> Json:
    asking = Asking(kind, version, Codes(CodeTables()), lambda entity, one: None)
    params = [_param(name, type_, says) for name, type_, says in _COMMON]
    for one in kind.offered(version):
        says = f"{one.says} (crohub's own parameter)" if one.own else one.says
        params.append(_param(one.name, _TYPES.get(one.search, one.search), says))
    made = _head(kind.type, kind.says)
    if asking.includes():
        made["searchInclude"] = asking.includes()
    return made | {"searchRevInclude": asking.revincludes(), "searchParam": params}


def _told() -> Json:
    """Provenance, which is searched by its target alone."""
    param = _param(provenance.TARGET, "reference", "what it is of; needed, one at a time")
    return _head(provenance.TYPE, provenance.SAYS) | {"searchParam": [param]}


def _head(type_: str, says: str) -> Json:
    return {
        "type": type_, "documentation": says, "interaction": _INTERACTIONS,
        "versioning": "versioned", "readHistory": False, "updateCreate": False,
        "conditionalRead": "not-match", "referencePolicy": ["literal"],
    }  # fmt: skip


def _param(name: str, type_: str, says: str) -> Json:
    return {"name": name, "type": type_, "documentation": says}
