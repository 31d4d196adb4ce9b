"""Which wire format a medium's name stands for."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.formats.odm import MEDIA as ODM
from mappings.media import fhir, form, hl7v2, json, odm, table, usdm, xml
from mappings.media.medium import Medium

EXPECTED = (
    "hl7v2, text/csv;row, application/x-www-form-urlencoded, or a medium with json or xml in its "
    "name, such as application/fhir+json"
)


def medium(
    reads: str,
    *,
    prefixes: Mapping[str, str] | None = None,
    exact: bool = False,
    authority: str = "",
) -> Medium | None:
    """The medium called `reads`; None when nothing here reads it. `exact`: decimals stay exact;
    `authority`: who assigns numbers that an HL7 v2 message leaves unassigned."""
    kind = reads.partition(";")[0]
    if reads == "hl7v2":
        return hl7v2.medium(authority)
    if reads == "text/csv;row":
        return table.medium()
    if kind == "application/x-www-form-urlencoded":
        return form.medium()
    if "json" in kind:
        return _json(reads, kind, exact=exact)
    if "xml" in kind:
        made = odm.medium if kind == ODM else xml.medium
        return made(prefixes=prefixes or {})
    return None


def _json(reads: str, kind: str, *, exact: bool) -> Medium:
    if reads == usdm.READS:
        return usdm.medium(exact=exact)
    if kind == "application/fhir+json":
        return fhir.medium(exact=exact)
    return json.medium(exact=exact)
